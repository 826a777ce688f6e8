"""Events that stand, as a night's issues are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from drift.publish.github.world import World
from drift.store.standing import Standing, StandingEvent

NIGHT = date(2026, 11, 26)
FLEET = "0123456789abcdef"


def event(subject: str = "pkg:deb/debian/openssl", **more: Any) -> StandingEvent:
    """A package that moved tonight in one image."""
    known: dict[str, Any] = {
        "origin": "external", "kind": "package", "before": "1", "after": "2", "since": NIGHT,
        "images": ("web",),
    }  # fmt: skip
    given = {**known, **more}
    given = {
        "moved": given["since"],
        "seen": NIGHT,
        "flagged": given["images"],
        "broken": (),
        **given,
    }
    return StandingEvent(subject=subject, **given)


def world(*events: StandingEvent, night: date = NIGHT, over: bool = True, **more: Any) -> World:
    """What stands on a night; ``over`` says whether the store knows of ends."""

    def is_over(_is_break: bool, _images: Sequence[str]) -> bool:
        return over

    return World(night, FLEET, Standing(tuple(events)), is_over, **more)
