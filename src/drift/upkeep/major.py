"""Whether a newer image takes the program that a container is for over a major version.

Such a step may write what the version before cannot read: a database of PostgreSQL 16 is of no
use to 15. A version's first number counts, for 0.x the second (semver); an epoch and what a
distribution adds do not. Where the version is in the package's name (``postgresql-15``), another
name is a major step. No effects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from drift.snapshot.model import Package
from drift.upkeep.programs import Holding, package_of

_EPOCH = re.compile(r"^[0-9]+[:!]")
_REVISIONS = {
    "deb": re.compile(r"-[^-]*$"),
    "apk": re.compile(r"-r[0-9]+$"),
    "rpm": re.compile(r"-[^-]*$"),
}
_NUMBERS = re.compile(r"v?([0-9]+)(?:\.([0-9]+))?")
_IN_NAME = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of the main program's package: ``before`` and ``after`` are name and
    version, ``after`` None where the newer image has none. ``major`` is None where it is not
    known, and ``why`` says why."""

    major: bool | None
    before: str | None = None
    after: str | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.major is None:
            return f"unknown whether its main program takes a major step: {self.why}"
        return f"a major step of its main program: {self.before} → {self.after or 'none'}"


def step(old: Holding, new: Holding, runs: Sequence[Sequence[str]], will: Sequence[str]) -> Step:
    """What becomes of the package of a container's main program.

    ``runs`` are command lines to look up in the old image, the surest first; ``will`` is the
    one that the next container is made with.
    """
    looked = [package_of(words, old) for words in runs if words]
    found = next(((path, package) for path, package in looked if path and package), None)
    if found is None:
        path = next((path for path, _ in looked if path), None)
        why = f"no package owns {path}" if path else "what it runs is not in its image"
        return Step(None, why=why)
    path, package = found
    after = _following(path, package, new, will)
    if after is None:
        return Step(True, _told(package))
    major = is_major(package, after)
    if major is None:
        why = f"the versions of {_told(package)} and {_told(after)} have no numbers"
        return Step(None, _told(package), _told(after), why)
    return Step(major, _told(package), _told(after))


def _following(path: str, package: Package, new: Holding, will: Sequence[str]) -> Package | None:
    """What stands for a package in the newer image: what will run there if that is of its kind,
    what owns the same file, or has its name, or differs from it only in a version in the name."""
    _, running = package_of(will, new)
    kin = [one for one in new.packages if _stem(one) == _stem(package)]
    own = new.owner(path)
    candidates = [running, own if own in kin else None]
    candidates += [one for one in kin if one.purl == package.purl]
    for one in candidates:
        if one is not None and (one is not running or one in kin):
            return one
    return kin[0] if kin else own or running


def is_major(before: Package, after: Package) -> bool | None:
    """Whether one package after the other is a major step; None where it cannot be told."""
    if before.purl != after.purl:
        return True
    if before.version == after.version:
        return False
    numbers = [major_of(one.version, _type(one)) for one in (before, after)]
    return None if None in numbers else numbers[0] != numbers[1]


def major_of(version: str, purl_type: str) -> tuple[int, ...] | None:
    """The part of a version that a major step changes; None where it begins with no number."""
    plain = _EPOCH.sub("", version.strip())
    if purl_type in _REVISIONS:
        plain = _REVISIONS[purl_type].sub("", plain)
    match = _NUMBERS.match(plain)
    if match is None:
        return None
    first = int(match[1])
    return (first,) if first else (0, int(match[2] or 0))


def _stem(package: Package) -> str:
    return _IN_NAME.sub("#", unquote(package.purl))


def _type(package: Package) -> str:
    return package.purl.removeprefix("pkg:").partition("/")[0]


def _told(package: Package) -> str:
    return f"{unquote(package.purl.rpartition('/')[2])} {package.version}"
