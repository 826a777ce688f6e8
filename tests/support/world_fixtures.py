"""Fixtures for scenarios in a world of their own; beside those of a real engine."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from support.contexts import tar_context
from support.engine_fixtures import base_tar
from support.project import Bases, Project, import_image
from support.tools_base import with_tools
from support.world import World

PYTHON = "drift-test/python:bookworm"


@contextmanager
def alone() -> Iterator[None]:
    """What no two of the sessions that run beside each other may do at once."""
    with (Path(tempfile.gettempdir()) / "drift-test-bases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept(api: docker.APIClient, repository: str, root: bytes) -> str:
    """An image of a root file system, named after its content; made once, as others use it."""
    reference = f"{repository}:{hashlib.sha256(root).hexdigest()[:12]}"
    with alone():
        try:
            api.inspect_image(reference)
        except ImageNotFound:
            import_image(api, root, reference)
    return reference


@pytest.fixture(scope="session")
def tools_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """A base of a few megabytes with tools (see :mod:`support.tools_base`)."""
    return kept(api, "drift-test/tools", with_tools(small_root_tar, base_tar()))


@pytest.fixture(scope="session")
def git_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """The base with tools, and git."""
    return kept(api, "drift-test/git", with_tools(small_root_tar, base_tar(), git=True))


@pytest.fixture(scope="session")
def npm_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """The base with tools, and node with npm."""
    return kept(api, "drift-test/npm", with_tools(small_root_tar, base_tar(), npm=True))


@pytest.fixture(scope="session")
def python_image(api: docker.APIClient, base_image: str) -> str:
    """The Debian with pip; stays in the engine, as making it takes half a minute."""
    with alone():
        try:
            api.inspect_image(PYTHON)
        except ImageNotFound:
            _make_python(api, base_image)
    return PYTHON


def _make_python(api: docker.APIClient, base_image: str) -> None:
    install = "apt-get install -y --no-install-recommends python3-pip"
    dockerfile = f"FROM {base_image}\nRUN apt-get update && {install}\n"
    context = tar_context({"Dockerfile": dockerfile})()
    for line in api.build(
        fileobj=context, custom_context=True, tag=PYTHON, decode=True, rm=True,
        network_mode="host",
    ):  # fmt: skip
        if "error" in line:
            raise RuntimeError(line["error"])


@pytest.fixture
def world(
    tmp_path: Path, api: docker.APIClient, engine_host: str, builder: str, tools_image: str,
    registry: str, small_root_tar: bytes, request: pytest.FixtureRequest,
) -> Iterator[World]:  # fmt: skip
    """A world of one scenario's own."""
    project = Project(tmp_path / "project", engine_host, builder)
    made = World(project, api, tmp_path, tools_image, Bases(api, registry, small_root_tar), request)
    try:
        yield made
    finally:
        made.close()
