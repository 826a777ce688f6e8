"""Reading a failed step's output: the reason that a tool gives in its own words.

The last reason that is given counts, and of what was said of it the first subject: a step
goes on until something ends it, and tools name what is at fault before what follows from it.
A package that is not found after an index that is not there is the index's doing. Only the
end of the output is read; what was said long before the end did not end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from drift.builds import Reason
from drift.engine.phrases import ANNOUNCED, PHRASES, Phrase
from drift.source.dockerfile.indexes import normalized_name

_LINES = 400  # of the output's end
_LONGEST = 2000  # characters of a line
_BELOW = 100  # lines for which a header holds
_HEADERS = {phrase.header: phrase.header for phrase in PHRASES if phrase.header}
_SYSTEMS = {"deb": "debian", "apk": "alpine"}
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_RPM_VERSION = re.compile(r"-(?:\d+:)?\d[^-]*(?:-\d[^-]*)?$")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reason, the line that gives it, and what that names, if anything.

    That is a purl, a URL, or the digest that a lock file has of a package (SRI, ``sha512-…``).
    """

    reason: Reason
    line: str
    subject: str | None = None
    index: bool = False


def read(lines: Sequence[str]) -> Reading | None:
    """The reason that the output of a failed step gives; None where no words are known."""
    found = list(_readings(lines[-_LINES:]))
    if not found:
        return None
    index = next((reading for reading in found if reading.index), None)
    if index is not None and found[-1].reason in (Reason.VERSION_GONE, Reason.URL_GONE):
        return index
    last = _last_of_one_reason(found)
    named = (r for r in last if r.subject and r.subject.startswith("pkg:"))
    return next(named, next((r for r in last if r.subject), last[0]))


def _last_of_one_reason(found: list[Reading]) -> list[Reading]:
    since = len(found)
    while since and found[since - 1].reason is found[-1].reason:
        since -= 1
    return found[since:]


def _readings(lines: Iterable[str]) -> Iterator[Reading]:
    headers: dict[re.Pattern[str], int] = {}
    announced: str | None = None
    for number, line in enumerate(lines):
        for header in _HEADERS:
            if header.search(line, 0, _LONGEST):
                headers[header] = number
        for phrase in PHRASES:
            if phrase.header and number - headers.get(phrase.header, -_BELOW) not in range(_BELOW):
                continue
            if match := phrase.pattern.match(line, 0, _LONGEST):
                yield _reading(phrase, match, announced)
                break
        if match := ANNOUNCED.fullmatch(line[:_LONGEST].rstrip()):
            announced = match["url"] or match["nv"]


def _reading(phrase: Phrase, match: re.Match[str], announced: str | None) -> Reading:
    subject = next((_subject(k, v) for k, v in match.groupdict().items() if v), None)
    if phrase.above and announced:
        subject = _subject("url", announced)
    return Reading(phrase.reason, match.string.strip(), subject, phrase.index)


def _subject(what: str, text: str) -> str:
    if what == "integrity":
        return text
    if what in ("url", "git"):
        text = text.rstrip("/") if what == "git" else text
        return _CREDENTIALS.sub("", text.partition("#")[0])
    return purl(what, text)


def purl(ecosystem: str, name: str) -> str:
    """A package URL without version, of a name as the ecosystem's tools print it.

    A log names no distribution: deb is taken for Debian's, apk for Alpine's.
    """
    if ecosystem == "deb":
        name = re.split("[:/=]", name)[0].lower()
    elif ecosystem == "rpm":
        name = _RPM_VERSION.sub("", name)
    elif ecosystem == "pypi":
        name = normalized_name(name.rstrip("."))
    elif ecosystem == "maven":
        name = name.replace(":", "/")
    parts = [*filter(None, [_SYSTEMS.get(ecosystem)]), *name.split("/")]
    return "/".join([f"pkg:{ecosystem}", *(quote(part, safe="") for part in parts if part)])
