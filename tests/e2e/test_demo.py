"""The demo, run as a user runs it, with both builders; it checks its own nights as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from support.engine_fixtures import REPOSITORY_ROOT, api, builder, engine_host

__all__ = ["api", "builder", "engine_host"]


def references(api: docker.APIClient) -> set[str]:
    """The demo's references in the engine: what it built, and its registry's."""
    names = {name for image in api.images() for name in (image["RepoTags"] or ())}
    return {name for name in names if "/demo-" in name}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The base that the other tests use too, where it was made."""
    made = REPOSITORY_ROOT / ".work" / "base.tar"
    return made if made.exists() else tmp_path / "base.tar"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of both demos: the second pushes its base to a registry that has it."""
    return tmp_path_factory.mktemp("demo") / "world"


def test_three_nights(
    api: docker.APIClient, engine_host: str, builder: str, world: Path, base: Path
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "drift", "demo"),
            *("--directory", world, "--base", base),
            *("--builder", builder, "--host", engine_host),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("(exit code 0)") == 2
    assert done.stdout.count("(exit code 1)") == 1

    reports = world / "reports"
    assert "<html" in (reports / "index.html").read_text()
    document = json.loads((reports / "drift.json").read_text())
    web, tool, site = document["images"]
    assert (web["status"], tool["status"]) == ("drifted", "drifted")
    assert site["status"] in ("identical", "equivalent")
    (package,) = [cause for cause in web["causes"] if cause["kind"] == "package"]
    assert package["subject"] == "pkg:deb/debian/greeter"
    assert (package["before"], package["after"]) == ("1.4.2-1", "1.4.3-1")
    (moved,) = [cause for cause in web["causes"] if cause["kind"] == "base-image"]
    assert moved["before"] != moved["after"]
    (url,), (noise,) = tool["causes"], site["causes"]
    assert (url["origin"], url["kind"], url["grade"]) == ("external", "remote-content", "proven")
    assert (noise["origin"], noise["kind"]) == ("nondeterminism", "random")
    assert [image["explained"]["files"] for image in document["images"]] == [1.0] * 3
    assert references(api) == set()
