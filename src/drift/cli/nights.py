"""One subject of an image over the nights that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from drift.cli.subjects import differences_of
from drift.errors import StoreError

if TYPE_CHECKING:
    from drift.store.store import Store

SEARCHED = 100  # nights that are looked through; a document may have megabytes
_LISTED = 10
_NOISE = "nondeterminism"


def night_of(store: Store, image: str, night: date | None) -> tuple[date, dict[str, Any]]:
    """The newest night that holds the image, or the one asked for, and what it said of it.

    Raises:
        StoreError: there is none.
    """
    wanted = 1 if night is None else None
    for stored in store.history(image, wanted or 100_000):
        if night is None or stored.night == night:
            document = store.document(stored.run, image)
            if document is not None:
                return stored.night, document
    when = "" if night is None else f" of {night}"
    raise StoreError(
        f"no finished night{when} holds an image {image!r}",
        hint=f"`drift history {image}` lists its nights" if night else "`drift check` records one",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A night on which a subject differed: its causes, and the controls that were built."""

    night: date
    causes: tuple[dict[str, Any], ...]
    controls: int

    @property
    def noise(self) -> bool:
        return any(cause["origin"] == _NOISE for cause in self.causes)


def over_the_nights(store: Store, image: str, subject: str, night: date) -> Iterator[str]:
    """On which other nights a subject differed, and how often as noise."""
    nights = store.history(image, SEARCHED)
    found = []
    for stored in nights:
        document = store.document(stored.run, image)
        seen = None if document is None else _seen(stored.night, document, subject)
        if seen is not None:
            found.append(seen)
    others = [seen for seen in found if seen.night != night]
    within = f"the {len(nights)} nights that were looked through"
    if others:
        more = f", and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        listed = ", ".join(map(_told, others[:_LISTED]))
        yield f"  it differed on {len(others)} other of {within}: {listed}{more}"
    elif len(nights) > 1:
        yield f"  it differed on {'no other' if found else 'none'} of {within}"
    noisy = [seen for seen in found if seen.noise]
    if noisy:
        controls = sum(seen.controls for seen in noisy)
        built = f"{controls} control{'' if controls == 1 else 's'}"
        yield f"  nondeterminism on {len(noisy)} of {within}, with {built} built on those"


def _seen(night: date, document: dict[str, Any], subject: str) -> _Seen | None:
    differences = differences_of(document, subject)
    if not differences:
        return None
    held = {cause for _, cause in differences}
    causes = tuple(cause for cause in document["causes"] if cause["id"] in held)
    controls = sum(build["role"] == "control" and build["ok"] for build in document["builds"])
    return _Seen(night, causes, controls)


def _told(seen: _Seen) -> str:
    from drift.report import words

    said = [f"{cause['origin'] or ''} {words.kind(cause)}".strip() for cause in seen.causes]
    return f"{seen.night} ({', '.join(dict.fromkeys(said)) or 'modification time'})"
