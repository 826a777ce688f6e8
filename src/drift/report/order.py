"""The order in which images need a reader: the same on every page and in every message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drift.attribute.model import Origin, Status
from drift.report import causes

Part = dict[str, Any]

#: What needs a reader first, by rank.
UNKNOWN, _BROKEN, _RISK, _UNEXPLAINED, _FLAGGED, _QUIET = range(6)

#: Images that nobody has to look at: those that changed come first.
_CHANGED = [s.value for s in (Status.DRIFTED, Status.FIRST, Status.EQUIVALENT, Status.IDENTICAL)]


def rank(image: Part) -> int:
    """The order in which images need a reader: unknown, broken, risk, unexplained, flagged."""
    if image["status"] == Status.UNKNOWN:
        return UNKNOWN
    if image["status"] == Status.BROKEN:
        return _BROKEN
    if not image["flagged"]:
        return _QUIET
    open_causes = [cause for cause in image["causes"] if not causes.acceptance(cause)]
    if any(cause["risk"] for cause in open_causes):
        return _RISK
    if any(cause["origin"] == Origin.UNEXPLAINED for cause in open_causes):
        return _UNEXPLAINED
    return _FLAGGED


def needs_a_reader(image: Part) -> bool:
    """Whether somebody should look at the image."""
    return rank(image) != _QUIET


def urgency(image: Part) -> int:
    """The rank of an image, and after it that of what a quiet one came to."""
    place = rank(image)
    return place if place != _QUIET else _QUIET + _CHANGED.index(image["status"])


def in_order(images: Sequence[Part]) -> list[Part]:
    """Images as they need a reader; of the quiet ones, those that changed come first."""
    return sorted(images, key=lambda image: (urgency(image), image["name"]))


def folded(images: Sequence[Part], most: int) -> tuple[list[Part], list[Part]]:
    """Images in order, and apart from them those with nothing to tell, where these are many."""
    ordered = in_order(images)
    same = (Status.EQUIVALENT, Status.IDENTICAL)
    quiet = [image for image in ordered if not image["flagged"] and image["status"] in same]
    if len(quiet) <= most:
        return ordered, []
    return [image for image in ordered if image["flagged"] or image["status"] not in same], quiet
