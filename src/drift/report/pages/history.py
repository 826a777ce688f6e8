"""The page of one image's nights: a calendar, what moved, and each night."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from drift import __version__
from drift.report import places, words
from drift.report.pages import environment
from drift.report.pages.calendar import LEGEND, letter
from drift.report.pages.icon import sign_of
from drift.store.queries import ImageNight, Recurring

Part = dict[str, Any]

_WEEKS = 54
_CAUSES = 300
_KINDS = {sign: kind for sign, kind, _ in LEGEND}


@dataclass(frozen=True, slots=True)
class _Cell:
    night: date
    status: str
    letter: str
    kind: str
    page: str | None


def render(
    image: str,
    nights: Sequence[ImageNight],
    recurring: Sequence[Recurring] = (),
    exists: Callable[[str], bool] = lambda _: True,
) -> str:
    """An image's nights, the newest first; ``exists`` tells which runs' pages are there."""
    pages = {seen.night: _page(seen, image, exists) for seen in nights}
    newest = nights[0]
    noted = [{"status": newest.status, "flagged": newest.flagged}]
    return environment.render(
        "history.html.j2",
        document={"drift_version": __version__},
        sign=sign_of(noted),
        name=image,
        said=_said(nights),
        weeks=list(_weeks(nights, pages)),
        standing=[_moved(cause) for cause in recurring[:_CAUSES]],
        nights=[_night(seen, pages[seen.night]) for seen in nights],
        legend_entries=LEGEND,
    )


def _page(seen: ImageNight, image: str, exists: Callable[[str], bool]) -> str | None:
    place = places.image_page(seen.run, image)
    return f"../{place}" if exists(seen.run) else None


def _said(nights: Sequence[ImageNight]) -> str:
    newest = nights[0]
    flagged = sum(seen.flagged for seen in nights)
    state = f"{newest.status}{', flagged' if newest.flagged else ''} on {newest.night}"
    return f"{state}; flagged on {flagged} of {words.counted(len(nights), 'night')}"


def _night(seen: ImageNight, page: str | None) -> Part:
    keys = ("night", "status", "flagged", "run")
    return {**{key: getattr(seen, key) for key in keys}, "origins": seen.origins, "page": page}


def _moved(cause: Recurring) -> Part:
    keys = ("origin", "kind", "subject", "nights", "first", "last")
    return {key: getattr(cause, key) for key in keys}


def _weeks(nights: Sequence[ImageNight], pages: dict[date, str | None]) -> Iterator[Part]:
    """Weeks from the newest back, each from Monday to Sunday; days outside are None."""
    by_night = {seen.night: seen for seen in reversed(nights)}
    newest, oldest = nights[0].night, nights[-1].night
    monday = newest - timedelta(days=newest.weekday())
    for _ in range(_WEEKS):
        days = [monday + timedelta(days=day) for day in range(7)]
        cells = [
            _cell(day, by_night.get(day), pages) if oldest <= day <= newest else None
            for day in days
        ]
        yield {"monday": monday, "cells": cells}
        if monday <= oldest:
            return
        monday -= timedelta(days=7)


def _cell(day: date, seen: ImageNight | None, pages: dict[date, str | None]) -> _Cell:
    sign = letter(seen)
    flagged = ", flagged" if seen and seen.flagged else ""
    status = f"{seen.status}{flagged}" if seen else "no run"
    return _Cell(day, status, sign, _KINDS[sign], pages.get(day))
