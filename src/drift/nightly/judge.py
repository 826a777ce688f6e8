"""From an image's builds to its result: compared, attributed, judged."""

from __future__ import annotations

from drift.attribute.attribute import attribute
from drift.attribute.model import Status
from drift.attribute.sides import Sides
from drift.attribute.verdict import is_flagged, status_of
from drift.builds import Build
from drift.compare.compare import compare
from drift.compare.ignore import ignore_rules
from drift.config.model import Ignore as IgnoreRule
from drift.config.model import Image, Policy
from drift.errors import Error
from drift.report.results import ImageResult
from drift.snapshot.model import Layers


def judge(
    image: Image,
    baseline: Build | None,
    candidate: Build,
    layers: Layers,
    policy: Policy,
    ignore: tuple[IgnoreRule, ...],
    notes: tuple[str, ...] = (),
) -> ImageResult:
    """The result of an image whose nightly build was tried."""
    if candidate.failure is not None:
        status = Status.BROKEN if candidate.failure.kind.broken else Status.UNKNOWN
        return _result(image, status, baseline, candidate, policy, candidate.failure.message, notes)
    if baseline is None:
        return _result(image, Status.FIRST, None, candidate, policy, None, notes)
    if baseline.failure is not None:
        message = f"what it is compared with did not build: {baseline.failure.message}"
        return _result(image, Status.UNKNOWN, baseline, candidate, policy, message, notes)
    try:
        return _compared(image, baseline, candidate, layers, policy, ignore, notes)
    except Exception as error:
        # What could not be compared is unknown, and the rest of the fleet goes on, whether
        # the image is at fault or drift is.
        said = error.message if isinstance(error, Error) else repr(error)
        message = f"the two builds could not be compared: {said}"
        return _result(image, Status.UNKNOWN, baseline, candidate, policy, message, notes)


def _compared(
    image: Image,
    baseline: Build,
    candidate: Build,
    layers: Layers,
    policy: Policy,
    ignore: tuple[IgnoreRule, ...],
    notes: tuple[str, ...],
) -> ImageResult:
    sides = Sides.of_builds(baseline, candidate)
    ignored = ignore_rules([rule.path for rule in (*ignore, *image.ignore)])
    comparison = compare(sides.before, sides.after, layers, ignored)
    attribution = attribute(sides, comparison)
    status = status_of(comparison, attribution, policy.tolerate)
    return ImageResult(
        name=image.name,
        status=status,
        flagged=is_flagged(status, attribution.causes, policy.fail_on, policy.tolerate),
        baseline=baseline,
        candidate=candidate,
        comparison=comparison,
        attribution=attribution,
        builds=(candidate,),
        notes=notes,
    )


def _result(
    image: Image,
    status: Status,
    baseline: Build | None,
    candidate: Build,
    policy: Policy,
    error: str | None,
    notes: tuple[str, ...],
) -> ImageResult:
    return ImageResult(
        name=image.name,
        status=status,
        flagged=is_flagged(status, (), policy.fail_on),
        baseline=baseline,
        candidate=candidate,
        builds=(candidate,),
        error=error,
        notes=notes,
    )
