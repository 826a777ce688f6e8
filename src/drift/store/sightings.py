"""What one image's document says that happened outside of the repository.

What the repository did is no event (its commit tells it), and noise is not one. An image that
stopped building is, whoever did it: by its causes, and where none is known its kind is
``broken`` and its subject the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from drift.attribute.model import Kind, Origin, Status
from drift.builds import FailureKind

BROKEN = "broken"
TOLD = (Origin.EXTERNAL, Origin.TOOLCHAIN, Origin.UNEXPLAINED)
Key = tuple[str, str, str]
_ORIGINS = [origin.value for origin in Origin]
_KINDS = [*(kind.value for kind in Kind), BROKEN]


class Sighting(NamedTuple):
    """One event as one image saw it; an event is known by origin, kind and subject."""

    origin: str
    kind: str
    subject: str
    before: str | None = None
    after: str | None = None

    @property
    def key(self) -> Key:
        return self.origin, self.kind, self.subject


def sightings_of(image: str, document: Mapping[str, Any]) -> Iterator[Sighting]:
    """The events that an image saw; ``document`` is its entry in the report."""
    broken = document["status"] == Status.BROKEN
    causes = document.get("causes") or ()
    for cause in causes:
        if cause["origin"] in TOLD or (broken and cause["origin"]):
            ends = (cause.get("before"), cause.get("after"))
            yield Sighting(cause["origin"], cause["kind"], cause["subject"], *ends)
    if broken and not causes:
        yield _break(image, document)


def _break(image: str, document: Mapping[str, Any]) -> Sighting:
    """A break that nobody has attributed yet; a source that is gone is the world's doing."""
    built = document.get("builds") or ()
    failures = [build["failure"] for build in built if build["failure"]]
    failure = failures[-1] if failures else None
    if failure is None or failure["kind"] != FailureKind.SOURCE:
        return Sighting(Origin.UNEXPLAINED.value, BROKEN, image)
    instruction = failure["instruction"]
    subject = failure.get("subject") or (instruction["text"] if instruction else image)
    return Sighting(Origin.EXTERNAL.value, Kind.SOURCE_UNAVAILABLE.value, subject)


def in_order(keys: Iterable[Key]) -> list[Key]:
    """What events are known by, sorted by origin, kind and subject."""
    return sorted(keys, key=lambda key: (_ORIGINS.index(key[0]), _KINDS.index(key[1]), key[2]))


def merged(sightings: Iterable[Sighting]) -> list[Sighting]:
    """One sighting of each event, with all values of its ends."""
    found: dict[Key, list[Sighting]] = {}
    for sighting in sightings:
        found.setdefault(sighting.key, []).append(sighting)
    return [
        Sighting(*key, joined(s.before for s in found[key]), joined(s.after for s in found[key]))
        for key in in_order(found)
    ]


def joined(values: Iterable[str | None]) -> str | None:
    """The one value all saw; where they differ, each of them, as versions are listed."""
    return ", ".join(dict.fromkeys(value for value in values if value is not None)) or None
