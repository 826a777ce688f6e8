"""Dockerfiles: what one says, which images and mounts its build needs, which line made a layer.

:func:`parse` comes first; everything else asks questions of the value it gives. Nothing here
talks to an engine, a registry or the file system.
"""

from drift.source.dockerfile.bases import bases
from drift.source.dockerfile.history import tie_layers
from drift.source.dockerfile.model import (
    BaseReference,
    Dockerfile,
    DockerfileError,
    Heredoc,
    Mount,
    Stage,
    Statement,
)
from drift.source.dockerfile.parse import parse
from drift.source.dockerfile.requirements import needs_buildkit
from drift.source.dockerfile.secrets import required_mounts

__all__ = [
    "BaseReference",
    "Dockerfile",
    "DockerfileError",
    "Heredoc",
    "Mount",
    "Stage",
    "Statement",
    "bases",
    "needs_buildkit",
    "parse",
    "required_mounts",
    "tie_layers",
]
