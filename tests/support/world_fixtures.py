"""Fixtures for scenarios in a world of their own; beside those of a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from support.contexts import tar_context
from support.engine_fixtures import base_tar
from support.project import Bases, Project, import_image
from support.tools_base import with_tools
from support.world import World

TOOLS = "drift-test/tools:1"
WITH_GIT = "drift-test/git:1"
PYTHON = "drift-test/python:bookworm"


@pytest.fixture(scope="session")
def tools_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """A base of a few megabytes with tools (see :mod:`support.tools_base`)."""
    return import_image(api, with_tools(small_root_tar, base_tar()), TOOLS)


@pytest.fixture(scope="session")
def git_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """The base with tools, and git."""
    return import_image(api, with_tools(small_root_tar, base_tar(), git=True), WITH_GIT)


@pytest.fixture(scope="session")
def python_image(api: docker.APIClient, base_image: str) -> str:
    """The Debian with pip; stays in the engine, as making it takes half a minute."""
    try:
        api.inspect_image(PYTHON)
    except ImageNotFound:
        install = "apt-get install -y --no-install-recommends python3-pip"
        dockerfile = f"FROM {base_image}\nRUN apt-get update && {install}\n"
        context = tar_context({"Dockerfile": dockerfile})()
        for line in api.build(
            fileobj=context, custom_context=True, tag=PYTHON, decode=True, rm=True,
            network_mode="host",
        ):  # fmt: skip
            if "error" in line:
                raise RuntimeError(line["error"]) from None
    return PYTHON


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
