"""SQLite databases (``fileformat2.html``), among them rpm's since 4.16 and dnf's history."""

from __future__ import annotations

import re
from datetime import datetime

from drift.snapshot.forms.dates import Span, masked, span_of
from drift.snapshot.forms.model import Window

MAGIC = b"SQLite format 3\0"
_EPOCH = datetime(1970, 1, 1)


class SqliteDates:
    """The file with the moments of its build zero, and renderings of them masked.

    Moments are integers as SQLite and rpm's headers write them: big-endian, seconds in 32
    bits or milliseconds in 48. Not exact: the numbers' meaning is not looked up.
    """

    name = "sqlite-dates"
    kind = "timestamp"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content in normal form; None where no moment of the build is in it."""
        del path
        span = span_of(window) if window is not None else None
        if span is None or not content.startswith(MAGIC):
            return None
        result = _zeroed(_zeroed(content, span, 1000, 6), span, 1, 4)
        result = masked(result, window)
        return None if result == content else result


def _zeroed(content: bytes, span: Span, per_second: int, width: int) -> bytes:
    """Numbers of so many bytes that count from the epoch to a moment of the span are zero."""
    first, last = (
        int((moment - _EPOCH).total_seconds() * per_second) for moment in (span.start, span.end)
    )
    if last >= 1 << 8 * width:
        return content
    low, high = first.to_bytes(width, "big"), last.to_bytes(width, "big")
    same = next((n for n, (a, b) in enumerate(zip(low, high, strict=True)) if a != b), width)

    def zero(match: re.Match[bytes]) -> bytes:
        inside = first <= int.from_bytes(match[0], "big") <= last
        return bytes(width) if inside else match[0]

    pattern = re.escape(low[:same]) + b"." * (width - same)
    return re.sub(pattern, zero, content, flags=re.DOTALL)
