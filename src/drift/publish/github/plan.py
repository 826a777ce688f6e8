"""Which issues are to be opened, changed and closed. Pure: GitHub is not asked here.

Each standing event that flags an image has one issue; its identity is the hidden marker.

- At most :data:`NEW` are opened a night, the most urgent first; one more, the collection, holds
  all others for as long as they stand.
- An issue is changed where its event has news: another value, other images.
- It is closed when its event stands no more, and only where the store knows that: a store that
  was lost says nothing of what stood before, and then a person closes.
- One that a person closed stays closed until its event moves again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from drift.attribute.model import Kind
from drift.publish.github import texts
from drift.publish.github.marker import Marker, digest
from drift.publish.github.model import Change, Issue
from drift.store.sightings import BROKEN, Key
from drift.store.standing import Standing, StandingEvent

NEW = 10
EVENT = "event"
COLLECTION = "collection"
_IMAGES = 40  # of an event, that the marker remembers
_HELD = 1500  # events, that a collection remembers


@dataclass(frozen=True, slots=True)
class World:
    """What is known tonight.

    ``fleet`` names the configuration among others of the repository. ``is_over(is_break,
    images)`` says whether the store knows that an event that is not standing has ended.
    """

    night: date
    fleet: str
    standing: Standing
    is_over: Callable[[bool, Sequence[str]], bool]
    told: texts.Words = field(default_factory=texts.Words)


def key_of(key: Key) -> str:
    """An event's name in a marker."""
    return digest(*key)


def plan(world: World, issues: Iterable[Issue]) -> list[Change]:
    """What is to be done, given all of drift's issues on GitHub."""
    ours = [issue for issue in issues if issue.marker.values.get("fleet") == world.fleet]
    homes = _homes(issue for issue in ours if issue.marker.subject == EVENT)
    collections = [issue for issue in ours if issue.marker.subject == COLLECTION]
    collection = min((c for c in collections if c.open), key=lambda c: c.number, default=None)
    held = set(collection.marker.words("holds")) if collection else set()
    changes: list[Change] = []
    homeless: list[StandingEvent] = []
    collected: list[StandingEvent] = []
    for event in sorted(world.standing.events, key=lambda event: _urgency(world, event)):
        name = key_of(event.key)
        home = homes.get(name)
        if home is not None and home.open:
            changes += _updated(world, event, home)
        elif name in held:
            collected.append(event)
        elif event.flagged and not _dismissed(event, home, collections):
            homeless.append(event)
    room = max(0, NEW - sum(_opened(issue) == world.night.isoformat() for issue in homes.values()))
    changes += [_opening(world, event, homes.get(key_of(event.key))) for event in homeless[:room]]
    changes += _collecting(world, [*collected, *homeless[room:]], collection)
    return [*changes, *_ended(world, homes)]


def doubles(fleet: str, issues: Iterable[Issue]) -> list[Change]:
    """Open issues of one event beside its first: two runs were at it at once."""
    first: dict[tuple[str, str], int] = {}
    changes = []
    for issue in sorted(issues, key=lambda issue: issue.number):
        if not issue.open or issue.marker.values.get("fleet") != fleet:
            continue
        name = (issue.marker.subject, issue.marker.values.get("key", ""))
        number = first.setdefault(name, issue.number)
        if number != issue.number:
            comment = texts.double(number)
            changes.append(Change(issue.number, open=False, reason="not_planned", comment=comment))
    return changes


def _homes(issues: Iterable[Issue]) -> dict[str, Issue]:
    """Each event's issue: of several the first that is open, else the last."""
    worst_first = sorted(issues, key=lambda i: (i.open, -i.number if i.open else i.number))
    return {issue.marker.values.get("key", ""): issue for issue in worst_first}


def _urgency(world: World, event: StandingEvent) -> tuple[bool, int]:
    return not _is_break(world, event), -len(event.flagged)


def _is_break(world: World, event: StandingEvent) -> bool:
    """Whether it broke a build: by its kind, or as an image was down when it was last seen."""
    down = (world.standing.down[name] for name in event.images if name in world.standing.down)
    kinds = (BROKEN, Kind.SOURCE_UNAVAILABLE)
    return event.kind in kinds or any(event.seen >= since for since in down)


def _opened(issue: Issue) -> str:
    return issue.marker.values.get("opened", "")


