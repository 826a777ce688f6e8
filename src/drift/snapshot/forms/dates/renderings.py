"""How dates and times are written, as regular expressions for one span of time.

The year, the months and the epoch's leading digits are those of the span: what can't be the
build's own date hardly ever matches. Every repetition is bounded, so matching is linear.
Each expression starts with a literal where it can, which is searched for fast.

Written so far: ISO 8601 (extended, basic, weeks, ordinal days), RFC 2822 and 850, HTTP,
asctime(3) and date(1), syslog, Apache's log, C's ``__DATE__`` and ``__TIME__``, numbers in
either order of day and month, 12 and 24 hours, and what goes into file names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from drift.snapshot.forms.dates.span import Span

MONTHS = (
    b"January", b"February", b"March", b"April", b"May", b"June", b"July", b"August",
    b"September", b"October", b"November", b"December",
)  # fmt: skip
WEEKDAYS = (
    b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday", b"Sunday",
)  # fmt: skip

# Offsets are taken in, other zone names stay in the text: a word behind a time may be any.
_ZONE = (
    rb"(?P<Z> ?(?:Z(?![A-Za-z])|(?:UTC|GMT)?[+-][01]\d:?[0-5]\d(?!\d)"
    rb"|(?:UTC|GMT)(?![A-Za-z+-])|[+-][01]\d(?![\d:.]))|)"
)
_HALF = rb"(?: ?(?P<P>[AaPp])\.?[Mm]\b\.?|)"
_CLOCK = (
    rb"(?P<H>[0-2]?\d)(?::(?P<M>[0-5]\d)(?!\d)(?::(?P<S>[0-6]\d)(?P<F>[.,]\d{1,9}|)(?!\d)|)"
    rb"|(?P<cs>[._-])(?P<M2>[0-5]\d)(?P=cs)(?P<S2>[0-6]\d)(?!\d))" + _HALF + _ZONE
)
_COMPACT = (
    rb"(?P<H3>[0-2]\d)(?P<M3>[0-5]\d)(?P<S3>[0-6]\d|)(?P<F3>(?:[.,]\d|\d)\d{0,8}|)(?!\d)(?P<Z3>Z|)"
)
_TIME = (
    rb"(?:(?:[Tt_;:/@.-]|,? {1,2}|, ?| at | - | @ )" + _CLOCK
    + rb"|[Tt_.-]?" + _COMPACT + rb"|)"
)  # fmt: skip
_VERSION_AHEAD = rb"(?!\d|[.]\d)"  # 2026.11.26.1 is a version


@dataclass(frozen=True, slots=True)
class Renderings:
    """The expressions of one span. ``needles`` find where a rendering may be, ``dates`` are
    tried in order at such places, then ``epoch``, ``clock`` (a time alone) and ``weekday``.
    """

    needles: tuple[re.Pattern[bytes], ...]
    dates: tuple[re.Pattern[bytes], ...]
    epoch: re.Pattern[bytes]
    clock: re.Pattern[bytes]
    weekday: re.Pattern[bytes]


@lru_cache(maxsize=16)
def renderings_of(span: Span) -> Renderings:
    """The expressions for a span."""
    days = span.days
    year = _any(sorted({str(day.year).encode() for day in days} | _iso_years(days)))
    short_year = _any(sorted({day.strftime("%y").encode() for day in days}))
    numbers = sorted({day.month for day in days})
    long_month = _any([MONTHS[n - 1] for n in numbers])
    month = _any([MONTHS[n - 1] for n in numbers] + [MONTHS[n - 1][:3] for n in numbers] + (
        [b"Sept"] if 9 in numbers else []
    ))  # fmt: skip
    day_of_month = _any(sorted({str(day.day).encode() for day in days}))
    weekday = _any(
        [form for n in sorted({day.weekday() for day in days}) for form in _weekday_forms(n)]
    )
    epoch = _epoch_prefix(span)
    return Renderings(
        needles=(
            re.compile(year),
            re.compile(rb"/" + short_year),
            re.compile(epoch),
            re.compile(rb":" + _minutes(span) + rb":"),
            *(
                re.compile(
                    MONTHS[n - 1][:3] + rb"[a-z.]{0,7}(?: {1,2}|[-_/])"
                    rb"(?:0?" + day_of_month + rb"|" + short_year + rb")(?!\d)"
                )
                for n in numbers
            ),
        ),
        dates=_dates(year, short_year, month, long_month),
        epoch=re.compile(
            epoch + rb"(?<!\d" + epoch + rb")(?<!\d\." + epoch + rb")"
            rb"\d{%d}(?P<rest>\d{9}|\d{6}|\d{3}|)(?!\d)(?:\.\d{1,9}(?!\d)|)" % (10 - len(epoch))
        ),
        clock=re.compile(rb"(?<![\w:.])(?<!\d )(?P<d>)" + _CLOCK + rb"(?![\d:]|,? \d{1,4}[-/.]\d)"),
        weekday=re.compile(rb"(?<![A-Za-z])" + weekday + rb"(?=\.?,? {1,2}\x01)"),
    )


def _dates(
    year: bytes, short_year: bytes, month: bytes, long_month: bytes
) -> tuple[re.Pattern[bytes], ...]:
    name = rb"(?P<name>(?i:" + month + rb"))"
    not_inside = rb"(?<!\d%b)(?<!\d[.]%b)" % (year, year)
    ordinal = rb"(?:st|nd|rd|th|)"
    full = rb"(?P<Y>" + year + rb")"
    either = rb"(?P<Y>" + year + rb"|" + short_year + rb")"
    return tuple(
        re.compile(pattern)
        for pattern in (
            # 2026-11-26T11:02:45Z, 2026/11/26 11:02, 2026.11.26, 2026_11_26, 20261126110245
            full + not_inside
            + rb"(?:(?P<s>[-/._])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)|(?P<m2>\d\d)(?P<d2>\d\d))"
            + _TIME + _VERSION_AHEAD,
            # 2026-W48-4, 2026W48, 2026-330
            full + not_inside + rb"-?W(?P<week>\d\d)(?:-?(?P<wd>[1-7])|)" + _VERSION_AHEAD,
            full + not_inside + rb"-?(?P<ordinal>\d{3})(?!\d|-\d)" + _TIME + _VERSION_AHEAD,
            # 26/11/2026, 11/26/2026, 26.11.2026, 11-26-2026; and 11/26/26, 26/11/26
            rb"(?<!\d)(?<!\d[./-])(?P<a>\d\d?)(?P<s>[-/.])(?P<b>\d\d?)(?P=s)(?P<Y>"
            + year + rb")(?![./-]?\d)" + _TIME,
            rb"(?<![\d/])(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<c>\d\d)(?![/.-]?\d)" + _TIME,
            # 26 Nov 2026 11:02:45 +0000, 26/Nov/2026:11:02:45, 26-Nov-26, 26th of November, 2026
            rb"(?<![\d.])(?P<d>\d\d?)" + ordinal + rb"(?: of |\.? ?|[-/_])" + name
            + rb"(?:\.?,? |[-/_]|)" + either + rb"(?!\d)" + _TIME,
            # Nov 26 2026 11:02:45, November 26th, 2026
            name + rb"(?:\.? {0,2}|[-/_])(?P<d>\d\d?)" + ordinal + rb"(?:,? {1,2}|[-/_])" + full
            + rb"(?!\d)" + _TIME,
            # Nov 26 11:02:45, Nov 26 11:02:45 2026, Nov 26 11:02:45 AM CET 2026
            name + rb"(?P<s>\.? {1,2})(?P<d>\d\d?),? " + _CLOCK
            + rb"(?:(?: [A-Z]{2,5}| [+-]\d\d(?:\d\d|)|) " + full + rb"(?!\d)|)",
            # November 2026, but no day of it
            rb"(?<!\d)(?<!\d[ .-])(?<!\d(?:th|st|nd|rd) )(?<! of )(?P<long>(?i:" + long_month
            + rb")),? " + full + rb"(?!\d)",
        )
    )  # fmt: skip


def _any(words: Sequence[bytes]) -> bytes:
    return b"(?:" + b"|".join(words) + b")" if len(words) > 1 else words[0]


def _iso_years(days: Sequence[date]) -> set[bytes]:
    return {str(day.isocalendar().year).encode() for day in days}


def _weekday_forms(number: int) -> tuple[bytes, ...]:
    name = WEEKDAYS[number]
    return (name, name[:3])


def _epoch_prefix(span: Span) -> bytes:
    """The leading digits that all seconds of the span have in common; at least one."""
    first, last = (
        b"%d" % (moment - datetime(1970, 1, 1)).total_seconds() for moment in (span.start, span.end)
    )
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 10)
    return first[: min(same, 10)] or b"1"


def _minutes(span: Span) -> bytes:
    """The minutes of the hour that the span has at some quarter-hour offset."""
    length = int((span.end - span.start).total_seconds()) // 60 + 2
    if length >= 15:
        return rb"[0-5]\d"
    minutes = {(span.start.minute + n + k * 15) % 60 for n in range(length) for k in range(4)}
    return _any([b"%02d" % minute for minute in sorted(minutes)])
