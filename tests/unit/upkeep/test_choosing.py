"""Which containers ``drift upgrade`` may take, and which it takes only by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drift.config import Config, load
from drift.upkeep.choosing import Wishes, chosen_by, is_here, never_unnamed
from drift.upkeep.model import Container, Mount

WEB = Container("0123456789abcdef", "web-1", "", "r.example:5000/web:1", "running", None, None,
                "no", False, {}, (), (), 0)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text(
        '[store]\nurl = "postgresql://drift@db/drift"\n'
        '[upkeep]\nupgrade = ["web-*"]\n[[image]]\nname = "web"\n'
    )
    return load(tmp_path / "drift.toml")


def test_by_name_glob_or_label(config: Config) -> None:
    other = replace(WEB, name="api")
    labelled = replace(other, labels={"drift.upgrade": "true"})
    assert chosen_by(WEB, config, Wishes(), {}) == "glob"
    assert chosen_by(other, config, Wishes(), {}) is None
    assert chosen_by(other, config, Wishes(named=["api"]), {}) == "name"
    assert chosen_by(WEB, config, Wishes(named=["api"]), {}) is None, "only what was named"
    assert chosen_by(labelled, config, Wishes(), {}) == "label"


@pytest.mark.parametrize("value", ["true", "false"])
def test_an_image_does_not_choose_itself(config: Config, value: str) -> None:
    labelled = replace(WEB, name="api", labels={"drift.upgrade": "true"})
    assert chosen_by(labelled, config, Wishes(), {"drift.upgrade": value}) is None


def test_what_drift_stands_on_is_only_taken_by_name(config: Config) -> None:
    def why(one: Container) -> str:
        return never_unnamed(one, config, ["r.example:5000", "hub"])

    assert why(WEB) == ""
    socket = Mount("bind", None, "/var/run/docker.sock", "/var/run/docker.sock", True)
    assert why(replace(WEB, mounts=(socket,))) == "it may be drift's way to the engine"
    assert why(replace(WEB, name="db")) == "drift's store is in it"
    assert why(replace(WEB, name="hub")) == "it may be the registry in use"
    assert why(replace(WEB, image="registry:2")) == "it may be the registry in use"


def test_drift_knows_the_container_that_it_runs_in() -> None:
    assert is_here(WEB, "0123456789ab")
    assert not is_here(WEB, "host")
    assert not is_here(WEB, "0123")
