"""What is known tonight, and what an issue's marker says of an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from drift.publish.github import texts
from drift.publish.github.marker import Marker, digest
from drift.publish.github.model import Issue
from drift.store.sightings import Key
from drift.store.standing import Standing

EVENT = "event"
COLLECTION = "collection"
IMAGES = 40  # of an event, that a marker remembers


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


def is_over(world: World, issue: Issue) -> bool:
    """Whether the store knows that what an issue is about has ended."""
    images = issue.marker.words("images")
    return bool(images) and world.is_over(issue.marker.values.get("break") == "yes", images)


def remarked(issue: Issue, marker: Marker) -> str:
    """The issue's text under another marker."""
    return "\n".join((str(marker), *issue.body.split("\n")[1:]))
