"""Texts that hold their build's date: each usual rendering is masked, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.snapshot.forms import Window
from drift.snapshot.forms.dates import masked
from support.form_samples import FIRST, MONDAY, SECOND, form_of, same, window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch(moment: datetime, per_second: int = 1) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * per_second // 1_000_000


# strftime patterns; with a zone of their own, in UTC, else local to wherever the build was.
ZONED = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S.%f000Z",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S +0000",
    "%Y-%m-%d %H:%M:%S.%f000 +0000 UTC m=+0.012345678",
    "%Y-%m-%d %H:%M:%SZ",
    "%Y-%m-%d %H:%MZ",
    "%Y-%m-%d %H:%M UTC",
    "%Y-%jT%H:%M:%SZ",
    "%Y%m%dT%H%M%SZ",
    "%a, %d %b %Y %H:%M:%S +0000",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %I:%M:%S %p UTC %Y",
    "%a %b %d %H:%M:%S +0000 %Y",
    "%a %d %b %Y %I:%M:%S %p UTC",
    "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)",
)
LOCAL = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S,123",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d at %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d_%H-%M-%S",
    "%Y-%m-%d_%H.%M.%S",
    "%Y-%m-%dT%H-%M-%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M%S%f",
    "%Y%m%d-%H%M%S",
    "%Y%m%d_%H%M",
    "%Y%m%d.%H%M%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y, %I:%M:%S %p",
    "%m/%d/%y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M",
    "%B %d, %Y %I:%M %p",
    "%b %d %Y %H:%M:%S",
    "%b %d, %Y, %H:%M:%S",
    "%b %d %H:%M:%S",
    "%b %d %H:%M:%S.%f",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S CET %Y",
    "%H:%M:%S %Y-%m-%d",
    "%H:%M %d.%m.%Y",
)
CLOCKS = ("%H:%M:%S", "%I:%M:%S %p", "%H:%M:%S.%f")  # alone: in UTC
DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y_%m_%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%dth of %B, %Y",
    "%b %d %Y",
    "%B %d, %Y",
    "%A, %B %d, %Y",
    "%G-W%V-%u",
    "%GW%V",
    "%Y-%j",
    "%Y%j",
    "%B %Y",
)
COUNTS: tuple[Callable[[datetime], str], ...] = (
    lambda at: f"{epoch(at)}",
    lambda at: f"{epoch(at, 1_000)}",
    lambda at: f"{epoch(at, 1_000_000)}",
    lambda at: f"{epoch(at, 1_000_000)}000",
    lambda at: f"{epoch(at)}.{at.microsecond:06}",
    lambda at: f"{at:%b} {at.day:2} {at:%Y}",  # C's __DATE__
    lambda at: f"{at:%a %b} {at.day:2} {at:%H:%M:%S %Y}",  # asctime(3)
    lambda at: f"{at.year}-{at.month}-{at.day}",
    lambda at: f"{at.month}/{at.day}/{at.year}, {at.hour % 12 or 12}:{at:%M:%S %p}",
)
RENDERINGS = (*ZONED, *LOCAL, *DAYS, *CLOCKS)


@st.composite
def builds(draw: st.DrawFn) -> tuple[Window, datetime]:
    """A build of some night, and a moment in it."""
    start = draw(st.datetimes(datetime(2001, 9, 9, 2), datetime(2099, 1, 1))).replace(tzinfo=UTC)
    length = draw(st.floats(1, 3600))
    return window(start, length), start + timedelta(seconds=draw(st.floats(0, length)))


def is_masked(rendered: str, at: Window) -> bool:
    """Whether no digit of it is left, nor the name of a day or a month."""
    result = masked(b"built: " + rendered.encode() + b"\n", at)
    left = result.replace(b"(Coordinated Universal Time)", b"")
    names = (moment.strftime(form).encode() for moment in (at.started_at,) for form in ("%b", "%a"))
    plain = result.replace(b"epoch0", b"").replace(b"epoch3", b"")
    plain = plain.replace(b"epoch6", b"").replace(b"epoch9", b"")
    return not any(48 <= byte < 58 for byte in plain) and not any(name in left for name in names)


def left_over(moment: datetime, at: Window, patterns: Sequence[str]) -> list[str]:
    """The patterns whose rendering of the moment is not masked."""
    return [pattern for pattern in patterns if not is_masked(moment.strftime(pattern), at)]


@settings(max_examples=40, deadline=None)
@given(build=builds())
def test_any_moment_of_the_build_is_masked(build: tuple[Window, datetime]) -> None:
    at, moment = build
    assert left_over(moment, at, RENDERINGS) == []
    assert [n for n, count in enumerate(COUNTS) if not is_masked(count(moment), at)] == []


@settings(max_examples=40, deadline=None)
@given(build=builds(), quarters=st.integers(-48, 56))
def test_local_time_anywhere_on_earth_is_masked(
    build: tuple[Window, datetime], quarters: int
) -> None:
    at, moment = build
    there = moment.astimezone(timezone(timedelta(minutes=15 * quarters)))
    assert left_over(there, at, (*LOCAL, *DAYS)) == []


@pytest.mark.parametrize("pattern", RENDERINGS)
def test_two_nights_are_the_same_but_for_their_dates(pattern: str) -> None:
    texts = [
        f"<p>Built {(start + timedelta(seconds=61)).strftime(pattern)} by make</p>".encode()
        for start in (FIRST.started_at, SECOND.started_at)
    ]
    assert same("/srv/index.html", *texts)
    assert not same("/srv/index.html", texts[0], texts[1].replace(b"make", b"Make"))


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "2026.11",  # a version
        "2026.11.23.1",
        "1.2026.11.23",
        "0.20261123",
        "12.20261123.4",
        "2026-11-16 03:02:45",  # a week ago
        "16 November 2026",
        "16th November 2026",
        "16 Nov 2026",
        "Mon, 16 Nov 2026 03:02:45 +0000",
        "2026-11-23T03:02:45+05:00",  # that day, but hours earlier
        "2026-11-23 03:11:45",  # no zone has that minute
        "2026-11-23T21:02:45Z",
        "Nov 23 2025",
        "Copyright 2026",
        "2025-W48",
        "2026-W40",
        "2026-100",
        "1764154965",  # a year ago
        "179542456012",  # as many digits as no unit has
        "99179542456099",
        "03:11:45",
        "a0:0d:6d:a3:02:45",  # a fingerprint's end
        "3:2:45",
        "03:02",
        "2026-13-45",
        "31/31/2026",
        "sha256:2026112342aa",
        "10.11.23.26",
    ],
)
def test_what_is_not_the_builds_own_moment_stays(text: str) -> None:
    assert masked(f"x {text} y".encode(), FIRST) == f"x {text} y".encode()


def test_a_log_level_behind_a_time_is_not_taken_for_a_zone() -> None:
    first, second = b"2026-11-23 03:02:45 INFO up", b"2026-11-24 03:09:20 ERROR up"
    assert not same("/srv/log", first, second)
    assert same("/srv/log", first, second.replace(b"ERROR", b"INFO"))


def test_another_way_of_writing_the_date_is_a_difference() -> None:
    assert not same("/srv/built", b"on 2026-11-23", b"on 24/11/2026")
    assert not same("/srv/built", b"on 2026-11-23", b"on 1795489757")


def test_a_fraction_that_is_left_out_where_it_is_zero_counts_for_nothing() -> None:
    assert same("/srv/built", b"2026-11-23T03:02:45.5Z", b"2026-11-24T03:09:20Z")


def test_a_local_time_alone_may_be_anybodys() -> None:
    assert not is_masked("04:02:45", FIRST)
    assert is_masked("04:02:45 on 2026-11-23", FIRST)
    assert is_masked("date: 23.11.2026\n  time: 04:02:45", FIRST)


def test_new_year_and_the_other_side_of_the_earth() -> None:
    at = window(datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC))
    for rendered in ("2026-12-31", "2027-01-01", "2026-W53", "Jan  1 2027", "31 December 2026"):
        assert is_masked(rendered, at), rendered
    assert not is_masked("2027-01-03", at)


def test_without_a_window_nothing_is_masked() -> None:
    assert masked(b"2026-11-23", None) == b"2026-11-23"
    assert form_of("/srv/built", b"2026-11-23", None) is None


def test_absurd_windows_mask_nothing() -> None:
    backwards = Window(MONDAY, MONDAY - timedelta(days=1))
    endless = Window(MONDAY, MONDAY + timedelta(days=4000))
    ancient = Window(datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
    for at in (backwards, endless, ancient):
        assert masked(b"2026-11-23", at) == b"2026-11-23"


def test_the_clocks_zone_of_a_window_does_not_matter() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    at = Window(FIRST.started_at.astimezone(kathmandu), FIRST.ended_at.astimezone(kathmandu))
    assert is_masked("2026-11-23T03:02:45Z", at)


PIECES = st.sampled_from(
    (
        *(pattern for pattern in RENDERINGS),
        *" \n-.:/,;TZ|0179",
        "11:02",
        "2026",
        "Nov",
        "Mon",
        "\1",
        "\2",
        "\3",
        "\4",
        "1.",
        "1795402",
        "am",
        "GMT",
    )
)


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(PIECES | st.text(max_size=3), max_size=12),
    seconds=st.integers(-60, 120),
)
def test_masking_what_is_masked_changes_nothing(pieces: list[str], seconds: int) -> None:
    moment = FIRST.started_at + timedelta(seconds=seconds)
    text = "".join(moment.strftime(piece) if "%" in piece else piece for piece in pieces).encode(
        "utf-8", "surrogatepass"
    )
    once = masked(text, FIRST)
    assert masked(once, FIRST) == once


@settings(deadline=None)
@given(content=st.binary(max_size=400), build=builds())
def test_any_bytes_can_be_masked(content: bytes, build: tuple[Window, datetime]) -> None:
    at, _ = build
    result = masked(content, at)
    assert masked(result, at) == result


@pytest.mark.parametrize(
    "piece", [b"2026-11-23 ", b"2026", b"1", b"Nov 23 ", b":02:", b"/26", b"17954024", b"2026-11-2"]
)
def test_hostile_repetition_takes_time_in_proportion(piece: bytes) -> None:
    started = time.process_time()
    masked(piece * (400_000 // len(piece)), FIRST)
    masked(piece * ((16 << 20) // len(piece)), FIRST)
    assert time.process_time() - started < 20


def test_too_many_dates_are_left_alone() -> None:
    line = b"2026-11-23 03:02:45\n"
    assert masked(line * 10_000, FIRST).count(b"2026") == 0
    assert masked(line * 200_000, FIRST) == line * 200_000
