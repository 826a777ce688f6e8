"""A run as a whole, on an engine in memory: which night it is, and what the reader is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from drift.config import load
from drift.engine.engine import Engine
from drift.nightly.job import check
from drift.nightly.watch import NobodyWatches
from drift.store.store import Store
from support.faulty_engine import BASE, Faulty
from support.images import file, tar

APP = '[[image]]\nname = "app"\n'
ACCEPTED = '[policy]\nbaseline = "accepted"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM base:1\nRUN make\n")
    (tmp_path / "drift.toml").write_text(APP)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / ".drift").mkdir()
    with Store.open(f"sqlite:///{tmp_path / '.drift' / 'drift.db'}") as opened:
        yield opened


def run(project: Path, store: Store, night: date | None = None) -> dict[str, Any]:
    """The document of the one image after a run."""
    config = load(project / "drift.toml")
    engine = cast(Engine, Faulty())
    return check(config, engine, store, NobodyWatches(), night=night, jobs=1).images[0]


def test_a_night_named_in_the_future_forgets_nothing_of_the_past(
    project: Path, store: Store
) -> None:
    today = datetime.now(UTC).date()
    nights = [today + timedelta(1000), *(today - timedelta(days) for days in (0, 1, 2, 3))]
    for night in reversed(nights):
        run(project, store, night)
    assert [kept.night for kept in store.runs(9)] == nights


def test_a_fleet_without_an_accepted_baseline_is_told_how_to_take_one(
    project: Path, store: Store
) -> None:
    note = "no accepted baseline: `drift accept app` takes one"
    assert note not in str(run(project, store)), "the last good night is the baseline"
    (project / "drift.toml").write_text(ACCEPTED + APP)
    first = run(project, store)
    assert (first["status"], first["notes"]) == ("first", [note])
    store.accept("app", store.builds("app")[0].id, datetime.now(UTC), "")
    again = run(project, store)
    assert again["status"] == "identical"
    assert note not in str(again)


def test_a_known_change_flags_nothing_until_its_day_and_is_told(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEWER", "hunter2secret")
    rule = '[[accept]]\nsubject = "/app"\nuntil = 2026-11-23\nreason = "seen by ${REVIEWER}"\n'
    (project / "drift.toml").write_text(rule + APP)
    config = load(project / "drift.toml")

    def at(day: int, content: str) -> dict[str, Any]:
        engine = cast(Engine, Faulty(layers=(BASE, tar([file("app", content)]))))
        night = date(2026, 11, day)
        return check(config, engine, store, NobodyWatches(), night=night, jobs=1).images[0]

    at(22, "1")
    known = at(23, "2")
    assert (known["status"], known["flagged"]) == ("drifted", False)
    (cause,) = known["causes"]
    assert cause["accepted"] == {"until": "2026-11-23", "reason": "seen by ***"}
    assert known["notes"] == []
    later = at(24, "3")
    assert (later["status"], later["flagged"]) == ("drifted", True)
    assert later["causes"][0]["accepted"] is None
    assert later["notes"] == ["the accept rule for /app ended on 2026-11-23"]
