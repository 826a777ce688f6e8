"""Which indexes a build's image shows that its package tools asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from drift.builds import StageSnapshot
from drift.nightly.indexes import Gists, indexes_of
from drift.snapshot.layer import Capture, read_layer
from drift.snapshot.model import Instruction, LayersInMemory, Snapshot
from drift.snapshot.observe import Observer
from drift.snapshot.packages.catalogue import guarded, wanted
from drift.source.dockerfile.indexes import PUBLIC
from drift.source.model import Remote, RemoteKind
from support.images import Member, build_of, directory, file, snapshot_of, tar

DEBIAN = "http://deb.debian.org/debian"
LIST = "etc/apt/sources.list"
FLASK = Remote(RemoteKind.PYPI, f"{PUBLIC[RemoteKind.PYPI]}flask/", "0", 3, "flask")
OWN = Remote(RemoteKind.PYPI, "https://i.example/simple/own/", "0", 3, "own")
EXPRESS = Remote(RemoteKind.NPM, f"{PUBLIC[RemoteKind.NPM]}express", "0", 4, "express")


class Image:
    """A base's layer, and one for each instruction above it."""

    def __init__(self, base: Sequence[Member], *made: tuple[str, Sequence[Member]]) -> None:
        self.layers = LayersInMemory()
        self.build = build_of(self.snapshot(base, *made))

    def snapshot(self, base: Sequence[Member], *made: tuple[str, Sequence[Member]]) -> Snapshot:
        stacks = [base, *(members for _, members in made)]
        for members in stacks:
            capture = Capture(wanted, 1 << 20, guarded)
            self.layers.put(read_layer(iter([tar(members)]), "a layer", capture))
        taken = snapshot_of(stacks, self.layers)
        tied = [
            replace(layer, instruction=Instruction("0", line, text))
            for line, (layer, (text, _)) in enumerate(
                zip(taken.layers[1:], made, strict=True), start=2
            )
        ]
        return replace(taken, layers=(taken.layers[0], *tied))

    def asked(self, *named: Remote, hidden: str = "\0") -> list[tuple[int, str]]:
        found = indexes_of(named, self.build, Gists(self.layers), lambda text: hidden in text)
        return [(one.line, one.ref or "") for one in found]


def sources(text: str, path: str = LIST) -> Member:
    return file(path, text)


BASE = [directory("etc"), directory("etc/apt"), sources(f"deb {DEBIAN} bookworm main")]


def test_the_suites_of_a_base() -> None:
    image = Image(BASE, ("RUN apt-get update && apt-get install -y curl", [file("x")]))
    (remote,) = indexes_of((), image.build, Gists(image.layers), lambda _text: False)
    assert remote == Remote(
        RemoteKind.DEB, f"{DEBIAN}/dists/bookworm/InRelease", "0", 2, f"{DEBIAN} bookworm"
    )
    assert image.asked(hidden="bookworm") == []


def test_sources_are_those_that_each_instruction_left() -> None:
    image = Image(
        [*BASE, sources("deb http://gone.example a b", "etc/apt/sources.list.d/gone.list")],
        ("RUN apt-get update", [file("1")]),
        ("RUN rm -r /etc/apt/sources.list.d", [file("etc/apt/.wh.sources.list.d")]),
        ("RUN echo deb … > /etc/apt/sources.list; apt install -y x", [
            sources("deb http://own.example stable main")]),
    )  # fmt: skip
    assert image.asked() == [
        (2, f"{DEBIAN} bookworm"),
        (2, "http://gone.example a"),
        (4, "http://own.example stable"),
    ]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("RUN apt-get -qq -o Acquire::Retries=3 update", True),
        ('RUN ["/usr/bin/apt-get", "install", "-y", "x"]', True),
        ("RUN set -e; apt full-upgrade -y", True),
        ("RUN apt-get clean && npm install x", False),
        ("RUN apt-mark hold update", False),
        ("RUN /opt/apt update", False),
        ("COPY apt install /", False),
    ],
)
def test_which_instructions_ask(text: str, asks: bool) -> None:
    assert bool(Image(BASE, (text, [file("x")])).asked()) is asks


def test_the_suites_of_a_stage() -> None:
    image = Image([file("base")])
    stage = image.snapshot(BASE, ("RUN apt-get update", [file("y")]))
    image.build = replace(image.build, stages=(StageSnapshot("0", stage),))
    assert image.asked() == [(2, f"{DEBIAN} bookworm")]


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("etc/pip.conf", [OWN, EXPRESS]),
        ("root/.config/pip/pip.conf", [OWN, EXPRESS]),
        ("app/.npmrc", [FLASK, OWN]),
        ("usr/lib/node_modules/npm/npmrc", [FLASK, OWN]),
        ("app/node_modules/x/.npmrc", [FLASK, OWN, EXPRESS]),
        ("app/.wh..npmrc", [FLASK, OWN, EXPRESS]),
    ],
)
def test_the_public_index_is_not_asked_where_a_file_may_name_another(
    path: str, left: list[Remote]
) -> None:
    image = Image([file("base")], ("COPY . .", [file(path)]))
    assert image.asked(FLASK, OWN, EXPRESS) == [(one.line, one.ref) for one in left]


def test_a_file_that_cannot_be_read_names_nothing() -> None:
    odd = [directory("etc"), directory("etc/apt"), directory(LIST)]
    assert Image(odd, ("RUN apt-get update", [file("x")])).asked() == []


def test_sources_with_a_hidden_value_are_not_kept() -> None:
    content = tar([sources(f"deb http://s3cret@h {DEBIAN}"), file("etc/passwd", "s3cret")])
    observer = Observer(hides=lambda text: b"s3cret" in text)
    layer = read_layer(iter([content]), "a layer", Capture(wanted, 1 << 20, guarded), observer)
    assert set(layer.captured) == {"/etc/passwd"}
    assert layer.uncaptured == {f"/{LIST}": "it holds a value that must not be kept"}