def _dismissed(event: StandingEvent, home: Issue | None, collections: Iterable[Issue]) -> bool:
    """Whether a person has closed what says this, and it has not moved since."""
    if home is not None:
        ended = home.marker.values.get("stands") == "no"
        return not ended and event.moved.isoformat() <= home.marker.values.get("moved", "")
    name = key_of(event.key)
    return any(
        name in closed.marker.words("holds")
        and event.moved.isoformat() <= closed.marker.values.get("seen", "")
        for closed in collections
        if not closed.open and closed.marker.values.get("stands") != "no"
    )


def _marker(world: World, event: StandingEvent, opened: str) -> Marker:
    values = {
        "fleet": world.fleet,
        "key": key_of(event.key),
        "opened": opened,
        "moved": event.moved.isoformat(),
        "stands": "yes",
        "break": "yes" if _is_break(world, event) else "no",
        "images": ",".join(event.images[:_IMAGES]),
        "told": digest(event.before, event.after, event.since, event.moved, sorted(event.images)),
    }
    return Marker(EVENT, values)


def _body(world: World, event: StandingEvent, marker: Marker) -> str:
    return texts.body(event, marker, world.told, is_break=_is_break(world, event))


def _opening(world: World, event: StandingEvent, home: Issue | None) -> Change:
    """A new issue, or the event's own that had been closed."""
    body = _body(world, event, _marker(world, event, world.night.isoformat()))
    if home is None:
        return Change(None, body, texts.title(event, is_break=_is_break(world, event)))
    news = texts.news(event)
    return Change(home.number, body, open=True, reason="reopened", comment=news)


def _updated(world: World, event: StandingEvent, home: Issue) -> Iterator[Change]:
    known = home.marker.values
    marker = _marker(world, event, _opened(home))
    if marker.values["told"] == known.get("told"):
        return
    comment = None
    if marker.values["moved"] > known.get("moved", ""):
        comment = texts.news(event)
    elif more := [n for n in event.images[:_IMAGES] if n not in home.marker.words("images")]:
        comment = texts.more_images(more)
    yield Change(home.number, _body(world, event, marker), comment=comment)


def _collecting(
    world: World, events: Sequence[StandingEvent], collection: Issue | None
) -> Iterator[Change]:
    listed = sorted(events, key=lambda event: event.key)
    known: Mapping[str, str] = collection.marker.values if collection else {}
    values = {
        "fleet": world.fleet,
        "seen": max((event.moved.isoformat() for event in listed), default=""),
        "stands": "yes" if listed else "no",
        "break": "yes" if all(_is_break(world, event) for event in listed) else "no",
        "images": ",".join(sorted({n for event in listed for n in event.images})[:_IMAGES]),
        "told": digest(*((event.key, event.after, sorted(event.images)) for event in listed)),
        "holds": ",".join(key_of(event.key) for event in listed[:_HELD]),
    }
    if not listed:
        if collection is not None and _is_over(world, collection):
            body = _remarked(collection, Marker(COLLECTION, {**known, "stands": "no"}))
            yield Change(collection.number, body, open=False, reason="completed")
        return
    body = texts.collected_body(listed, Marker(COLLECTION, values), world.told)
    if collection is None:
        yield Change(None, body, texts.COLLECTED)
    elif values["told"] != known.get("told"):
        new = set(values["holds"].split(",")) - set(collection.marker.words("holds"))
        comment = f"{len(new)} more in the night of {world.night}." if new else None
        yield Change(collection.number, body, comment=comment)


def _is_over(world: World, issue: Issue) -> bool:
    images = issue.marker.words("images")
    return bool(images) and world.is_over(issue.marker.values.get("break") == "yes", images)


def _ended(world: World, homes: Mapping[str, Issue]) -> Iterator[Change]:
    standing = {key_of(event.key) for event in world.standing.events}
    for name, home in homes.items():
        if not home.open or name in standing:
            continue
        if _is_over(world, home):
            is_break = home.marker.values.get("break") == "yes"
            comment = texts.closing(world.night.isoformat(), is_break=is_break)
            body = _remarked(home, Marker(EVENT, {**home.marker.values, "stands": "no"}))
            yield Change(home.number, body, open=False, reason="completed", comment=comment)


def _remarked(issue: Issue, marker: Marker) -> str:
    return "\n".join((str(marker), *issue.body.splitlines()[1:]))
