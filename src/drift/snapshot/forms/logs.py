"""Logs of package managers: the same lines, but for when they were written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drift.snapshot.forms.dates import Dates
from drift.snapshot.forms.model import Window

_TIME = rb"\d{4}-\d\d-\d\d {1,2}\d\d:\d\d:\d\d"


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose lines hold their time at one known place, which is masked.

    Exact, unless it says otherwise: all else stays, and so does a line that is written in
    another way.
    """

    name: str
    pattern: re.Pattern[bytes]  # its groups are what stays in front of the time
    kind: str = "log"
    exact: bool = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content with a mark for each time; None where it has none."""
        del path, window
        result, times = self.pattern.subn(_kept, content)
        return result if times else None


def _kept(match: re.Match[bytes]) -> bytes:
    return b"".join(group for group in match.groups() if group) + b"\0"


# Any other text below ``/var/log``.
OTHER_LOG = Dates("log", "log")
DPKG_LOG = Log("dpkg-log", re.compile(rb"^()" + _TIME + rb"(?= )", re.MULTILINE))
ALTERNATIVES_LOG = Log(
    "alternatives-log", re.compile(rb"^(update-alternatives )" + _TIME + rb"(?=: )", re.MULTILINE)
)
APT_HISTORY = Log(
    "apt-history", re.compile(rb"^((?:Start|End)-Date: )" + _TIME + rb"$", re.MULTILINE)
)
APT_TERM = Log(
    "apt-term",
    re.compile(
        rb"^(?:(Log (?:started|ended): )" + _TIME + rb"|"
        # Fingerprints of host keys that were made: random, and the building host's name.
        rb"(\d{3,5} )SHA256:[0-9A-Za-z+/]{43} [^ \r\n]{1,128}(?= \([A-Z0-9-]{2,16}\)))",
        re.MULTILINE,
    ),
    exact=False,
)

LOGS = {
    "/var/log/dpkg.log": DPKG_LOG,
    "/var/log/alternatives.log": ALTERNATIVES_LOG,
    "/var/log/apt/history.log": APT_HISTORY,
    "/var/log/apt/term.log": APT_TERM,
}
