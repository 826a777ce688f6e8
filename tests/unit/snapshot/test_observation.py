"""What is learned of a layer's files while it streams by."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.oci import DiffId, Digest
from drift.snapshot import forms, observe, texts
from drift.snapshot.forms import Window
from drift.snapshot.layer import Capture, nothing_captured, read_layer
from drift.snapshot.model import Layer, LayersInMemory
from drift.snapshot.observe import Observer
from drift.snapshot.parts import chunks, lines
from drift.snapshot.take import snapshot_of_stream
from support.elf import SYMBOLS, library
from support.images import Member, config_of, diff_id, docker_archive, file, oci_members, tar

BLOB = random.Random(1).randbytes(100_000)
WINDOW = Window(datetime(2026, 11, 22, 1, tzinfo=UTC), datetime(2026, 11, 22, 2, tzinfo=UTC))
BASE, ABOVE = (tar([file(name, f"text of {name}\n")]) for name in ("base", "above"))


@dataclass(frozen=True)
class Years:
    """A form that masks the window's year."""

    name: str = "years"
    kind: str = "timestamp"
    exact: bool = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        if path.endswith("none"):
            return None
        if path.endswith("failing"):
            raise ValueError(path)
        year = b"%d" % window.started_at.year if window else b"none"
        return content.replace(year, b"YEAR")


@pytest.fixture
def years(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Years()
    monkeypatch.setattr(observe, "choose", lambda path, *_: form if "form" in path else None)
    monkeypatch.setattr(forms, "by_name", {"years": form}.__getitem__)


def observed(
    members: Sequence[Member], observer: Observer | None = None, piece: int = 1 << 22
) -> Layer:
    content = tar(members)
    pieces = (content[start : start + piece] for start in range(0, len(content), piece))
    return read_layer(pieces, "a layer", nothing_captured(), observer or Observer(WINDOW))


@pytest.mark.parametrize("piece", [512, 1000, 1 << 22])
def test_each_file_is_looked_into_however_the_stream_is_cut(piece: int) -> None:
    members = [file("a", "b\na\n"), file("blob", BLOB), file("lib.so", library(SYMBOLS))]
    layer = observed(members, piece=piece)
    assert layer.texts == {"/a": b"b\na\n"}
    assert layer.parts["/a"] == lines(b"a\nb\n")
    assert layer.parts["/blob"] == chunks(BLOB)
    assert layer.symbols == {"/lib.so": ("guarded", "maybe", "open_it")}
    assert layer.forms == {}
    assert [e.digest for e in layer.entries] == [Digest.of(member.content) for member in members]


@pytest.mark.usefixtures("years")
def test_normal_forms_and_parts_are_of_masked_content() -> None:
    private = file("private-form", "in 2026\nyes\n", mode=0o600)
    layer = observed([file("form", "in 2026\nyes\n"), private, file("form2", "in 1999\n")])
    masked = b"in YEAR\nyes\n"
    assert {path: form.digest for path, form in layer.forms.items()} == dict.fromkeys(
        ["/form", "/private-form"], Digest.of(masked)
    )
    assert layer.texts.keys() == {"/form", "/form2"}
    assert layer.parts["/form"] == layer.parts["/private-form"] == lines(masked)
    assert layer.parts["/form2"] == lines(b"in 1999\n")


@pytest.mark.usefixtures("years")
def test_without_a_window_no_dates_are_masked() -> None:
    assert observed([file("form", "in 2026\n")], Observer()).forms == {}


@pytest.mark.usefixtures("years")
@pytest.mark.parametrize("name", ["form-none", "form-failing"])
def test_a_file_without_normal_form_is_as_it_is(name: str) -> None:
    layer = observed([file(name, "in 2026\n")])
    assert layer.forms == {}
    assert layer.parts["/" + name] == lines(b"in 2026\n")


@pytest.mark.usefixtures("years")
def test_an_unbounded_normal_form_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "NORMAL_LIMIT", 10)
    assert observed([file("form", "in 2026, in 2026\n")]).forms == {}


def test_secrets_are_not_kept_as_texts_but_have_parts() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"
    members = [file("id", key), file(".env", "A=1\n"), file("mode", "x\n", mode=0o640)]
    members.append(file("masked", "token hunter22\n"))
    layer = observed(members, Observer(WINDOW, lambda content: b"hunter22" in content))
    assert layer.texts == {}
    assert set(layer.parts) == {"/id", "/.env", "/mode", "/masked"}
    assert layer.parts["/mode"] == lines(b"x\n")


