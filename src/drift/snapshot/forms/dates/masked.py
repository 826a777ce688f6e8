"""Masking: renderings of a window's moments are replaced by a placeholder of their shape.

A placeholder is the rendering with ``#`` for each number and ``@`` for each name of a month
or a day, between control characters: two builds that wrote their dates in different ways
stay different. A rendering is masked only if it parses and its moment lies in the window: a
date alone if that day is touched anywhere on earth, a local time at any whole quarter-hour
offset, a moment with its zone exactly. A time of day without a masked date near it must be
of UTC, as in a container: at every quarter-hour a build of minutes would mask too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from drift.snapshot.forms.dates.parsed import in_span, is_clock, is_epoch
from drift.snapshot.forms.dates.renderings import Renderings, renderings_of
from drift.snapshot.forms.dates.span import Span, span_of
from drift.snapshot.forms.model import Window

MOST = 100_000  # places of one file that are looked at
_REACH = 80  # bytes; a rendering and its neighbours lie so near to a needle
_ROUNDS = 4  # a mask may bare another rendering; two rounds are the most that was seen

_DATE = b"\x01%b\x02"
_TIME = b"\x03%b\x04"
_WORD = re.compile(rb"[A-Za-z]+")
_NUMBER = re.compile(rb"\d+")
_SPACES = re.compile(rb" +")
_HALVES = frozenset((b"am", b"pm"))
_DATE_ELEMENTS = frozenset(
    (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
     b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun")
)  # fmt: skip

# hh:mm beside a masked date; and Go's monotonic clock reading behind one.
_BESIDE = re.compile(
    rb"(?P<before>(?<![\w:.])(?P<H>[0-2]?\d):(?P<M>[0-5]\d)(?P<gap>,? {1,2})(?=\x01))"
    rb"|(?P<after>(?<=\x02)(?P<gap2>,? {1,2})(?P<H2>[0-2]?\d):(?P<M2>[0-5]\d)(?![\d:.]))"
)
_MONOTONIC = re.compile(rb"(?P<stem>\x02(?: [A-Z]{3,5})?) m=[+-]\d{1,9}\.\d{1,9}")


def masked(content: bytes, window: Window | None) -> bytes:
    """The content with every rendering of the window's moments masked; else as it is.

    Masking what is masked changes nothing. Content with more than :data:`MOST` places to look
    at stays as it is, so the work is bounded: some seconds.
    """
    span = span_of(window) if window is not None else None
    if span is None:
        return content
    renderings = renderings_of(span)
    found = _needles(content, renderings)
    if len(found) > MOST:
        return content
    pieces: list[bytes] = []
    done = 0
    for start, end in _places(found):
        pieces += (content[done:start], _segment(content[start:end], renderings, span))
        done = end
    return b"".join((*pieces, content[done:])) if pieces else content


def _needles(content: bytes, renderings: Renderings) -> list[int]:
    """Where a rendering may be, in order; of too many only some more than :data:`MOST`."""
    matches = chain.from_iterable(needle.finditer(content) for needle in renderings.needles)
    return sorted(match.start() for match in islice(matches, MOST + 1))


def _places(found: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The ranges around needles, in order, apart from each other."""
    pending: tuple[int, int] | None = None
    for at in found:
        if pending is not None and at - _REACH <= pending[1]:
            pending = pending[0], at + _REACH
            continue
        if pending is not None:
            yield pending
        pending = max(at - _REACH, 0), at + _REACH
    if pending is not None:
        yield pending


def _segment(text: bytes, renderings: Renderings, span: Span) -> bytes:
    for _ in range(_ROUNDS):
        result = _once(text, renderings, span)
        if result == text:
            break
        text = result
    return text


def _once(text: bytes, renderings: Renderings, span: Span) -> bytes:
    def dated(match: re.Match[bytes]) -> bytes:
        return _DATE % _shape(match) if in_span(match, span) else match[0]

    def timed(match: re.Match[bytes]) -> bytes:
        return _TIME % _shape(match) if is_clock(match, span, local=dated_near) else match[0]

    def counted(match: re.Match[bytes]) -> bytes:
        return _TIME % (b"epoch%d" % len(match["rest"])) if is_epoch(match, span) else match[0]

    def beside(match: re.Match[bytes]) -> bytes:
        if not is_clock(match, span, local=True):
            return match[0]
        gap, mark = match["gap"], _TIME % b"#:#"
        return mark + gap if gap is not None else match["gap2"] + mark

    for pattern in renderings.dates:
        text = pattern.sub(dated, text)
    text = renderings.epoch.sub(counted, text)
    dated_near = b"\x01" in text
    text = renderings.clock.sub(timed, text)
    if dated_near:
        text = _BESIDE.sub(beside, text)
        text = renderings.weekday.sub(b"\x03@\x04", text)
        text = _MONOTONIC.sub(rb"\g<stem> m=#", text)
    return text


def _shape(match: re.Match[bytes]) -> bytes:
    """The rendering without its values; a fraction of a second counts for nothing.

    Some programs leave the fraction out where it is zero.
    """
    text = match[0]
    for name in ("F", "F3"):
        if name in match.re.groupindex and match[name]:
            first, last = match.start(name) - match.start(), match.end(name) - match.start()
            text = text[:first] + text[last:]
    text = _WORD.sub(_word, text)
    return _SPACES.sub(b" ", _NUMBER.sub(b"#", text))


def _word(match: re.Match[bytes]) -> bytes:
    word = match[0].lower()
    if word[:3] in _DATE_ELEMENTS:
        return b"@"
    if word in _HALVES:
        return b"am"
    if word in (b"st", b"nd", b"rd", b"th"):
        return b"th"
    return match[0]
