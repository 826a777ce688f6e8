"""``/etc/shadow`` (shadow(5)): the third field is the day of the last change of a password."""

from __future__ import annotations

from datetime import date

from drift.snapshot.forms.dates import span_of
from drift.snapshot.forms.model import Window

PATHS = ("/etc/shadow", "/etc/shadow-")
_EPOCH = date(1970, 1, 1)
_FIELDS = 9


class Shadow:
    """The lines, with a mark for a day of change that is the build's.

    Exact. Hashes stay: that a salt is random shows in the control, and that a password is
    another must never be taken for noise.
    """

    name = "shadow"
    kind = "timestamp"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content in normal form; None where no account changed in the window."""
        del path
        span = span_of(window) if window is not None else None
        if span is None:
            return None
        days = {b"%d" % (day - _EPOCH).days for day in span.days}
        lines = [_masked(line, days) for line in content.split(b"\n")]
        result = b"\n".join(lines)
        return None if result == content else result


def _masked(line: bytes, days: set[bytes]) -> bytes:
    fields = line.split(b":", _FIELDS)
    if len(fields) != _FIELDS or fields[2] not in days:
        return line
    return b":".join((*fields[:2], b"\0", *fields[3:]))
