"""Packages that moved, the paths that they own, and their databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from urllib.parse import unquote

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.copies import copies_context
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.repository import RepositoryChanges
from drift.attribute.sides import Sides
from drift.compare.model import Comparison, FileChange, PackageChange
from drift.snapshot.model import Package, Packages, printable_path

# What package tools write about what they installed: it follows from the packages.
_DATABASES = {
    "deb": ("/var/lib/dpkg/",),
    "apk": ("/lib/apk/db/", "/usr/lib/apk/db/"),
}
_NAMED = 3  # owners that the evidence of unexplained files names


class MovedPackages:
    """Claims for packages whose version is another than in the baseline.

    A package whose changed files all lie in a moved base belongs to that base. With one
    repo fingerprint on both sides the world moved it; with two, nobody can be named without
    a replay, but where the repository copied all its files itself, or edited the very
    instruction that a package came or went with. Where several packages hold a path, the
    system's own comes before a language's.
    """

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        bases: MovedBases,
        repository: RepositoryChanges,
    ) -> None:
        self._sides = sides
        self._bases = bases
        self._repository = repository
        self._owned: dict[str, str] = {}
        self._databases: dict[str, list[FileChange]] = defaultdict(list)
        moved = {change.purl: change for change in comparison.packages}
        owners = _moved_owners(sides, moved)
        held: dict[str, list[FileChange]] = {purl: [] for purl in moved}
        for change in comparison.files:
            for ecosystem, folders in _DATABASES.items():
                if change.path.startswith(folders):
                    self._databases[ecosystem].append(change)
            for purl in owners.get(change.path, ()):
                held[purl].append(change)
                self._owned.setdefault(change.path, purl)
        changed = {change.path for change in comparison.files}
        self._unmoved = {
            path: package
            for package in sides.after.packages
            if package.purl not in moved
            and _ecosystem(package.purl) not in comparison.packages_unknown
            for path in package.files
            if path in changed
        }
        self.claims: dict[str, Claim] = {}
        for purl in sorted(moved, key=_rank):
            known = self._known_as_another(purl, held[purl])
            self.claims[purl] = known or self._claim(moved[purl], held[purl])

    def of_path(self, change: FileChange) -> Claim | None:
        """The moved package that owns a path, or whose database the path is."""
        purl = self._owned.get(change.path)
        claim = self.claims[purl] if purl else self._database(change.path)
        if claim is not None and self._brought(change) and claim.origin is not Origin.REPO:
            return None  # no package tool wrote it
        return claim

    def owners_of(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """As evidence: the packages that did not move, and whose files these are.

        Where an ecosystem's packages are unknown on either side, nothing is said of them.
        """
        owned = (change.path for change in changes if change.path in self._unmoved)
        return tuple(
            "{0.purl} {0.version} owns {1}, and did not move".format(
                self._unmoved[path], printable_path(path)
            )
            for path in islice(owned, _NAMED)
        )

    def _known_as_another(self, purl: str, files: list[FileChange]) -> Claim | None:
        """The system's package that brought all of another ecosystem's package."""
        others = {self._owned[file.path] for file in files}
        return self.claims.get(others.pop()) if len(others) == 1 and purl not in others else None

    def _database(self, path: str) -> Claim | None:
        """The package whose move made a database write this path.

        A file of its own is named after its package; a shared one follows from all of them
        and is given to the first.
        """
        for ecosystem, folders in _DATABASES.items():
            if path.startswith(folders):
                prefix = f"pkg:{ecosystem}/"
                claims = [claim for purl, claim in self.claims.items() if purl.startswith(prefix)]
                name = path.rpartition("/")[2].rpartition(".")[0].partition(":")[0]
                named = (claim for claim in claims if _name(claim.subject) == name)
                return next(named, claims[0] if claims else None)
        return None

    def _claim(self, change: PackageChange, files: list[FileChange]) -> Claim:
        ecosystem = _ecosystem(change.purl)
        base = self._bases.of_image
        if base and self._all_in_base(files or self._databases[ecosystem]):
            return base
        own = next((file for file in files if not self._bases.of_path(file)), None)
        layer = own.layer if own else None
        versions = (change.before or "absent", change.after or "absent")
        evidence = ["the package database says {}, then {}".format(*versions)]
        if not files:
            evidence.append("none of its files changed")
        origin, grade = self._origin(change, files, evidence)
        return Claim(
            origin=origin,
            kind=Kind.PACKAGE,
            subject=change.purl,
            grade=grade,
            before=change.before,
            after=change.after,
            instruction=self._sides.made_by(layer) if own and own.after else None,
            layer=layer if own and own.after else None,
            evidence=tuple(evidence),
        )

    def _all_in_base(self, files: list[FileChange]) -> bool:
        return bool(files) and all(self._bases.of_path(file) for file in files)

    def _origin(
        self, change: PackageChange, files: list[FileChange], evidence: list[str]
    ) -> tuple[Origin | None, Grade]:
        if self._sides.after_inputs is None:
            return None, Grade.OWNED
        if self._sides.same_repo_side:
            evidence.append("repo fingerprint unchanged")
            return Origin.EXTERNAL, Grade.OWNED
        if files and all(self._brought(file) for file in files):
            evidence.append("the repository copies its files")
            return Origin.REPO, Grade.OWNED
        if None in (change.before, change.after) and files and all(map(self._edited, files)):
            evidence.append("the instruction that it came or went with was edited")
            return Origin.REPO, Grade.INFERRED
        evidence.append("the repository changed too, and no replay tells the two apart")
        return Origin.UNEXPLAINED, Grade.OWNED

    def _brought(self, change: FileChange) -> bool:
        """Whether the repository itself brought a path on every side that has it."""
        holding = [decider for decider in self._sides.deciders(change) if decider.holds]
        return bool(holding) and all(
            decider.instruction is not None and copies_context(decider.instruction.text)
            for decider in holding
        )

    def _edited(self, change: FileChange) -> bool:
        return any(self._repository.edited(decider) for decider in self._sides.deciders(change))


def _moved_owners(sides: Sides, moved: Mapping[str, object]) -> dict[str, list[str]]:
    """The packages that moved and hold a path, the system's and the candidate's first."""
    before, after = sides.before.packages, sides.after.packages
    found = [*_moved_copies(after, before, moved), *_moved_copies(before, after, moved)]
    owners: dict[str, list[str]] = defaultdict(list)
    for package in sorted(found, key=lambda package: _rank(package.purl)[0]):
        for path in package.files:
            if package.purl not in owners[path]:
                owners[path].append(package.purl)
    return owners


def _moved_copies(
    packages: Packages, others: Packages, moved: Mapping[str, object]
) -> Iterator[Package]:
    """The copies of moved packages that the other side has not, in that version, there."""
    known = {(package.purl, package.location, package.version) for package in others}
    for package in packages:
        copy = (package.purl, package.location, package.version)
        if package.purl in moved and copy not in known:
            yield package


def _rank(purl: str) -> tuple[bool, str]:
    return _ecosystem(purl) not in _DATABASES, purl


def _ecosystem(purl: str) -> str:
    return purl.removeprefix("pkg:").partition("/")[0]


def _name(purl: str) -> str:
    return unquote(purl.rpartition("/")[2])
