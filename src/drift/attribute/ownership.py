"""Which packages hold the paths that changed, on either side, and what vendors say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from drift.attribute.purls import ecosystem, of_system
from drift.attribute.sides import Sides
from drift.compare.model import Comparison, FileChange
from drift.snapshot.model import Package, Packages, printable_path

Copy = tuple[str, str, str]
_NAMED = 3  # owners that the evidence of unexplained files names


class Ownership:
    """The holders of the changed paths, by the package databases of both sides.

    A moved package's file is its own unless the vendor says otherwise: with one vendor's
    digest on both sides, another content was written after the install, by something else.
    Where several packages hold a path, the system's own comes before a language's. Only
    the copies that moved count: others of the same package hold theirs as before.
    """

    def __init__(self, sides: Sides, comparison: Comparison) -> None:
        changed = {change.path for change in comparison.files}
        self._unknown = comparison.packages_unknown
        self._moved = {change.purl for change in comparison.packages}
        self._before = _holders(sides.before.packages, changed)
        self._after = _holders(sides.after.packages, changed)
        self._sides = sides
        self._copies = (_copies(sides.before.packages), _copies(sides.after.packages))
        self.held: dict[str, list[FileChange]] = {purl: [] for purl in self._moved}
        self._owner: dict[str, str] = {}
        for change in comparison.files:
            for package in self._moved_holders(change.path):
                if not self.altered(change, package):
                    self._give(change, package.purl)

    def _give(self, change: FileChange, purl: str) -> None:
        self._owner.setdefault(change.path, purl)
        held = self.held[purl]
        if not held or held[-1] is not change:
            held.append(change)

    def files_of_moved(self) -> Mapping[str, set[str]]:
        """All files that each moved package holds on either side."""
        files: dict[str, set[str]] = {purl: set() for purl in self._moved}
        for package in (*self._sides.before.packages, *self._sides.after.packages):
            if package.purl in files:
                files[package.purl].update(package.files)
        return files

    def owner(self, path: str) -> str | None:
        """The purl of the moved package whose file a path is."""
        return self._owner.get(path)

    def holders(self, path: str) -> tuple[Package, ...]:
        """The packages that hold a changed path, the candidate's first."""
        return (*self._after.get(path, ()), *self._before.get(path, ()))

    def altered(self, change: FileChange, package: Package) -> bool:
        """Whether the vendor disowns what differs in a file of its package.

        So it is where both sides' databases have one digest of it and the content differs
        all the same. Databases need not have one (conffiles, bytecode): nothing is said then.
        """
        if "content" not in change.fields:
            return False
        digests = {
            holder.digests.get(change.path)
            for side in (self._before, self._after)
            for holder in side.get(change.path, ())
            if (holder.purl, holder.location) == (package.purl, package.location)
        }
        both = self._on_both(change.path, package)
        return both and len(digests) == 1 and None not in digests

    def _on_both(self, path: str, package: Package) -> bool:
        return all(
            any(holder.purl == package.purl for holder in side.get(path, ()))
            for side in (self._before, self._after)
        )

    def said_of(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """As evidence: the packages whose files these are, and why they are no one's doing.

        Where an ecosystem's packages are unknown on either side, nothing is said of them.
        """
        return tuple(islice(filter(None, map(self._said, changes)), _NAMED))

    def _said(self, change: FileChange) -> str | None:
        path = printable_path(change.path)
        for package in self.holders(change.path):
            if ecosystem(package.purl) in self._unknown:
                continue
            named = f"{package.purl} {package.version} owns {path}"
            if self.altered(change, package):
                return f"{named}, and its vendor disowns the content{_where(change, package)}"
            if package.purl not in self._moved:
                return f"{named}, and did not move"
        return None

    def _moved_holders(self, path: str) -> list[Package]:
        before, after = self._copies
        found = [
            *(package for package in self._after.get(path, ()) if copy_of(package) not in before),
            *(package for package in self._before.get(path, ()) if copy_of(package) not in after),
        ]
        moved = (package for package in found if package.purl in self._moved)
        return sorted(moved, key=lambda package: not of_system(package.purl))


def _where(change: FileChange, package: Package) -> str:
    """On which side a file was altered after the install, where its digest can tell."""
    vendor = package.digests.get(change.path, "")
    if not vendor.startswith("sha256:"):
        return ": it was altered after the install"
    sides = (("the baseline", change.before), ("the candidate", change.after))
    altered = [name for name, entry in sides if entry and entry.digest != vendor]
    return f": it was altered after the install, in {' and '.join(altered)}"


def _holders(packages: Packages, paths: set[str]) -> dict[str, list[Package]]:
    holders: dict[str, list[Package]] = defaultdict(list)
    for package, path in _held(packages, paths):
        holders[path].append(package)
    return dict(holders)


def _held(packages: Packages, paths: set[str]) -> Iterator[tuple[Package, str]]:
    for package in packages:
        for path in package.files:
            if path in paths:
                yield package, path


def _copies(packages: Packages) -> set[Copy]:
    return {copy_of(package) for package in packages}


def copy_of(package: Package) -> Copy:
    """What tells an installed copy apart: purl, location, version."""
    return package.purl, package.location, package.version
