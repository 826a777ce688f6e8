"""Packages that are of one version on both sides, and not of the same make: what says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drift.attribute.ownership import Copy, Ownership, copy_of
from drift.attribute.purls import bare_name, ecosystem, of_system
from drift.attribute.sides import Sides
from drift.builds import Build
from drift.compare.model import Change, Comparison, FileChange
from drift.snapshot.model import Package, printable_path

# What an install makes by itself: compiled code, and what an installer notes or generates.
_COMPILED = re.compile(
    r".*\.(so|pyd|dylib|dll|a|o|node|py[co]|wasm)(\.[\d.]+)?|.*/build/.*", re.DOTALL
)
_NOTES = re.compile(r".*\.(dist|egg)-info/.*|.*/node_modules/\.[^/]+", re.DOTALL)
_GENERATED = re.compile(r".*\.(dist|egg)-info/(?!METADATA).*|.*/(bin|Scripts)/[^/]+", re.DOTALL)
# What stands behind Package.integrity, as its cataloguer says.
_INTEGRITY = {
    "deb": "the digest of its control fields and of its files' digests",
    "apk": "the checksum of its control segment",
    "npm": "the registry's digest of it",
}
_SCHEME = re.compile(r"Q\d|[a-z0-9]+[:-]")
_CONTROL = re.compile(r"/var/lib/dpkg/info/(?P<package>.+)\.(?!list\Z)[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that tells two makes apart: what it is, and what it is before and after.

    ``path`` is the file's, empty for the package as a whole. ``recorded``: it stands in the
    package database, where other builds can be asked for it.
    """

    what: str
    path: str
    before: str
    after: str
    recorded: bool = True

    @property
    def compiled(self) -> bool:
        """Whether it is of a sort that a build on the spot makes."""
        return _COMPILED.fullmatch(self.path) is not None

    def said_by(self, build: Build, package: Package) -> str | None:
        """What another build's database says; None where it says nothing."""
        for other in build.snapshot.packages if build.snapshot and self.recorded else ():
            if copy_of(other) == copy_of(package):
                return other.digests.get(self.path) if self.path else other.integrity
        return None


@dataclass(frozen=True, slots=True)
class Remade:
    """Another make of one package version: the facts, and the changed files that are its own.

    ``published``: what differs is as the publisher made it, nothing on the spot writes it.
    """

    package: Package
    published: bool
    facts: tuple[Fact, ...]
    files: tuple[FileChange, ...]


def remade_packages(sides: Sides, comparison: Comparison, ownership: Ownership) -> Iterator[Remade]:
    """Every copy that both sides have in one version, and not of the same make."""
    before = {copy_of(package): package for package in sides.before.packages}
    changes = _by_copy(comparison.files, ownership)
    scripts = _scripts(comparison.files)
    for package in sides.after.packages:
        other = before.get(copy_of(package))
        if other is None or ecosystem(package.purl) in comparison.packages_unknown:
            continue
        found = _remade(other, package, changes.get(copy_of(package), ()), scripts)
        if found.facts:
            yield found


def _remade(
    before: Package,
    after: Package,
    changes: Sequence[FileChange],
    scripts: Mapping[str, Sequence[FileChange]],
) -> Remade:
    own = _scripts_of(after, scripts)
    digests = _digests(before, after)
    whole = _whole(before, after)
    if whole is not None or of_system(after.purl):
        recorded = digests if whole is None else whole
        return Remade(after, True, (*recorded, *map(_content, own)), (*changes, *own))
    if before.digests or after.digests:
        facts = tuple(fact for fact in digests if not _GENERATED.fullmatch(fact.path))
        vouched = {fact.path for fact in facts}
        return Remade(after, False, facts, tuple(c for c in changes if _is_own(c, vouched)))
    files = tuple(change for change in changes if not _is_noise(change.path))
    return Remade(after, False, tuple(map(_content, files)), files)


def _whole(before: Package, after: Package) -> tuple[Fact, ...] | None:
    """The fact that the publisher's identities differ; None where they can't be compared."""
    one, other = before.integrity, after.integrity
    if one is None or other is None or _scheme(one) != _scheme(other):
        return None
    what = _INTEGRITY.get(ecosystem(after.purl), "the publisher's digest of it")
    return (Fact(what, "", one, other),) if one != other else ()


def _scheme(integrity: str) -> str:
    """How an identity was digested: ``sha512-``, ``sha256:``, ``Q1``."""
    found = _SCHEME.match(integrity)
    return found[0] if found else ""


def _digests(before: Package, after: Package) -> tuple[Fact, ...]:
    return tuple(
        Fact(f"the vendor's digest of {printable_path(path)}", path, digest, after.digests[path])
        for path, digest in sorted(before.digests.items())
        if after.digests.get(path, digest) != digest
    )


def _content(change: FileChange) -> Fact:
    one, other = (entry and entry.digest for entry in (change.before, change.after))
    what = printable_path(change.path)
    return Fact(what, change.path, one or "absent", other or "absent", recorded=False)


def _is_own(change: FileChange, vouched: set[str]) -> bool:
    """Of a package that may have been built here: what its digests vouch for, and its notes."""
    if change.path in vouched or _NOTES.fullmatch(change.path):
        return True
    return change.change is not Change.MODIFIED and not _COMPILED.fullmatch(change.path)


def _is_noise(path: str) -> bool:
    return bool(_COMPILED.fullmatch(path) or _GENERATED.fullmatch(path))


def _by_copy(changes: Sequence[FileChange], ownership: Ownership) -> dict[Copy, list[FileChange]]:
    """The changed files of each copy, without those that its vendor disowns."""
    found: dict[Copy, list[FileChange]] = defaultdict(list)
    for change in changes:
        for package in {copy_of(p): p for p in ownership.holders(change.path)}.values():
            if not ownership.altered(change, package):
                found[copy_of(package)].append(change)
    return found


def _scripts(changes: Sequence[FileChange]) -> dict[str, list[FileChange]]:
    """dpkg's copies of control files that changed, by ``NAME`` or ``NAME:ARCHITECTURE``."""
    found: dict[str, list[FileChange]] = defaultdict(list)
    for change in changes:
        control = _CONTROL.fullmatch(change.path)
        if control and (change.change is not Change.MODIFIED or "content" in change.fields):
            found[control["package"]].append(change)
    return found


def _scripts_of(
    package: Package, scripts: Mapping[str, Sequence[FileChange]]
) -> tuple[FileChange, ...]:
    if ecosystem(package.purl) != "deb":
        return ()
    name = bare_name(package.purl)
    names = dict.fromkeys((name + package.location, name))
    return tuple(change for key in names for change in scripts.get(key, ()))
