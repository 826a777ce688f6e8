"""A report's document said in words: shared by every format that people read.

What comes back may hold untrusted text; the format that shows it makes it inert.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drift.attribute.model import Grade, Origin

Part = dict[str, Any]
_COMMIT = re.compile(r"[0-9a-f]{40}")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))  # in seconds

_KINDS = {
    "build-config": "build configuration",
    "random": "random content",
}

#: What the contract's words mean, for those who meet them the first time.
MEANINGS = {
    Origin.EXTERNAL.value: "the world changed",
    Origin.REPO.value: "the repository changed",
    Origin.TOOLCHAIN.value: "the engine, the builder or the host changed",
    Origin.NONDETERMINISM.value: "two builds of the same inputs differ",
    Origin.UNEXPLAINED.value: "no source could be named",
    Grade.PROVEN.value: "an experiment or a digest shows it",
    Grade.OWNED.value: "a package database owns the files",
    Grade.DERIVED.value: "generated from a change that is explained",
    Grade.INFERRED.value: "a rule's best reading",
}


def size(count: int) -> str:
    """Bytes in decimal units: ``999 B``, ``1.5 kB``, ``34.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.95 or unit == "GB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def age(since: datetime, now: datetime) -> str:
    """``3 days``, ``5 hours``: how long ago, in the largest unit that it fills."""
    seconds = max(0, int((now - since).total_seconds()))
    unit, length = next((one for one in _UNITS if seconds >= one[1]), ("second", 1))
    return counted(seconds // length, unit)


def lasting(seconds: float) -> str:
    """``90 seconds``, ``10 minutes``: a length of time in the largest unit that it is a
    multiple of, whole seconds at least."""
    whole = max(1, math.ceil(seconds))
    unit, length = next((one for one in _UNITS if whole % one[1] == 0), ("second", 1))
    return counted(whole // length, unit)


def short(value: str) -> str:
    """A sha256 digest or a commit by its first twelve characters; anything else as it is."""
    if _COMMIT.fullmatch(value):
        return value[:12]
    algorithm, colon, encoded = value.partition(":")
    return f"{algorithm}:{encoded[:12]}" if colon and algorithm == "sha256" else value


def kind(part: Part) -> str:
    """``base image``, ``package republished``: a kind as people say it."""
    named = str(part["kind"])
    if named == "file" and not str(part.get("subject") or "/").startswith("/"):
        return "failure"  # of an instruction, or of the image's build: there is no path
    return _KINDS.get(named, named.replace("-", " "))


def move(part: Part) -> str:
    """``before → after`` with digests shortened; empty where neither is known."""
    before, after = part["before"], part["after"]
    if before is None and after is None:
        return ""
    return f"{short(before) if before else '(none)'} → {short(after) if after else '(none)'}"


def purl_name(subject: str) -> str:
    """A package's short name, ``openssl`` for ``pkg:deb/debian/openssl``; else the subject."""
    return subject.rpartition("/")[2] if subject.startswith("pkg:") else subject


def volume(part: Part) -> str:
    """``41 files, 10.5 MB`` of a cause."""
    files = part["files"]
    if not files["changed"]:
        return "no files"
    return f"{counted(files['changed'], 'file')}, {size(files['bytes'])}"


def percent(share: float) -> float:
    """A share for one decimal: 100.0 only where nothing at all is left."""
    return 100.0 if share >= 1 else min(share * 100, 99.9)


def cut(text: str, most: int) -> str:
    """Text of at most so many characters, and a sign where it went on."""
    return text if len(text) <= most else f"{text[:most]}…"


def some(names: Sequence[str], most: int) -> str:
    """``web, db and 3 more``: the first names, and how many are left."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def failures(image: Part) -> list[Part]:
    """The failures of this run's builds, the same twice as one.

    Each has its ``role``, and ``what`` happened: ``nightly build failed``, and whether it
    succeeded when it was tried again.
    """
    built = {build["role"] for build in image["builds"] if build["ok"]}
    found = {}
    for build in image["builds"]:
        if build["failure"]:
            role = build["role"]
            mended = ", and succeeded when tried again" if role in built else ""
            told = {"role": role, "what": f"{role} build failed{mended}"}
            found[role, build["failure"]["message"]] = {**build["failure"], **told}
    return list(found.values())


def told(failure: Part) -> str:
    """``version gone, pkg:deb/debian/curl: E: Version …``; empty where no tool said why.

    Documents of older runs have no reason.
    """
    reason = failure.get("reason")
    if not reason:
        return ""
    subject = f", {failure['subject']}" if failure["subject"] else ""
    line = f": {failure['line']}" if failure["line"] else ""
    return f"{str(reason).replace('-', ' ')}{subject}{line}"


def builds(image: Part) -> list[Part]:
    """This run's builds, each with a ``label``: its role, and ``again`` from the second on."""
    seen: Counter[str] = Counter()
    listed = []
    for build in image["builds"]:
        seen[build["role"]] += 1
        again = " again" if seen[build["role"]] > 1 else ""
        listed.append({**build, "label": f"{build['role']}{again}"})
    return listed


def value(configured: Any) -> str:
    """A configuration's value on one line: text as it is, anything else as JSON."""
    if configured is None:
        return "(none)"
    return configured if isinstance(configured, str) else json.dumps(configured, ensure_ascii=False)
