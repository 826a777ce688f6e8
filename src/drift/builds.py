"""What one build was: its role and reason, its inputs, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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


class Reason(StrEnum):
    """What a failure's log names as its reason, where a tool's own words are known."""

    VERSION_GONE = "version-gone"  # a package, or the version that was asked for
    URL_GONE = "url-gone"  # 404 or 410
    GIT_GONE = "git-gone"  # a git repository, or a ref of it
    BASE_GONE = "base-gone"  # no registry has the image any more
    CHECKSUM = "checksum-mismatch"  # other bytes than were expected
    COMPILER = "compiler"
    TEST = "test"
    NAMES = "name-resolution"
    TLS = "tls"
    CONNECTION = "connection"  # refused, reset, timed out
    RATE_LIMIT = "rate-limit"
    AUTHENTICATION = "authentication"
    SERVER = "server-error"  # 5xx
    DISK = "disk-full"
    MEMORY = "out-of-memory"
    LIMITS = "machine-limits"  # open files, processes

    @property
    def gone(self) -> bool:
        """Whether something outside is not there any more."""
        return self in _GONE


_GONE = (Reason.VERSION_GONE, Reason.URL_GONE, Reason.GIT_GONE, Reason.BASE_GONE)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build gave no image: one line, the instruction if known, the log's last lines.

    ``reason`` is what ``line`` of the log says, in a tool's own words, and None where no such
    words are known: the instruction failed, and why is not guessed. ``subject`` is what it
    names: a package's purl without version (``pkg:deb/debian/curl``; a log does not tell
    Ubuntu's from Debian's), a URL without credentials, a base's reference.
    """

    kind: FailureKind
    message: str
    instruction: Instruction | None = None
    tail: tuple[str, ...] = ()
    reason: Reason | None = None
    subject: str | None = None
    line: str | None = None

    def masked(self, mask: Callable[[str], str]) -> Failure:
        """The failure without what must not be shown."""
        there = self.instruction
        return replace(
            self,
            message=mask(self.message),
            instruction=there and replace(there, text=mask(there.text)),
            tail=tuple(map(mask, self.tail)),
            subject=None if self.subject is None else mask(self.subject),
            line=None if self.line is None else mask(self.line),
        )


@dataclass(frozen=True, slots=True)
class StageSnapshot:
    """What another stage of a build held, whose files reached the image by ``COPY --from``.

    ``name`` is the stage's label, as :class:`Instruction` has it, ``index`` its number in the
    Dockerfile, from 0. ``snapshot`` is None where the stage could not be had, and ``problem``
    says why: what it brought is then unknown.
    """

    name: str
    snapshot: Snapshot | None = None
    problem: str | None = None
    index: int = 0

    def answers(self, name: str) -> bool:
        """Whether ``COPY --from`` may mean this stage by a name or number."""
        if name.isascii() and name.isdigit():
            return name.lstrip("0") == str(self.index).lstrip("0")
        return name.lower() == self.name


@dataclass(frozen=True, slots=True)
class Build:
    """One build of one image in a run, as it is remembered.

    Exactly one of ``snapshot`` and ``failure`` is set. ``inputs`` is None only where the
    build failed before they were known. ``seconds`` is the build's wall time; the whole
    log lies in the store under ``id``. ``stages`` are those that the image copies from,
    ``probes`` what the Dockerfile's literal remotes served in the same run, and ``indexes``
    what the indexes said that its package tools ask.
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
    indexes: tuple[Probe, ...] = ()

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
