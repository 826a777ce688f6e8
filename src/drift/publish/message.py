"""One message to one target, before anything is said of how it gets there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from drift.publish.items import Item, Of
from drift.report import sentences, words
from drift.report.escape import visible
from drift.store.sightings import BROKEN

_IMAGES = 5  # that an item names; the others are counted
_ITEMS = 50  # that a mail lists before its report
_SUBJECT = 150  # characters of a mail's subject


class What(StrEnum):
    """What a message is about."""

    RUN = "run"  # a finished run
    UNDONE = "undone"  # a run that could not be done
    UPGRADE = "upgrade"  # running containers that have a newer image
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Message:
    """What a target is told.

    ``verdict`` is one sentence. ``new`` are the items that it has not been told, ``known``
    those that still stand, where they are told again. ``lines`` are sentences besides: nights
    that could not be done. ``document`` is the report, of the images that the target asked
    for; None without a run. ``page`` is where it can be read, None where it is not served.
    """

    what: What
    night: date
    verdict: str
    run: str | None = None
    new: tuple[Item, ...] = ()
    known: tuple[Item, ...] = ()
    lines: tuple[str, ...] = ()
    document: dict[str, Any] | None = None
    page: str | None = None

    @property
    def subject(self) -> str:
        """One line of at most 150 characters, with nothing in it that acts."""
        said = visible(f"drift: {self.verdict}")
        return said if len(said) <= _SUBJECT else f"{said[: _SUBJECT - 1]}…"

    @property
    def is_bad(self) -> bool:
        """Whether something is broken, could not be checked, or is flagged."""
        bad = any(item.of is not Of.RECOVERED for item in (*self.new, *self.known))
        return bad or self.what is What.UNDONE


def item_in_words(item: Item, night: date) -> str:
    """An item on one line, and since when where that is not tonight; it may hold untrusted text.

    ``external package pkg:deb/debian/openssl 3.0.17-1 → 3.0.17-2 (web, api; since …)``
    """
    since = [f"since {item.since}"] if item.since and item.since != night else []
    if item.origin is None or item.kind == BROKEN:
        said = f"{item.subject}: {_STATUS.get(item.kind, item.kind)}"
        return ", ".join([said, *since])
    moved = words.move({"before": item.before, "after": item.after})
    kind = words.kind({"kind": item.kind, "subject": item.subject})
    said = f"{item.origin} {kind} {item.subject} {moved}".rstrip()
    return f"{said} ({'; '.join([', '.join(_names(item.images)), *since])})"


_STATUS = {
    "unknown": "could not be checked",
    "recovered": "builds again",
    "drifted": "flagged",
    BROKEN: "does not build, and nobody could be named for it",
}


def _names(images: Sequence[str]) -> Iterator[str]:
    yield from images[:_IMAGES]
    if len(images) > _IMAGES:
        yield f"{len(images) - _IMAGES} more"


def paragraphs(message: Message) -> Iterator[tuple[str, list[str]]]:
    """What a message tells before its report: titles, and lines that may hold untrusted text."""
    if message.lines:
        yield "", list(message.lines)
    for title, items in (("New", message.new), ("Still standing", message.known)):
        if items:
            lines = [item_in_words(item, message.night) for item in items[:_ITEMS]]
            more = len(items) - _ITEMS
            yield title, [*lines, f"and {more:,} more"] if more > 0 else lines


def about_run(document: dict[str, Any]) -> str:
    """The verdict on a run, in one sentence."""
    return visible(sentences.verdict(document))
