"""The one issue for all events that have none of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from drift.publish.github import texts
from drift.publish.github.marker import Marker, digest
from drift.publish.github.model import Change, Issue
from drift.publish.github.world import (
    COLLECTION,
    IMAGES,
    World,
    is_over,
    key_of,
    remarked,
)
from drift.store.standing import StandingEvent

_HELD = 1500  # events, that a collection remembers


def dismissed(event: StandingEvent, collections: Iterable[Issue]) -> bool:
    """Whether a person closed a collection that held it, and it has not moved since."""
    return any(
        key_of(event.key) in closed.marker.words("holds")
        and event.moved.isoformat() <= closed.marker.values.get("seen", "")
        for closed in collections
        if not closed.open and closed.marker.values.get("stands") != "no"
    )


def collecting(
    world: World, events: Sequence[StandingEvent], collection: Issue | None
) -> Iterator[Change]:
    """The collection for some events: opened, changed, or closed where there are none."""
    listed = sorted(events, key=lambda event: event.key)
    known: Mapping[str, str] = collection.marker.values if collection else {}
    values = {
        "fleet": world.fleet,
        "seen": max((event.moved.isoformat() for event in listed), default=""),
        "stands": "yes" if listed else "no",
        "break": "yes" if all(event.is_break for event in listed) else "no",
        "images": ",".join(sorted({n for event in listed for n in event.images})[:IMAGES]),
        "told": digest(*((event.key, event.after, sorted(event.images)) for event in listed)),
        "holds": ",".join(key_of(event.key) for event in listed[:_HELD]),
    }
    if not listed:
        if collection is not None and is_over(world, collection):
            body = remarked(collection, Marker(COLLECTION, {**known, "stands": "no"}))
            yield Change(collection.number, body, open=False, reason="completed")
        return
    body = texts.collected_body(listed, Marker(COLLECTION, values), world.told)
    if collection is None:
        yield Change(None, body, texts.COLLECTED)
    elif values["told"] != known.get("told"):
        new = set(values["holds"].split(",")) - set(collection.marker.words("holds"))
        comment = f"{len(new)} more in the night of {world.night}." if new else None
        yield Change(collection.number, body, comment=comment)
