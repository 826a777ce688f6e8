"""Scenarios run on a real engine."""

from support.engine_fixtures import (  # noqa: F401
    api,
    base_image,
    bases,
    builder,
    engine_host,
    project,
    registry,
    small_image,
    small_root_tar,
)
from support.world_fixtures import git_image, npm_image, python_image, tools_image, world  # noqa: F401
