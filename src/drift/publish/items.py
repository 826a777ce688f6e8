"""What there is to tell of a night, and what of it is news to one target. Pure.

An item is an event of the fleet (known by origin, kind and subject), or what one image came
to: it could not be checked, it builds again, it is flagged and no event says why. It is news
to a target until a message with it has arrived there, and again when its value (an event's
``after``) is another than the one that arrived.

What is told of:

- tonight's flagged images, by what flags them (``drift``), and those that are broken or could
  not be checked (``broken``);
- images that build again (``recovered``);
- what nights told of in vain: ``since`` is the first night whose message did not arrive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from drift.attribute.model import Status
from drift.config.model import Notify, Policy
from drift.report import causes
from drift.store.sightings import Key, joined, merged, sightings_of
from drift.store.standing import DOWN, Standing, StandingEvent

Part = Mapping[str, Any]


class Of(StrEnum):
    """What an item is about: the contract's words of ``when``."""

    DRIFT = "drift"
    BROKEN = "broken"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell. ``origin`` is None where it is about an image: ``kind`` is then its
    status (or ``recovered``), ``subject`` its name."""

    of: Of
    origin: str | None
    kind: str
    subject: str
    before: str | None = None
    after: str | None = None
    images: tuple[str, ...] = ()
    since: date | None = None

    @property
    def id(self) -> str:
        """What the store knows it by."""
        return identity("item", self.origin or "", self.kind, self.subject)

    @property
    def value(self) -> str:
        """What is news when it is another one, as a digest: values may be long, or secret."""
        return identity("value", self.after or "")


def identity(*parts: str) -> str:
    """A digest that stands for some texts, whatever is in them."""
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


def wanted(notify: Notify, names: Iterable[str]) -> list[str]:
    """The images that a target is to be told of."""
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in notify.images)]


def items_of(
    notify: Notify,
    policy: Policy,
    images: Sequence[Part],
    standing: Standing,
    night: date,
    since: date,
) -> list[Item]:
    """What there is to tell a target, most urgent first; ``images`` are tonight's documents."""
    here = [image for image in images if wanted(notify, [image["name"]])]
    tonight = _merged(item for image in here for item in _of_image(image, notify, policy))
    seen = {s.key for image in images for s in sightings_of(image["name"], image)}
    late = [
        item
        for event in standing.events
        if event.key not in seen and (event.moved >= since or notify.repeat)
        for item in _of_event(event, notify, policy)
    ]
    begun = {event.key: event.since for event in standing.events}
    dated = [_dated(item, standing, begun) for item in tonight]
    return sorted([*dated, *late, *_recovered(notify, standing, night, since)], key=_urgency)


def _urgency(item: Item) -> tuple[int, bool]:
    return [Of.BROKEN, Of.DRIFT, Of.RECOVERED].index(item.of), item.kind != Status.UNKNOWN


def lasting(items: Iterable[Item], standing: Standing) -> set[str]:
    """The ids of items that are not over: told once, they are no news until they are."""
    still = {item.id for item in items}
    still |= {_plain(event).id for event in standing.events}
    still |= {_image(Status.UNKNOWN, name).id for name in standing.down}
    return still | {_again(name, night).id for name, night in standing.recovered.items()}


def _merged(items: Iterable[Item]) -> list[Item]:
    """One item for each event, with all of its images."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.id, []).append(item)
    return [
        replace(
            same[0],
            before=joined(item.before for item in same),
            after=joined(item.after for item in same),
            images=tuple(dict.fromkeys(name for item in same for name in item.images)),
        )
        for same in found.values()
    ]


def _of_image(image: Part, notify: Notify, policy: Policy) -> Iterator[Item]:
    """Tonight's items of one image, where they are wanted."""
    name, status = image["name"], image["status"]
    if status in DOWN:
        if Of.BROKEN in notify.when or (image["flagged"] and Of.DRIFT in notify.when):
            yield from _of_down(name, image)
    elif image["flagged"] and Of.DRIFT in notify.when:
        yield from _of_flagged(name, image, policy)


def _of_down(name: str, image: Part) -> Iterator[Item]:
    if image["status"] == Status.UNKNOWN:
        yield _image(Status.UNKNOWN, name)
        return
    for sighting in merged(sightings_of(name, image)):
        yield Item(Of.BROKEN, *sighting.key, sighting.before, sighting.after, (name,))


def _of_flagged(name: str, image: Part, policy: Policy) -> Iterator[Item]:
    """What flags an image; where its status alone does, all that is told of it, or itself."""
    open_ones = [cause for cause in image["causes"] if not cause.get("accepted")]
    counted = [cause for cause in open_ones if cause["kind"] not in policy.tolerate]
    found = [cause for cause in counted if cause["origin"] in policy.fail_on]
    found = found or [cause for cause in counted if not causes.is_noise(cause)]
    for cause in causes.by_urgency(found):
        about = {key: cause[key] for key in ("origin", "kind", "subject", "before", "after")}
        yield Item(Of.DRIFT, **about, images=(name,))
    if not found:
        yield _image(image["status"], name, Of.DRIFT)


def _image(status: str, name: str, of: Of = Of.BROKEN) -> Item:
    return Item(of, None, str(status), name, images=(name,))


def _again(name: str, night: date) -> Item:
    return Item(Of.RECOVERED, None, "recovered", name, after=night.isoformat(), images=(name,))


def _plain(event: StandingEvent) -> Item:
    return Item(Of.DRIFT, *event.key, event.before, event.after, event.images, event.since)


def _of_event(event: StandingEvent, notify: Notify, policy: Policy) -> Iterator[Item]:
    """A standing event that tonight did not see, where it is wanted."""
    broken = tuple(wanted(notify, event.broken))
    flagged = tuple(wanted(notify, event.flagged))
    counts = event.kind not in policy.tolerate and flagged
    if broken and Of.BROKEN in notify.when:
        yield replace(_plain(event), of=Of.BROKEN, images=broken)
    elif counts and Of.DRIFT in notify.when:
        yield replace(_plain(event), images=flagged)


def _recovered(notify: Notify, standing: Standing, night: date, since: date) -> Iterator[Item]:
    if Of.RECOVERED in notify.when:
        for name in wanted(notify, standing.recovered):
            if since <= standing.recovered[name] <= night:
                yield _again(name, standing.recovered[name])


def _dated(item: Item, standing: Standing, begun: Mapping[Key, date]) -> Item:
    """The item with the night since when it stands; ``begun`` has those of events."""
    if item.origin is None:
        return replace(item, since=standing.down.get(item.subject))
    return replace(item, since=begun.get((item.origin, item.kind, item.subject)))


def news(items: Iterable[Item], told: Mapping[str, str]) -> list[Item]:
    """The items that a target has not been told, or with another value."""
    return [item for item in items if told.get(item.id) != item.value]


def over(told: Collection[str], still: Collection[str]) -> list[str]:
    """What a target was told that is over: should it come again, it is news."""
    return [item for item in told if item not in still]
