"""What one build was: its role and reason, its inputs, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from drift.snapshot.model import Instruction, Snapshot
from drift.source.model import Inputs


class Role(StrEnum):
    """What a build is for."""

    NIGHTLY = "nightly"  # today's repo side, now
    CONTROL = "control"  # the same inputs again, in the same run
    REPLAY = "replay"  # the baseline's whole repo side, now


class FailureKind(StrEnum):
    """Why a build gave no image; decides between ``broken`` and ``unknown``."""

    STEP = "step"  # an instruction failed, or the Dockerfile was refused
    SOURCE = "source-unavailable"  # a base or context that is not there any more
    NETWORK = "network"  # name resolution, TLS, time-outs, 5xx, 429, authentication
    ENGINE = "engine"  # the engine went away or failed by itself
    RESOURCES = "resources"  # disk full, no memory
    TIMEOUT = "timeout"  # our own time limit
    INPUT = "input"  # the build needs something the configuration does not give

    @property
    def broken(self) -> bool:
        """True where the image's own build is at fault (``broken``), else it is ``unknown``."""
        return self in (FailureKind.STEP, FailureKind.SOURCE)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build gave no image: one line, the instruction if known, the log's last lines."""

    kind: FailureKind
    message: str
    instruction: Instruction | None = None
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """One build of one image in a run, as it is remembered.

    Exactly one of ``snapshot`` and ``failure`` is set. ``inputs`` is None only where the
    build failed before they were known. ``seconds`` is the build's wall time; the whole
    log lies in the store under ``id``.
    """

    id: str
    image: str
    run: str
    night: date
    role: Role
    reason: str
    started_at: datetime
    seconds: float
    inputs: Inputs | None = None
    snapshot: Snapshot | None = None
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        return self.snapshot is not None
