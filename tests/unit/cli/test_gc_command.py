"""``drift gc``: this store's own references and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from drift.engine.engine import Engine
from drift.engine.leavings import Cleanup
from drift.store.store import Store
from support.command import Drift

RUN = "20261123T021500Z-7f3a1c"


class FakeEngine:
    """Holds references, drift's own as they are tagged."""

    def __init__(self, *references: str) -> None:
        self.references = list(references)

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None: ...

    def containers_labelled(self, label: str) -> tuple[str, ...]:
        return ()

    def own_references(self) -> tuple[str, ...]:
        return tuple(self.references)

    def remove(self, reference: str) -> bool:
        self.references.remove(reference)
        return True

    def remove_superseded_bases(self, image_ids: Iterable[str]) -> Cleanup:
        assert list(image_ids) == []
        return Cleanup(kept={"debian:bookworm": "a container uses it"})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "."\n')
    return tmp_path


@pytest.fixture
def store(here: Path) -> Store:
    store = Store.open(f"sqlite:///{here}/.drift/drift.db")
    store.begin_run(RUN, date(2026, 11, 23), datetime.now(UTC), None)
    return store


def test_leavings_of_a_killed_run_go(
    store: Store, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = "drift.local/web:20260101T000000Z-000000-web-nightly"
    engine = FakeEngine(f"drift.local/web:{RUN}-web-nightly", theirs)
    monkeypatch.setattr(Engine, "connect", lambda _host: engine)
    ran = drift("gc")
    said, *rules = ran.out.splitlines()
    assert ran.code == 0
    assert said == "Removed 1 image of drift's own from the engine, and 0 nights from the store."
    assert "[upkeep] in drift.toml sets none of dangling" in rules[0], "what is there to set"
    assert "not removed: debian:bookworm (a container uses it)" in ran.err
    assert engine.references == [theirs]


def test_a_run_that_is_under_way_is_left_alone(
    store: Store, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(f"drift.local/web:{RUN}-web-nightly")
    monkeypatch.setattr(Engine, "connect", lambda _host: engine)
    with store.exclusive(0.0, lambda _: None):
        ran = drift("gc")
    assert (ran.code, ran.out) == (2, "")
    assert "another run holds the store" in ran.err
    assert len(engine.references) == 1
