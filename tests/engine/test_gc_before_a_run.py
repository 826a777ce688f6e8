"""A run cleans what others left in the engine only where ``[upkeep] nightly`` lets it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import environment
from support.fleet import Fleet
from support.own_engine import OwnEngine, own_engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("own"), 2000) as running:
        yield running


@pytest.mark.parametrize("nightly", [False, True])
def test_what_a_rule_lets_go(tmp_path: Path, engine: OwnEngine, nightly: bool) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    (root / "drift.toml").write_text(
        f'[upkeep]\ndangling = true\nnightly = {str(nightly).lower()}\n[[image]]\nname = "x"\n'
    )
    with engine.client() as api:
        fleet = Fleet(api)
        lost = fleet.random("lost:1", 100_000)
        fleet.random("lost:1", 100_000)
        ran = subprocess.run(
            [sys.executable, "-m", "drift", "check"],
            cwd=root,
            env=environment(DOCKER_HOST=engine.host),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        left = [image["Id"] for image in api.images(all=True)]
        assert (lost in left) is not nightly
        assert ("drift: removed the image" in ran.stderr) is nightly
