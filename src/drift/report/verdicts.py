"""The verdict: what a night came to, in the one sentence that a reader takes away.

``2 of 14 images drifted: Debian's openssl moved, and cdn.example's tool changed under its
URL``; on a quiet night ``14 of 14 the same, 12th quiet night; 2,210 timestamps ignored``.
What comes back may hold untrusted text; the format that shows it makes it inert.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from drift.attribute.model import Status
from drift.report import words

Part = dict[str, Any]

_REASONS = 2  # that one sentence can carry
_NAMES = 8
_LONGEST = 90  # characters of one subject
_SAME = (Status.IDENTICAL.value, Status.EQUIVALENT.value)

#: Who makes the packages of an ecosystem, by the purl's type and namespace, else by its type.
_VENDORS = {
    "alpine": "Alpine",
    "composer": "Packagist",
    "deb": "Debian",
    "debian": "Debian",
    "fedora": "Fedora",
    "gem": "RubyGems",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "pypi": "PyPI",
    "redhat": "Red Hat",
    "ubuntu": "Ubuntu",
    "wolfi": "Wolfi",
}


def verdict(document: Part, quiet: int | None = None) -> str:
    """A run in one sentence or two; ``quiet`` counts the quiet nights up to this one."""
    images = document["images"]
    told = list(_what_needs_a_reader(document))
    if told:
        return f"{'; '.join(told)}."
    return f"{_quiet(images, quiet)}."


def event_in_words(event: Part) -> str:
    """``Debian's openssl moved``: an event, or a cause, as a clause."""
    subject = _short(event)
    said = {
        "package": f"{subject} moved",
        "package-republished": f"{subject} has other bytes at its old version",
        "package-index": f"{subject} lists other packages",
        "base-image": f"{subject} was pushed anew",
        "remote-content": f"{subject} changed under its URL",
        "git-remote": f"{subject} moved",
        "source-unavailable": f"{subject} is gone",
        "engine": "the container engine changed",
        "builder": "the builder changed",
        "file": f"{subject} changed and no source is known",
        "broken": f"{subject} does not build",
    }
    if words.kind(event) == "failure":
        return f"{subject} fails and no source is known"
    if event["kind"] not in said:
        return f"{words.kind(event)} {subject} changed"
    return said[event["kind"]]


def _what_needs_a_reader(document: Part) -> Iterator[str]:
    images, total = document["images"], len(document["images"])
    flagged = [image for image in images if image["flagged"]]
    drifted = _named(flagged, Status.DRIFTED.value)
    broken = _named(images, Status.BROKEN.value)
    unknown = _named(images, Status.UNKNOWN.value)
    of = f" of {total:,}"
    if drifted:
        reasons = _reasons(document, set(drifted))
        yield f"{len(drifted):,} of {words.counted(total, 'image')} drifted" + (
            f": {reasons}" if reasons else f": {_some(drifted)}"
        )
        of = ""
    others = [image["name"] for image in flagged if image["status"] in (*_SAME, "first")]
    if others:
        yield f"{len(others):,}{of} flagged: {_some(others)}"
    if broken:
        verb = "does" if len(broken) == 1 else "do"
        yield f"{len(broken):,}{of} {verb} not build: {_some(broken)}"
        of = ""
    if unknown:
        yield f"{len(unknown):,}{of} could not be checked: {_some(unknown)}"


def _named(images: Sequence[Part], status: str) -> list[str]:
    return [image["name"] for image in images if image["status"] == status]


def _reasons(document: Part, drifted: set[str]) -> str:
    """What moved, the widest change first; what the repository did where nothing else is told."""
    events = [event for event in document["events"] if drifted & set(event["images"])]
    events.sort(key=lambda event: -len(event["images"]))
    said = list(dict.fromkeys(map(event_in_words, events)))
    if not said:
        return ""
    more = len(said) - _REASONS
    if more > 0:
        changes = "one more change" if more == 1 else f"{more:,} more changes"
        return ", ".join([*said[:_REASONS], f"and {changes}"])
    return ", and ".join(said)


def _quiet(images: Sequence[Part], nights: int | None) -> str:
    total = len(images)
    same = sum(image["status"] in _SAME for image in images)
    first = sum(image["status"] == Status.FIRST for image in images)
    if first == total:
        return f"{words.counted(total, 'image')} built for the first time"
    said = [f"{same:,} of {total:,} the same"]
    if drifted := sum(image["status"] == Status.DRIFTED for image in images):
        said.append(f"{drifted:,} drifted and {'is' if drifted == 1 else 'are'} not flagged")
    if first:
        said.append(f"{first:,} built for the first time")
    if nights is not None and nights > 1:
        said.append(f"{_ordinal(nights)} quiet night")
    return "; ".join([", ".join(said), *_ignored(images)])


def _ignored(images: Sequence[Part]) -> Iterator[str]:
    """How many modification times went by, and whether a second build showed they are noise."""
    noisy = [image for image in images if image["files"]["metadata_only"]]
    if noisy:
        times = sum(image["files"]["metadata_only"] for image in noisy)
        proven = ", proven by control" if all(map(_controlled, noisy)) else ""
        yield f"{words.counted(times, 'timestamp')} ignored{proven}"


def _controlled(image: Part) -> bool:
    return any(build["role"] == "control" and build["ok"] for build in image["builds"])


def _short(event: Part) -> str:
    subject = str(event["subject"])
    if subject.startswith("pkg:"):
        kind, _, rest = subject.removeprefix("pkg:").partition("/")
        vendor = _VENDORS.get(rest.partition("/")[0]) or _VENDORS.get(kind)
        name = words.purl_name(subject) if kind not in ("npm", "golang") else rest
        return _cut(f"{vendor}'s {name}" if vendor else name)
    if event["kind"] in ("remote-content", "git-remote", "source-unavailable"):
        return _cut(_place(subject))
    return _cut(subject)


def _place(subject: str) -> str:
    """``cdn.example's tool`` of a URL; anything else as it is."""
    try:
        url = urlsplit(subject)
        host = url.hostname
    except ValueError:
        return subject
    if not host or url.scheme not in ("http", "https", "git", "ssh"):
        return subject
    name = url.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return f"{host}'s {name}" if name else host


def _cut(text: str) -> str:
    return words.cut(text, _LONGEST)


def _some(names: Sequence[str]) -> str:
    rest = [f"{len(names) - _NAMES:,} more"] if len(names) > _NAMES else []
    return ", ".join([*names[:_NAMES], *rest])


def _ordinal(number: int) -> str:
    special = 10 < number % 100 < 14
    ending = "th" if special else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
