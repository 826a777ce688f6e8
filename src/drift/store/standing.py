"""Which events stand, since when, and which images have recovered. Pure: nothing is read here.

An event is known by origin, kind and subject. It begins on the first night that an image saw
it. It stands for that image

- until the image builds again without it, where it is a break (the image was broken by it, or
  a source was not to be had): then its source is back;
- else until a person says that it is known: `drift accept` of a build of a night on which it
  had been seen, or of a later one.

An event that is not seen any more stands all the same: the night that follows a change is
quiet, because it is compared with the change. ``moved`` tells when its ``after`` got the value
that it has: what was told with another one is news again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from drift.attribute.model import Kind, Status
from drift.store.sightings import BROKEN, Key, Sighting, in_order, joined

#: The statuses of an image of which tonight has no build to compare.
DOWN = (Status.BROKEN, Status.UNKNOWN)
#: The kinds of events that are a break by themselves.
BREAKS = (BROKEN, Kind.SOURCE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last run of a night said of one image."""

    image: str
    night: date
    status: str
    flagged: bool
    events: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingEvent:
    """An event that nobody has closed and that has not ended by itself.

    ``since`` is its first night, ``moved`` the one on which ``after`` last got another value,
    ``seen`` the last one that saw it. ``before`` is as it was on the first night, ``after``
    as on the last; where images differ in them, each value, joined by commas. ``images`` are
    those for which it stands, by name; of them ``flagged`` those that were flagged when last they
    saw it, and ``broken`` those that it keeps from being built.
    """

    origin: str
    kind: str
    subject: str
    before: str | None
    after: str | None
    since: date
    moved: date
    seen: date
    images: tuple[str, ...]
    flagged: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def is_break(self) -> bool:
        """Whether it broke a build: it ends by itself once all of its images are built again."""
        return bool(self.broken)

    @property
    def key(self) -> Key:
        return self.origin, self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands after a night.

    ``events`` are sorted by origin, kind and subject. ``down`` maps each image that is broken
    or unknown to the first night of that, ``recovered`` each that builds again to the night
    on which it did.
    """

    events: tuple[StandingEvent, ...] = ()
    down: Mapping[str, date] = field(default_factory=dict)
    recovered: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Track:
    """One event as one image saw it over the nights."""

    since: date
    moved: date
    seen: date
    before: str | None
    after: str | None
    flagged: bool
    is_break: bool


def tracks(nights: Iterable[Seen], accepted: Mapping[str, date]) -> dict[str, dict[Key, Track]]:
    """By image, the events that stand for it; ``nights`` oldest first.

    ``accepted`` maps an image to the newest night of which a build was accepted.
    """
    found: dict[str, dict[Key, Track]] = {}
    for seen in nights:
        standing = found.setdefault(seen.image, {})
        if seen.status not in DOWN:
            here = {sighting.key for sighting in seen.events}
            for key in [k for k, track in standing.items() if track.is_break and k not in here]:
                del standing[key]
        known = accepted.get(seen.image)
        if known is not None and seen.night <= known:
            continue
        for sighting in seen.events:
            standing[sighting.key] = _continued(standing.get(sighting.key), seen, sighting)
    return found


def _continued(track: Track | None, seen: Seen, sighting: Sighting) -> Track:
    is_break = seen.status == Status.BROKEN or sighting.kind in BREAKS
    night, after = seen.night, sighting.after
    if track is None:
        return Track(night, night, night, sighting.before, after, seen.flagged, is_break)
    moved = track.moved if after == track.after else night
    return replace(
        track, moved=moved, seen=night, after=after, flagged=seen.flagged, is_break=is_break
    )


def standing(nights: Iterable[Seen], accepted: Mapping[str, date]) -> Standing:
    """What stands after some nights, the oldest first; see :func:`tracks`."""
    listed = list(nights)
    by_key: dict[Key, dict[str, Track]] = {}
    for image, found in tracks(listed, accepted).items():
        for key, track in found.items():
            by_key.setdefault(key, {})[image] = track
    down, recovered = _downs(listed)
    events = tuple(_event(key, by_key[key]) for key in in_order(by_key))
    return Standing(events, down, recovered)


def _event(key: Key, of_images: Mapping[str, Track]) -> StandingEvent:
    found = dict(sorted(of_images.items()))
    return StandingEvent(
        *key,
        before=joined(track.before for track in found.values()),
        after=joined(track.after for track in found.values()),
        since=min(track.since for track in found.values()),
        moved=max(track.moved for track in found.values()),
        seen=max(track.seen for track in found.values()),
        images=tuple(found),
        flagged=tuple(image for image, track in found.items() if track.flagged),
        broken=tuple(image for image, track in found.items() if track.is_break),
    )


def _downs(nights: Iterable[Seen]) -> tuple[dict[str, date], dict[str, date]]:
    down: dict[str, date] = {}
    recovered: dict[str, date] = {}
    for seen in nights:
        if seen.status in DOWN:
            down.setdefault(seen.image, seen.night)
            recovered.pop(seen.image, None)
        elif down.pop(seen.image, None) is not None:
            recovered[seen.image] = seen.night
    return down, recovered


def forgettable(
    nights: Iterable[Seen], accepted: Mapping[str, date], oldest: date
) -> Iterator[tuple[str, date, Key]]:
    """What was seen before ``oldest`` and is not needed to say what stands: image, night, event.

    All that is left of an event that stands begins with its first night. So the nights that
    ended an earlier one may be forgotten as well.
    """
    listed = list(nights)
    found = tracks(listed, accepted)
    for seen in listed:
        for sighting in seen.events if seen.night < oldest else ():
            track = found[seen.image].get(sighting.key)
            if track is None or seen.night < track.since:
                yield seen.image, seen.night, sighting.key
