"""Whether a run fits on the engine's disk, by what the last nights took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drift.config import load
from drift.engine.engine import Engine
from drift.engine.model import DiskSpace
from drift.errors import EngineError
from drift.nightly.job import check
from drift.nightly.room import Need, make_room, needed, shortage
from drift.nightly.rounds import LEAST_FREE
from drift.nightly.watch import NobodyWatches
from drift.store.store import Store
from support.faulty_engine import Faulty
from support.store_samples import record

GB = 10**9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/drift.db") as opened:
        yield opened


class Said(NobodyWatches):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def says(self, message: str) -> None:
        self.lines.append(message)


class Disk:
    """An engine's disk that cleaning enlarges."""

    def __init__(self, *free: int | None) -> None:
        self.free = list(free)
        self.cleaned = 0

    def disk(self) -> DiskSpace | None:
        free = self.free[min(self.cleaned, len(self.free) - 1)]
        return None if free is None else DiskSpace(free, 100 * GB)

    def clean(self) -> None:
        self.cleaned += 1


def test_a_night_takes_what_the_last_ones_took(store: Store) -> None:
    fleet: Any = [SimpleNamespace(name=name) for name in ("web", "api", "new")]
    assert needed(store, fleet, 2) == Need(0, 0, ("web", "api", "new"))
    record(store, "r1", names="web api")
    record(store, "r2", date(2026, 11, 24), names="web api")
    # Two builds of 10 bytes; one image staged for certain, two at once where there are two jobs.
    assert needed(store, fleet, 2) == Need(20 + 10, 20 + 20, ("new",))
    assert needed(store, fleet, 1) == Need(20 + 10, 20 + 10, ("new",))


@pytest.mark.parametrize(
    ("free", "cleanings", "refused"),
    [
        ((LEAST_FREE + 9 * GB,), 0, False),
        ((LEAST_FREE + 9 * GB - 1,), 1, False),
        ((LEAST_FREE + 4 * GB,), 1, False),
        ((LEAST_FREE, LEAST_FREE + 20 * GB), 1, False),
        ((LEAST_FREE + 4 * GB - 1,), 1, True),
        ((None,), 0, False),
    ],
)
def test_cleaned_where_it_may_not_fit_and_refused_where_it_does_not(
    free: tuple[int | None, ...], cleanings: int, refused: bool
) -> None:
    disk, said = Disk(*free), Said()
    engine = cast(Engine, disk)
    does_not_fit: Any = (
        pytest.raises(EngineError, match=r"take 4\.0 GB") if refused else nullcontext()
    )
    with does_not_fit:
        make_room(engine, Need(4 * GB, 9 * GB), said, disk.clean)
    assert disk.cleaned == cleanings
    assert len(said.lines) == cleanings, "a run that may not fit is warned of"


def test_an_unknown_disk_is_not_short() -> None:
    assert shortage(None, 10**18) == 0


def test_a_run_that_does_not_fit_builds_nothing(tmp_path: Path, store: Store) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base:1\nRUN make\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\n')
    record(store, "r1", date(2026, 11, 1))
    engine = Faulty(free=LEAST_FREE)
    with pytest.raises(EngineError, match="does not fit"):
        check(load(tmp_path / "drift.toml"), cast(Engine, engine), store, NobodyWatches())
    assert engine.builds == 0
    assert [run.id for run in store.runs(9)] == ["r1"], "nothing of it is recorded"
