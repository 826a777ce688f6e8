"""From differences and causes to the verdict (the contract's "status" and "flagged")."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from drift.attribute.model import Attribution, Cause, Origin, Status
from drift.compare.model import Comparison


def status_of(
    comparison: Comparison, attribution: Attribution, tolerated: Collection[str] = ()
) -> Status:
    """The verdict on an image that was built and compared.

    Packages that could not be read do not decide: each changed file has a cause, those of
    their database too, and where no file changed the packages are the same, read or not.
    """
    if comparison.identical:
        return Status.IDENTICAL
    if all(_harmless(cause, tolerated) for cause in attribution.causes):
        return Status.EQUIVALENT
    return Status.DRIFTED


def is_flagged(
    status: Status,
    causes: Iterable[Cause],
    fail_on: Collection[str],
    tolerated: Collection[str] = (),
) -> bool:
    """Whether the policy flags an image: by its status, or by the origin of a cause.

    Kinds that are tolerated never flag, nor does a cause that is accepted. A status flags for
    what it stands on: where every cause of it is accepted, ``drifted`` and ``broken`` do not.
    """
    counted = [cause for cause in causes if cause.kind not in tolerated]
    if status in fail_on and not _known(status, counted):
        return True
    return any(cause.origin in fail_on for cause in counted if not cause.accepted)


def _known(status: Status, causes: Iterable[Cause]) -> bool:
    """Whether all that makes an image drifted or broken is accepted."""
    if status not in (Status.DRIFTED, Status.BROKEN):
        return False
    reasons = [cause for cause in causes if cause.origin is not Origin.NONDETERMINISM]
    return bool(reasons) and all(cause.accepted for cause in reasons)


def _harmless(cause: Cause, tolerated: Collection[str]) -> bool:
    return cause.origin is Origin.NONDETERMINISM or cause.kind in tolerated