def test_large_files_have_neither_parts_nor_texts() -> None:
    layer = observed(
        [
            file("text", b"x" * (texts.LARGEST + 1)),
            file("long", b"x" * (observe.LARGEST_TEXT + 1)),
            file("blob", bytes(observe.LARGEST_BINARY + 1)),
            file("huge", bytes(observe.LARGEST + 1)),
        ]
    )
    assert layer.texts == {}
    assert set(layer.parts) == {"/text"}


def test_a_large_file_whose_first_bytes_say_all_has_a_form() -> None:
    cache = b"\xdc\x76\xfe\x98" + bytes(observe.LARGEST)
    layer = observed([file("var/cache/apt/pkgcache.bin", cache), file("other.bin", cache)])
    assert {path: form.name for path, form in layer.forms.items()} == {
        "/var/cache/apt/pkgcache.bin": "apt-cache"
    }


def test_a_compressed_file_is_in_its_exact_form_where_no_date_was_masked() -> None:
    dated, plain = (gzip.compress(text, mtime=9) for text in (b"on 2026-11-22", b"no date"))
    layer = observed([file("dated.gz", dated), file("plain.gz", plain)])
    assert {path: form.name for path, form in layer.forms.items()} == {
        "/dated.gz": "gzip+dates",
        "/plain.gz": "gzip",
    }


def test_room_is_finite_and_smaller_where_packages_are() -> None:
    size = 1 << 20
    many = [file(f"{place}/{n}", bytes(size)) for n in range(20) for place in ("usr/lib", "srv")]
    found = observed(many).parts
    assert sum(path.startswith("/usr/lib/") for path in found) == 4
    assert sum(path.startswith("/srv/") for path in found) == 16


def test_dates_are_searched_for_while_there_is_room() -> None:
    text = b"built 2026-11-22\n" + b"x\n" * 80_000
    many = [file(f"srv/{n}", text) for n in range(250)]
    searched = len(observed(many).forms)
    assert searched == (32 << 20) // len(text) < 250
    logs = [file(f"srv/{n}", bytes([1]) + text) for n in range(250)]
    assert len(observed(logs).forms) == (4 << 20) // (len(text) + 1)


def test_a_path_that_comes_again_is_what_it_was_last() -> None:
    layer = observed([file("a", "old\n"), file("a", BLOB), file("b", BLOB), file("b", "new\n")])
    assert layer.texts == {"/b": b"new\n"}
    assert layer.parts == {"/a": chunks(BLOB), "/b": lines(b"new\n")}


def test_files_that_cataloguers_read_are_looked_into_too() -> None:
    capture = Capture(wanted=lambda path: path == "/db", largest=100)
    layer = read_layer(iter([tar([file("db", "x\n")])]), "a layer", capture, Observer())
    assert layer.captured == layer.texts == {"/db": b"x\n"}


class Counting(LayersInMemory):
    def __init__(self) -> None:
        super().__init__()
        self.put_layers: list[Layer] = []

    def put(self, layer: Layer) -> None:
        self.put_layers.append(layer)
        super().put(layer)


IDS = [DiffId(diff_id(layer)) for layer in (BASE, ABOVE)]
OCI = oci_members([([BASE, ABOVE], config_of([BASE, ABOVE]), {})])


@pytest.mark.parametrize("members", [OCI, docker_archive([BASE, ABOVE])], ids=["named", "unnamed"])
def test_layers_of_the_base_are_not_looked_into(members: Sequence[Member]) -> None:
    layers = LayersInMemory()
    stream = io.BytesIO(tar(members))
    snapshot_of_stream(stream, "export", layers, expected=IDS, base=IDS[:1], window=WINDOW)
    base, above = map(layers.get, IDS)
    assert (base.texts, dict(base.parts)) == ({}, {})
    assert above.texts == {"/above": b"text of above\n"}
    assert set(above.parts) == {"/above"}


def test_layers_that_are_known_are_not_looked_into_again(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = Counting()
    for _ in range(2):
        stream = io.BytesIO(tar(OCI))
        snapshot_of_stream(stream, "export", layers, expected=IDS, base=IDS[:1])
        monkeypatch.setattr(observe, "choose", None)  # not to be asked again
    assert {layer.diff_id for layer in layers.put_layers} == set(IDS)
    assert len(layers.put_layers) == 2


FILES = st.lists(
    st.tuples(st.sampled_from(["a", "b.so", "c.pyc", "etc/ld.so.cache"]), st.binary(max_size=2000)),
    max_size=4,
)


@given(FILES, st.sampled_from([1, 600, 1 << 20]))
def test_any_content_is_looked_into_without_an_error(
    files: list[tuple[str, bytes]], piece: int
) -> None:
    layer = observed([file(name, content) for name, content in files], piece=piece)
    last = {f"/{name}": content for name, content in files}
    assert set(layer.parts) == set(last)
    assert set(layer.texts) <= set(last)
    assert all(last[path] == content for path, content in layer.texts.items())
