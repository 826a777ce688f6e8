"""A plan: the builds that the rules would ask for, how sure they are, and what is in the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import cast

import pytest

from drift.config import load
from drift.engine.engine import Engine
from drift.errors import ConfigError
from drift.nightly.job import check
from drift.nightly.plan import Plan, plan
from drift.nightly.watch import NobodyWatches
from drift.store.store import Store
from support.faulty_engine import Faulty

TONIGHT = date(2026, 11, 23)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM base:1\nRUN make\n")
    configure(tmp_path)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / ".drift").mkdir()
    with Store.open(f"sqlite:///{tmp_path / '.drift' / 'drift.db'}") as opened:
        yield opened


def configure(project: Path, image: str = "", rest: str = "") -> None:
    text = f'[[image]]\nname = "app"\ncontext = "app"\n{image}\n{rest}'
    (project / "drift.toml").write_text(text)


def night(project: Path, store: Store, days_ago: int = 1) -> None:
    config, engine = load(project / "drift.toml"), cast(Engine, Faulty())
    when = TONIGHT - timedelta(days=days_ago)
    check(config, engine, store, NobodyWatches(), night=when, jobs=1)


def planned(project: Path, store: Store, engine: Faulty | None = None) -> Plan:
    asked = cast(Engine, engine or Faulty())
    return plan(load(project / "drift.toml"), store, asked, (), TONIGHT)


def told(found: Plan) -> list[tuple[str, str]]:
    return [(build.role.value, build.chance.value) for build in found.builds]


def edit(project: Path) -> None:
    (project / "app" / "Dockerfile").write_text("FROM base:1\nRUN make install\n")


def test_a_first_night_is_one_build(project: Path, store: Store) -> None:
    found = planned(project, store)
    assert told(found) == [("nightly", "certain")]
    assert (found.builds[0].seconds, found.builds[0].bytes) == (None, None)


def test_an_unchanged_repository_may_need_a_control(project: Path, store: Store) -> None:
    night(project, store)
    engine = Faulty()
    found = planned(project, store, engine)
    assert told(found) == [("nightly", "certain"), ("control", "possible")]
    assert engine.builds == 0
    assert "(not needed last night)" in found.builds[1].reason
    assert [build.seconds for build in found.builds] == [1.0, 1.0], "a control takes as long"
    assert found.builds[0].bytes
    assert found.notes == ()


def test_an_edited_repository_may_need_a_replay(project: Path, store: Store) -> None:
    night(project, store)
    edit(project)
    found = planned(project, store)
    assert told(found) == [("nightly", "certain"), ("replay", "possible"), ("control", "possible")]


@pytest.mark.parametrize(
    "setting", ['network = "host"', 'extra_hosts = ["db:10.0.0.2"]', 'shm_size = "256m"']
)
def test_what_drift_toml_gives_the_build_is_the_repository_s(
    project: Path, store: Store, setting: str
) -> None:
    configure(project, setting)
    night(project, store)
    assert ("replay", "possible") not in told(planned(project, store))
    configure(project)
    assert ("replay", "possible") in told(planned(project, store))


def test_a_host_of_a_variable_that_has_another_value_cannot_be_had_again(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(project, 'extra_hosts = ["db:${DATABASE}"]')
    monkeypatch.setenv("DATABASE", "10.20.30.40")
    night(project, store)
    assert planned(project, store).notes == ()
    monkeypatch.setenv("DATABASE", "10.20.30.50")
    (note,) = planned(project, store).notes
    assert note.endswith(": a line of extra_hosts came from a variable, and its value is not kept")


def test_a_replay_that_cannot_be_had_is_told_with_its_reason(project: Path, store: Store) -> None:
    configure(project, rest='[store]\nkeep_contexts = "0B"\n')
    night(project, store)
    edit(project)
    found = planned(project, store)
    assert told(found) == [("nightly", "certain"), ("control", "possible")]
    (note,) = found.notes
    assert note.startswith("app: what the baseline was built from cannot be built again: ")


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("always", [("nightly", "certain"), ("control", "certain")]),
        ("never", [("nightly", "certain")]),
    ],
)
def test_the_configuration_may_decide_on_the_control(
    project: Path, store: Store, control: str, expected: list[tuple[str, str]]
) -> None:
    night(project, store)
    configure(project, image=f'control = "{control}"')
    found = planned(project, store)
    assert told(found) == expected
    if control == "always":
        assert found.builds[1].reason == 'control = "always"'


def test_what_the_last_nights_needed_is_likely(project: Path, store: Store) -> None:
    configure(project, image='control = "always"')
    night(project, store, 3)
    night(project, store, 2)
    configure(project)
    assert told(planned(project, store))[1] == ("control", "likely")
    night(project, store, 1)
    found = planned(project, store)
    assert told(found)[1] == ("control", "likely")
    assert "needed on 2 of the last 3 nights" in found.builds[1].reason
    for days in (4, 5, 6):
        night(project, store, days)
    assert told(planned(project, store))[1] == ("control", "possible")


def test_the_accepted_baseline_is_the_one_that_counts(project: Path, store: Store) -> None:
    night(project, store)
    configure(project, rest='[policy]\nbaseline = "accepted"\n')
    edit(project)
    assert told(planned(project, store)) == [("nightly", "certain")], "nothing is accepted yet"


def test_an_image_that_cannot_be_built_is_told(project: Path, store: Store) -> None:
    (project / "app" / "Dockerfile").write_text("FRM base:1\n")
    found = planned(project, store)
    assert found.builds == ()
    (note,) = found.notes
    assert note.startswith("app: cannot be built: ")


def test_without_an_engine_every_build_is_possible(project: Path, store: Store) -> None:
    night(project, store)
    shutil.rmtree(project / ".drift" / "cache", ignore_errors=True)
    found = plan(load(project / "drift.toml"), store, None, (), TONIGHT)
    assert told(found) == [("nightly", "certain"), ("replay", "possible"), ("control", "possible")]


def test_a_name_that_is_not_configured_is_an_error(project: Path, store: Store) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        plan(load(project / "drift.toml"), store, None, ["nobody"], TONIGHT)
