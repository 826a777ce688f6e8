"""The span of time that a rendered date or time must lie in to be the build's own.

A rendering is a floor: ``11:02`` is any moment of that minute. A local time is taken at
every whole quarter-hour offset from UTC−12 to UTC+14; all zones in use have such an offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from drift.snapshot.forms.model import Window

SLACK = timedelta(seconds=5)  # clocks of the engine and of this host differ a little
QUARTER = timedelta(minutes=15)
WEST = timedelta(hours=-12)
EAST = timedelta(hours=14)
SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=7)  # no build takes longer; bounds the days that are tried


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``, both naive and in UTC; ``days`` it touches anywhere on earth."""

    start: datetime
    end: datetime
    days: tuple[date, ...]

    def has(self, moment: datetime, precision: timedelta = SECOND) -> bool:
        """Whether a moment of [moment, moment + precision), in UTC, lies in it."""
        return moment <= self.end and moment + precision > self.start

    def has_local(self, moment: datetime, precision: timedelta = SECOND) -> bool:
        """The same for a local time of unknown zone."""
        nearest = -((self.end - moment) // QUARTER)  # the smallest offset that is not too late
        if nearest * QUARTER < WEST:
            nearest = WEST // QUARTER
        offset = nearest * QUARTER
        return offset <= EAST and moment - offset + precision > self.start

    def has_clock(self, time_of_day: timedelta, precision: timedelta, *, local: bool) -> bool:
        """The same for a time of day: local, or else in UTC."""
        again = QUARTER if local else _DAY
        into = (time_of_day - (self.start - datetime.min)) % again
        return into <= self.end - self.start or into + precision > again


@lru_cache(maxsize=16)
def span_of(window: Window) -> Span | None:
    """A build's window with a little slack; None where it is absurd."""
    try:
        start = window.started_at.astimezone(UTC).replace(tzinfo=None)
        end = window.ended_at.astimezone(UTC).replace(tzinfo=None)
        sane = timedelta(0) <= end - start <= _LONGEST
        # Room on both sides, so that no offset leaves the calendar.
        if not sane or start.year < 1970 or end.year > 9000:
            return None
    except (OverflowError, ValueError):
        return None
    start, end = start - SLACK, end + SLACK
    first, last = (start + WEST).date(), (end + EAST).date()
    days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
    return Span(start, end, days)
