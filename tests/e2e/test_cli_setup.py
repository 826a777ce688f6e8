"""``drift init`` and ``drift doctor``: before the first night."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from drift.config import load
from drift.store.store import Store
from support.command import Drift


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def state_of(out: str, what: str) -> str:
    (line,) = (line for line in out.splitlines() if line[6:].startswith(f"{what} "))
    return line.split()[0]


def test_init_writes_what_loads(here: Path, drift: Drift) -> None:
    (here / "api").mkdir()
    (here / "api" / "Dockerfile").write_text("FROM scratch\n")
    ran = drift("init")
    assert ran.code == 0
    assert "with 2 images" in ran.out
    assert ["api", "api", "(Dockerfile)"] in [line.split() for line in ran.out.splitlines()]
    assert "drift check" in ran.out
    assert "api" in {image.name for image in load(here / "drift.toml").images}


def test_init_elsewhere(here: Path, drift: Drift) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "Dockerfile").write_text("FROM scratch\n")
    assert drift("init", "sub").code == 0
    assert (here / "sub" / "drift.toml").exists()
    assert not (here / "drift.toml").exists()


def test_init_does_not_overwrite(here: Path, drift: Drift) -> None:
    (here / "drift.toml").write_text("mine\n")
    ran = drift("init")
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err
    assert (here / "drift.toml").read_text() == "mine\n"
    assert drift("init", "--force").code == 0
    assert "[[image]]" in (here / "drift.toml").read_text()


def test_init_does_not_write_through_a_dangling_link(here: Path, drift: Drift) -> None:
    (here / "drift.toml").symlink_to(here / "elsewhere")
    assert drift("init").code == 2
    assert not (here / "elsewhere").exists()


@pytest.mark.parametrize("directory", ["nowhere", "Dockerfile", "empty"])
def test_init_where_nothing_is(here: Path, drift: Drift, directory: str) -> None:
    (here / "empty").mkdir()
    ran = drift("init", directory)
    assert (ran.code, ran.out) == (2, "")
    assert "hint:" in ran.err


def test_doctor_without_a_configuration(here: Path, drift: Drift) -> None:
    ran = drift("doctor")
    assert ran.code == 2  # no engine answers in these tests
    assert state_of(ran.out, "config") == "warn"
    assert state_of(ran.out, "git") == "ok"
    assert state_of(ran.out, "engine") == "fail"
    assert "no engine answers at unix:///nowhere/docker.sock" in ran.out
    assert "systemctl start docker" in ran.out
    assert "not ready: engine" in ran.err
    assert not (here / ".drift").exists()


def test_doctor_with_one_that_is_wrong(here: Path, drift: Drift) -> None:
    (here / "drift.toml").write_text('[egnine]\n[[image]]\nname = "web"\n')
    ran = drift("doctor")
    assert ran.code == 2
    assert state_of(ran.out, "config") == "fail"
    assert "did you mean" in ran.out
    assert state_of(ran.out, "engine") == "fail"


def test_doctor_with_a_named_one_that_is_not_there(here: Path, drift: Drift) -> None:
    ran = drift("doctor", "--config", "other.toml")
    assert ran.code == 2
    assert state_of(ran.out, "config") == "fail"


def test_doctor_before_the_first_night(here: Path, drift: Drift) -> None:
    drift("init")
    ran = drift("doctor")
    assert state_of(ran.out, "config") == "ok"
    assert state_of(ran.out, "store") == "ok"
    assert "the first check makes it" in ran.out
    assert state_of(ran.out, "reports") == "ok"
    assert not (here / ".drift").exists()
    assert not (here / "reports").exists()


def test_doctor_says_who_holds_the_store(here: Path, drift: Drift) -> None:
    drift("init")
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        store.begin_run("20261123T000000Z-aaaaaa", date(2026, 11, 23), datetime.now(UTC), None)
        with store.exclusive(0.0, lambda _: None):
            ran = drift("doctor")
            assert state_of(ran.out, "store") == "warn"
            assert f"another run holds the store: process {os.getpid()}" in ran.out
        assert state_of(drift("doctor").out, "store") == "ok"


def test_doctor_with_a_store_of_the_future(here: Path, drift: Drift) -> None:
    drift("init")
    file = here / ".drift" / "drift.db"
    Store.open(f"sqlite:///{file}").close()
    database = sqlite3.connect(file)
    database.execute("UPDATE drift_version SET version_num = 'v9999'")
    database.commit()
    database.close()
    ran = drift("doctor")
    assert state_of(ran.out, "store") == "fail"
    assert "newer drift" in ran.out


def test_doctor_where_reports_cannot_be_written(here: Path, drift: Drift) -> None:
    drift("init")
    (here / "reports").write_text("in the way")
    assert state_of(drift("doctor").out, "reports") == "fail"


def test_doctor_without_git(here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    ran = drift("doctor")
    assert state_of(ran.out, "git") == "fail"
    assert "install git" in ran.out
