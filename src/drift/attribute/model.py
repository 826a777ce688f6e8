"""Causes and verdicts (the contract's words)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from drift.snapshot.model import Instruction


class Status(StrEnum):
    FIRST = "first"
    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DRIFTED = "drifted"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    EXTERNAL = "external"
    REPO = "repo"
    TOOLCHAIN = "toolchain"
    NONDETERMINISM = "nondeterminism"
    UNEXPLAINED = "unexplained"


class Kind(StrEnum):
    BASE_IMAGE = "base-image"
    PACKAGE = "package"
    PACKAGE_REPUBLISHED = "package-republished"
    PACKAGE_INDEX = "package-index"
    REMOTE_CONTENT = "remote-content"
    GIT_REMOTE = "git-remote"
    SOURCE_UNAVAILABLE = "source-unavailable"
    CONTEXT = "context"
    DOCKERFILE = "dockerfile"
    BUILD_CONFIG = "build-config"
    ENGINE = "engine"
    BUILDER = "builder"
    TIMESTAMP = "timestamp"
    LOG = "log"
    CACHE = "cache"
    BYTECODE = "bytecode"
    RANDOM = "random"
    FILE = "file"


class Grade(StrEnum):
    PROVEN = "proven"
    OWNED = "owned"
    DERIVED = "derived"
    INFERRED = "inferred"


class Need(StrEnum):
    """A build that would tell more of who changed something."""

    REPLAY = "replay"
    SECOND_REPLAY = "second replay"
    CONTROL = "control"
    SECOND_CONTROL = "second control"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A cause is known: it flags nothing up to and with a day."""

    until: date
    reason: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some differences are there.

    ``origin`` is None only where two images alone are compared. ``files`` and ``bytes``
    count the paths that belong to it, and the larger side of each. ``accepted`` is set where
    a rule of drift.toml silences it.
    """

    id: str
    origin: Origin | None
    kind: Kind
    subject: str
    grade: Grade
    before: str | None = None
    after: str | None = None
    risk: tuple[str, ...] = ()
    instruction: Instruction | None = None
    layer: int | None = None
    files: int = 0
    bytes: int = 0
    evidence: tuple[str, ...] = ()
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which cause each difference has.

    ``paths`` maps every added, removed or modified path, ``packages`` every purl and
    ``config`` every field, to a cause's id. ``needs`` are the builds that would tell more;
    ``flapped`` the paths in which builds of tonight's inputs differ, with their values.
    """

    causes: tuple[Cause, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    explained_files: float = 1.0
    explained_bytes: float = 1.0
    needs: frozenset[Need] = frozenset()
    flapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
