"""What a run found: the values that a report is made from.

``nightly`` fills them; :mod:`drift.report.document` turns them into drift.json. Whatever
renders a report reads that document alone, so that an old run can be shown again from the
store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from drift.attribute.model import Attribution, Status
from drift.builds import Build
from drift.compare.model import Comparison
from drift.masking import Mask
from drift.report.diffs import Texts
from drift.snapshot.model import Snapshot
from drift.source.model import EngineIdentity


@dataclass(frozen=True, slots=True)
class Exhibits:
    """What a report shows beside the differences: the Dockerfile, and small changed texts.

    ``texts`` gives the content of a small text file by its digest, None where it is not kept;
    without it no content is shown. ``remote`` is git's URL of the repository. ``mask`` hides
    the values of variables in all of it.
    """

    dockerfile: str | None = None
    dockerfile_content: bytes = b""
    remote: str | None = None
    texts: Texts | None = None
    mask: Mask = field(default_factory=Mask)


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What one run found out about one image.

    ``baseline`` and ``candidate`` are the two sides of the comparison; the candidate may be
    a build that failed. ``comparison`` and ``attribution`` are None where nothing was
    compared. ``builds`` are those of this run, in the order in which they were made.
    ``error`` says why the image is ``broken`` or ``unknown``, in one line; ``notes`` are
    sentences that the reader should know whatever the status is.
    """

    name: str
    status: Status
    flagged: bool
    baseline: Build | None = None
    candidate: Build | None = None
    comparison: Comparison | None = None
    attribution: Attribution | None = None
    builds: tuple[Build, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()
    exhibits: Exhibits = field(default_factory=Exhibits)


@dataclass(frozen=True, slots=True)
class RunResult:
    """One pass over the fleet. Times are aware; ``finished_at`` is None while it lasts."""

    id: str
    night: date
    started_at: datetime
    finished_at: datetime | None = None
    engine: EngineIdentity | None = None
    images: tuple[ImageResult, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffSide:
    """One side of ``drift diff``: the reference as it was given, and the image it named.

    ``build`` is set where the reference was the id of one of drift's own builds.
    """

    reference: str
    snapshot: Snapshot
    build: Build | None = None


@dataclass(frozen=True, slots=True)
class DiffResult:
    """Two images compared, without a run, a policy or a history."""

    baseline: DiffSide
    candidate: DiffSide
    status: Status
    comparison: Comparison
    attribution: Attribution
    notes: tuple[str, ...] = ()
    exhibits: Exhibits = field(default_factory=Exhibits)
