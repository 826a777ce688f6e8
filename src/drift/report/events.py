"""Events: what happened outside the repository, told once for the whole fleet.

What is one, :mod:`drift.store.sightings` says; which of them stand, since when, and which
images have recovered, :mod:`drift.store.standing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drift.store.sightings import Key, Sighting, in_order, joined, sightings_of


def events_of(images: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a fleet's image documents, sorted by origin, kind and subject."""
    found: dict[Key, list[tuple[Sighting, str]]] = {}
    for image in images:
        for sighting in sightings_of(image["name"], image):
            found.setdefault(sighting.key, []).append((sighting, image["name"]))
    return [_event(found[key]) for key in in_order(found)]


def _event(seen: Sequence[tuple[Sighting, str]]) -> dict[str, Any]:
    first = seen[0][0]
    return {
        "origin": first.origin,
        "kind": first.kind,
        "subject": first.subject,
        "before": joined(sighting.before for sighting, _ in seen),
        "after": joined(sighting.after for sighting, _ in seen),
        "images": list(dict.fromkeys(image for _, image in seen)),
    }
