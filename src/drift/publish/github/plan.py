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

from collections.abc import Iterable, Iterator, Mapping

from drift.publish.github import texts
from drift.publish.github.collection import collecting, dismissed
from drift.publish.github.marker import Marker, digest
from drift.publish.github.model import Change, Issue
from drift.publish.github.world import (
    COLLECTION,
    EVENT,
    IMAGES,
    World,
    is_over,
    key_of,
    remarked,
)
from drift.store.standing import StandingEvent

NEW = 10


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
    for event in sorted(world.standing.events, key=_urgency):
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
    changes += collecting(world, [*collected, *homeless[room:]], collection)
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


def _urgency(event: StandingEvent) -> tuple[bool, int]:
    return not event.is_break, -len(event.flagged)


def _opened(issue: Issue) -> str:
    return issue.marker.values.get("opened", "")


def _dismissed(event: StandingEvent, home: Issue | None, collections: Iterable[Issue]) -> bool:
    """Whether a person has closed what says this, and it has not moved since."""
    if home is not None:
        ended = home.marker.values.get("stands") == "no"
        return not ended and event.moved.isoformat() <= home.marker.values.get("moved", "")
    return dismissed(event, collections)


def _marker(world: World, event: StandingEvent, opened: str) -> Marker:
    values = {
        "fleet": world.fleet,
        "key": key_of(event.key),
        "opened": opened,
        "moved": event.moved.isoformat(),
        "stands": "yes",
        "break": "yes" if event.is_break else "no",
        "images": ",".join(event.images[:IMAGES]),
        "told": digest(event.before, event.after, event.since, event.moved, sorted(event.images)),
    }
    return Marker(EVENT, values)


def _body(world: World, event: StandingEvent, marker: Marker) -> str:
    return texts.body(event, marker, world.told)


def _opening(world: World, event: StandingEvent, home: Issue | None) -> Change:
    """A new issue, or the event's own that had been closed."""
    body = _body(world, event, _marker(world, event, world.night.isoformat()))
    if home is None:
        return Change(None, body, texts.title(event))
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
    elif more := [n for n in event.images[:IMAGES] if n not in home.marker.words("images")]:
        comment = texts.more_images(more)
    yield Change(home.number, _body(world, event, marker), comment=comment)


def _ended(world: World, homes: Mapping[str, Issue]) -> Iterator[Change]:
    standing = {key_of(event.key) for event in world.standing.events}
    for name, home in homes.items():
        if not home.open or name in standing:
            continue
        if is_over(world, home):
            is_break = home.marker.values.get("break") == "yes"
            comment = texts.closing(world.night.isoformat(), is_break=is_break)
            body = remarked(home, Marker(EVENT, {**home.marker.values, "stands": "no"}))
            yield Change(home.number, body, open=False, reason="completed", comment=comment)
