"""Events: what happened outside the repository, told once for the whole fleet.

An event is known by origin, kind and subject. What the repository did is not one (its
commit tells it), and noise is not one. An image that stopped building is, whoever did it:
by its causes, and where none is known its kind is ``broken`` and its subject the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from drift.attribute.model import Kind, Origin, Status
from drift.builds import FailureKind

BROKEN = "broken"
TOLD = (Origin.EXTERNAL, Origin.TOOLCHAIN, Origin.UNEXPLAINED)
_ORIGINS = [origin.value for origin in Origin]
_KINDS = [*(kind.value for kind in Kind), BROKEN]


class _Sighting(NamedTuple):
    """One event as one image saw it."""

    origin: str
    kind: str
    subject: str
    before: str | None
    after: str | None
    image: str


def events_of(images: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a fleet's image documents, sorted by origin, kind and subject."""
    found: dict[tuple[str, str, str], list[_Sighting]] = {}
    for image in images:
        for sighting in _sightings(image):
            found.setdefault(sighting[:3], []).append(sighting)
    order = sorted(found, key=lambda key: (_ORIGINS.index(key[0]), _KINDS.index(key[1]), key[2]))
    return [_event(found[key]) for key in order]


def _event(sightings: Sequence[_Sighting]) -> dict[str, Any]:
    first = sightings[0]
    return {
        "origin": first.origin,
        "kind": first.kind,
        "subject": first.subject,
        "before": _joined(sighting.before for sighting in sightings),
        "after": _joined(sighting.after for sighting in sightings),
        "images": list(dict.fromkeys(sighting.image for sighting in sightings)),
    }


def _joined(values: Iterable[str | None]) -> str | None:
    """The one value all images saw; where they differ, each of them, as versions are listed."""
    return ", ".join(dict.fromkeys(value for value in values if value is not None)) or None


def _sightings(image: dict[str, Any]) -> Iterator[_Sighting]:
    broken = image["status"] == Status.BROKEN
    for cause in image["causes"]:
        if cause["origin"] not in TOLD and not broken:
            continue
        keys = ("origin", "kind", "subject", "before", "after")
        yield _Sighting(**{key: cause[key] for key in keys}, image=image["name"])
    if broken and not image["causes"]:
        yield _break(image)


def _break(image: dict[str, Any]) -> _Sighting:
    """A break that nobody has attributed yet; a source that is gone is the world's doing."""
    failures = [build["failure"] for build in image["builds"] if build["failure"]]
    failure = failures[-1] if failures else None
    if failure is None or failure["kind"] != FailureKind.SOURCE:
        return _Sighting(Origin.UNEXPLAINED.value, BROKEN, image["name"], None, None, image["name"])
    instruction = failure["instruction"]
    named = failure.get("subject")
    subject = named or (instruction["text"] if instruction else image["name"])
    return _Sighting(
        Origin.EXTERNAL.value, Kind.SOURCE_UNAVAILABLE.value, subject, None, None, image["name"]
    )
