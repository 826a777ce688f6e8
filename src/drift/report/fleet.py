"""What the index is made from: the newest night of every image, and what earlier ones left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from drift.attribute.model import Status
from drift.report import causes, words
from drift.report.pages.calendar import quiet_nights
from drift.store.queries import ImageNight
from drift.store.sightings import Key
from drift.store.standing import Standing

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Passed:
    """What is let pass, and why: by which kind of rule, its subject, and the reason."""

    what: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet on the newest night.

    ``document`` holds every image of that night, whichever of its runs built it; ``runs`` says
    which that was. ``nights`` are each image's, the newest first; ``standing`` are the events
    that nobody has closed. ``stale`` are the images that did not run on the newest night, as they
    were last seen. ``notices`` are what the reader must know of drift itself: a message that
    could not be delivered.
    """

    document: Part
    runs: Mapping[str, str]
    nights: Mapping[str, Sequence[ImageNight]] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    stale: Sequence[ImageNight] = ()
    since_by_key: Mapping[Key, date] = field(init=False)
    notices: Sequence[str] = ()

    def __post_init__(self) -> None:
        by_key = {event.key: event.since for event in self.standing.events}
        object.__setattr__(self, "since_by_key", by_key)

    @property
    def night(self) -> date:
        """The newest night."""
        return date.fromisoformat(self.document["run"]["night"])

    @property
    def one_run(self) -> bool:
        """Whether the newest run is the whole night: its document is the fleet's."""
        run = self.document["run"]["id"]
        return all(self.runs[image["name"]] == run for image in self.document["images"])

    @property
    def finished_at(self) -> datetime:
        """When the newest run ended."""
        run = self.document["run"]
        return datetime.fromisoformat(run["finished_at"] or run["started_at"])

    @property
    def quiet(self) -> int:
        """How many nights in a row, up to the newest, needed nobody."""
        quiet: dict[date, bool] = {}
        for seen in (seen for nights in self.nights.values() for seen in nights):
            trouble = seen.flagged or seen.status in (Status.BROKEN, Status.UNKNOWN)
            quiet[seen.night] = quiet.get(seen.night, True) and not trouble
        return quiet_nights(quiet)

    def since(self, cause: Part) -> date | None:
        """Since when an event stands, or the event that a cause is seen as."""
        return self.since_by_key.get((cause["origin"], cause["kind"], cause["subject"]))


def let_pass(fleet: Fleet, tolerated: Sequence[str]) -> Iterator[Passed]:
    """What was let pass this night, one line each with its reason."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for image in fleet.document["images"]:
        for cause in image["causes"]:
            if said := causes.acceptance(cause):
                key = ("accepted", cause["subject"], said)
            elif cause["kind"] in tolerated:
                key = ("tolerated", cause["subject"], f"policy.tolerate has {cause['kind']}")
            else:
                continue
            found.setdefault(key, []).append(image["name"])
    for (what, subject, reason), names in found.items():
        where = words.some(list(dict.fromkeys(names)), 5)
        yield Passed(what, subject, f"{reason} · in {where}")
