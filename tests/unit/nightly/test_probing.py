"""Which sources of a fleet are asked, how often, and what of them is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from drift.config import load
from drift.engine.engine import Engine
from drift.nightly.bases import Bases
from drift.nightly.prepare import Prepared, prepare
from drift.nightly.probing import Probing, forget_added
from drift.nightly.watch import NobodyWatches
from drift.oci import Digest
from drift.snapshot.model import LayersInMemory
from drift.source.checkout import Checkout
from support.faulty_engine import Faulty
from support.images import build_of, file, snapshot_of
from support.web import Web, running_web

SECRET = "t0ken-of-the-night"


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as web:
        web.pages.update({"/a": b"a", "/b": b"b", f"/{SECRET}": b"x", "/12345678": b"v"})
        yield web


class Fleet:
    """Two images of one Dockerfile, which reads from a web server."""

    def __init__(self, root: Path, web: Web, settings: str = "", more: str = "") -> None:
        (root / "Dockerfile").write_text(
            f"FROM base:1\nARG T\nARG V\nADD {web.url}/a /a\nRUN curl -o /b {web.url}/b\n"
            f"RUN curl -o /t {web.url}/$T\nRUN curl -o /v {web.url}/$V\n{more}"
        )
        image = 'args = { T = "${T}", V = "12345678" }\nvolatile_args = ["V"]\n'
        (root / "drift.toml").write_text(
            f'{settings}\n[[image]]\nname = "app"\n{image}[[image]]\nname = "web"\n{image}'
        )
        self.config = load(root / "drift.toml")
        self.engine = Faulty()
        real = cast(Engine, self.engine)
        self.prepared: list[Prepared] = [
            prepare(image, Checkout(root), self.config, real, ()) for image in self.config.images
        ]
        self.bases = Bases(real, lambda _reference: False)
        self.bases.pull(self.prepared, NobodyWatches())


@pytest.fixture
def fleet(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.setenv("T", SECRET)
    return Fleet(tmp_path, web)


def test_a_source_is_asked_once_for_the_fleet_and_nothing_masked_is_told(
    fleet: Fleet, web: Web
) -> None:
    with Probing(fleet.config, fleet.bases) as probing:
        probing.begin(fleet.prepared)
        answers = probing.answers()
    told = {name: [(p.remote.url, p.identity) for p in found] for name, found in answers.items()}
    expected = [(f"{web.url}/{name}", Digest.of(name.encode())) for name in "ab"]
    assert told == {"app": expected, "web": expected}
    assert sorted(path for _, path, _ in web.requests) == ["/a", "/b"]
    assert SECRET not in repr(answers)
    assert "12345678" not in repr(answers)


def test_a_second_look_asks_anew_what_answered(fleet: Fleet, web: Web) -> None:
    del web.pages["/b"]
    with Probing(fleet.config, fleet.bases) as probing:
        probing.begin(fleet.prepared)
        assert probing.answers()["app"][1].gone
        web.pages["/a"] = b"moved"
        again = probing.again(["app"])
        others = probing.again(["web"])
    assert [probe.identity for probe in again["app"]] == [Digest.of(b"moved")]
    assert [probe.identity for probe in others["web"]] == [Digest.of(b"moved")]
    assert (web.asked("/a"), web.asked("/b")) == (2, 1)


def test_probing_may_be_turned_off(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", SECRET)
    fleet = Fleet(tmp_path, web, "[probe]\nenabled = false")
    with Probing(fleet.config, fleet.bases) as probing:
        probing.begin(fleet.prepared)
        assert probing.answers() == {}
        assert probing.again(["app"]) == {"app": ()}
    assert web.requests == []


def test_what_a_run_ends_before_is_given_up(fleet: Fleet, web: Web) -> None:
    with Probing(fleet.config, fleet.bases) as probing:
        pass
    probing.begin(fleet.prepared)
    problems = {probe.problem for found in probing.answers().values() for probe in found}
    assert problems == {"it was not asked: there was no time left"}
    assert web.requests == []


def test_only_buildkit_has_something_to_forget(fleet: Fleet) -> None:
    forgotten: list[str] = []

    class Remembering:
        def forget_urls(self, urls: set[str]) -> tuple[str, ...]:
            forgotten.extend(urls)
            return ()

    engine = cast(Engine, Remembering())
    prepared = fleet.prepared[0]
    forget_added(engine, prepared, fleet.bases)
    expected = ["/a"] if prepared.builder == "buildkit" else []
    assert [url.rpartition("/")[2] for url in forgotten] == [name[1:] for name in expected]


def test_an_index_is_asked_once_a_run_and_is_no_remote(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", SECRET)
    web.pages["/simple/a/"] = b"page"
    fleet = Fleet(tmp_path, web, more=f"RUN pip install -i {web.url}/simple a {SECRET}\n")
    made = build_of(snapshot_of([[file("x")]], LayersInMemory()))
    with Probing(fleet.config, fleet.bases) as probing:
        probing.begin(fleet.prepared)
        assert {len(told) for told in probing.answers().values()} == {2}
        first = probing.indexes([(fleet.prepared[0], made)], LayersInMemory())
        assert [probe.identity for probe in first["app"]] == [Digest.of(b"page")]
        both = probing.indexes([(one, made) for one in fleet.prepared], LayersInMemory())
        assert [len(told) for told in both.values()] == [1, 1]
        probing.again(["app"])
    assert web.asked("/simple/a/") == 1
    assert not any(SECRET in path for _, path, _ in web.requests)
