"""What a matched rendering says, and whether the build's window has that moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from drift.snapshot.forms.dates.renderings import MONTHS
from drift.snapshot.forms.dates.span import SECOND, Span

MINUTE = timedelta(minutes=1)
_NUMBER_OF_MONTH = {name[:3].lower(): n for n, name in enumerate(MONTHS, 1)}
_EPOCH = datetime(1970, 1, 1)


def in_span(match: re.Match[bytes], span: Span) -> bool:
    """Whether a date, with the time beside it if there is one, lies in the span."""
    found = {name: value for name, value in match.groupdict().items() if value}
    days = [day for day in span.days if _is_day(found, day)]
    if not days:
        return False
    clock = _clock(found)
    if clock is None:
        return not _has_clock(found)  # digits that look like a time and are none
    time_of_day, precision, offset = clock
    for day in days:
        local = datetime(day.year, day.month, day.day) + time_of_day
        if offset is None:
            if span.has_local(local, precision):
                return True
        elif span.has(local - offset, precision):
            return True
    return False


def is_clock(match: re.Match[bytes], span: Span, *, local: bool) -> bool:
    """Whether a time of day lies in the span: at some quarter-hour offset, or else in UTC."""
    clock = _clock({name: value for name, value in match.groupdict().items() if value})
    if clock is None:
        return False
    time_of_day, precision, _ = clock
    if "d" in match.re.groupindex and precision != SECOND:
        return False  # hh:mm alone is no clear time
    return span.has_clock(time_of_day, precision, local=local)


def is_epoch(match: re.Match[bytes], span: Span) -> bool:
    """Whether a number, in seconds or a thousandth, millionth or billionth, lies in the span."""
    return span.has(_EPOCH + timedelta(seconds=int(match[0][:10])))


def _is_day(found: dict[str, bytes], day: date) -> bool:
    """Whether the parts that were found are that day's."""
    year = found.get("Y")
    if "week" in found:
        iso = day.isocalendar()
        same = int(found["week"]) == iso.week and year == str(iso.year).encode()
        return same and ("wd" not in found or int(found["wd"]) == iso.weekday)
    if year is not None and year not in (b"%d" % day.year, b"%02d" % (day.year % 100)):
        return False
    if "ordinal" in found:
        return int(found["ordinal"]) == day.timetuple().tm_yday
    if "long" in found:
        return _NUMBER_OF_MONTH[found["long"][:3].lower()] == day.month
    return (day.month, day.day) in _month_and_day(found, day)


def _month_and_day(found: dict[str, bytes], day: date) -> Iterator[tuple[int, int]]:
    """The readings of a date's numbers: the order of day and month is anybody's guess."""
    if "a" in found:
        a, b = int(found["a"]), int(found["b"])
        short = day.year % 100
        if "c" not in found or int(found["c"]) == short:
            yield a, b
            yield b, a
        if "c" in found and a == short:
            yield b, int(found["c"])
    elif "name" in found:
        yield _NUMBER_OF_MONTH[found["name"][:3].lower()], int(found["d"])
    else:
        yield int(found.get("m") or found["m2"]), int(found.get("d") or found["d2"])


def _has_clock(found: dict[str, bytes]) -> bool:
    return not found.keys().isdisjoint(("H", "H3", "H2"))


def _clock(
    found: dict[str, bytes],
) -> tuple[timedelta, timedelta, timedelta | None] | None:
    """A time of day, how precise it is, and its offset from UTC; None where there is none."""
    hour = found.get("H") or found.get("H3") or found.get("H2")
    minute = found.get("M") or found.get("M2") or found.get("M3")
    second = found.get("S") or found.get("S2") or found.get("S3")
    if hour is None or minute is None:
        return None
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    half = found.get("P")
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in b"pP" else 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    time_of_day = timedelta(hours=hours, minutes=minutes, seconds=min(seconds, 59))
    return time_of_day, SECOND if second else MINUTE, _offset(found.get("Z") or found.get("Z3"))


def _offset(zone: bytes | None) -> timedelta | None:
    """``Z``, ``UTC``, ``+01:00``, ``GMT-0330``, ``+01``; None where no zone was written."""
    if zone is None or not zone.strip():
        return None
    sign = re.search(rb"([+-])(\d\d):?(\d\d)?", zone)
    if sign is None:
        return timedelta(0)
    offset = timedelta(hours=int(sign[2]), minutes=int(sign[3] or 0))
    return -offset if sign[1] == b"-" else offset
