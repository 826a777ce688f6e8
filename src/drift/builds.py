"""What one build was: its role and reason, its inputs, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from drift.snapshot.model import Instruction, Snapshot
from drift.source.model import Inputs, Probe


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
class StageSnapshot:
    """What another stage of a build held, whose files reached the image by ``COPY --from``.

    ``name`` is the stage's label, as :class:`Instruction` has it. ``snapshot`` is None where
    the stage could not be had, and ``problem`` says why: what it brought is then unknown.
    """

    name: str
    snapshot: Snapshot | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """One build of one image in a run, as it is remembered.

    Exactly one of ``snapshot`` and ``failure`` is set. ``inputs`` is None only where the
    build failed before they were known. ``seconds`` is the build's wall time; the whole
    log lies in the store under ``id``. ``stages`` are those that the image copies from,
    ``probes`` what the Dockerfile's literal remotes served in the same run.
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
    stages: tuple[StageSnapshot, ...] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def ended_at(self) -> datetime:
        """When the build had ended."""
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def ok(self) -> bool:
        return self.snapshot is not None

    @property
    def result(self) -> Snapshot:
        """The snapshot of a build that succeeded. Raises ValueError for one that failed."""
        if self.snapshot is None:
            raise ValueError(f"{self.id} gave no image")
        return self.snapshot
