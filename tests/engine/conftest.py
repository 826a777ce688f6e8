"""Every test here runs against a real engine."""

from __future__ import annotations

from support.engine_fixtures import (
    api,
    base_image,
    builder,
    engine_host,
    registry,
    small_image,
    small_root_tar,
)
from support.services_fixtures import services, services_made

__all__ = [
    "api",
    "base_image",
    "builder",
    "engine_host",
    "registry",
    "services",
    "services_made",
    "small_image",
    "small_root_tar",
]
