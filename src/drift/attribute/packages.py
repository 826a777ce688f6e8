"""Packages that moved, the paths that they own, and their databases."""

from __future__ import annotations

from collections.abc import Mapping

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.compare.model import Comparison, FileChange, PackageChange
from drift.snapshot.model import Packages

# What package tools write about what they installed: it follows from the packages.
_DATABASES = {
    "deb": ("/var/lib/dpkg/",),
    "apk": ("/lib/apk/db/", "/usr/lib/apk/db/"),
}


class MovedPackages:
    """Claims for packages whose version is another than in the baseline.

    A package whose changed files all lie in a moved base belongs to that base. With one
    repo fingerprint on both sides the world moved it; with two, nobody can be named
    without a replay.
    """

    def __init__(self, sides: Sides, comparison: Comparison, bases: MovedBases) -> None:
        self._sides = sides
        self._bases = bases
        owners = {
            **_owners(sides.before.packages),
            **_owners(sides.after.packages),
        }
        moved = {change.purl: change for change in comparison.packages}
        changed: dict[str, list[FileChange]] = {purl: [] for purl in moved}
        for change in comparison.files:
            purl = owners.get(change.path)
            if purl in changed:
                changed[purl].append(change)
        self.claims = {purl: self._claim(change, changed[purl]) for purl, change in moved.items()}
        self._owned = {change.path: purl for purl, changes in changed.items() for change in changes}

    def of_path(self, change: FileChange) -> Claim | None:
        """The moved package that owns a path, or whose database the path is."""
        purl = self._owned.get(change.path)
        return self.claims[purl] if purl else self._database(change.path)

    def _database(self, path: str) -> Claim | None:
        """The package whose move made a database write this path.

        A file of its own is named after its package; a shared one follows from all of them
        and is given to the first.
        """
        for ecosystem, folders in _DATABASES.items():
            if path.startswith(folders):
                prefix = f"pkg:{ecosystem}/"
                claims = [claim for purl, claim in self.claims.items() if purl.startswith(prefix)]
                name = path.rpartition("/")[2].partition(".")[0].partition(":")[0]
                named = (claim for claim in claims if claim.subject.rpartition("/")[2] == name)
                return next(named, claims[0] if claims else None)
        return None

    def _claim(self, change: PackageChange, files: list[FileChange]) -> Claim:
        base = self._bases.of_image
        if base and all(self._bases.of_path(file) for file in files):
            return base
        layer = next((file.layer for file in files if not self._bases.of_path(file)), None)
        versions = (change.before or "absent", change.after or "absent")
        evidence = ["the package database says {}, then {}".format(*versions)]
        return Claim(
            origin=self._origin(evidence),
            kind=Kind.PACKAGE,
            subject=change.purl,
            grade=Grade.OWNED,
            before=change.before,
            after=change.after,
            instruction=self._sides.made_by(layer),
            layer=layer,
            evidence=tuple(evidence),
        )

    def _origin(self, evidence: list[str]) -> Origin | None:
        if self._sides.after_inputs is None:
            return None
        if self._sides.same_repo_side:
            evidence.append("repo fingerprint unchanged")
            return Origin.EXTERNAL
        evidence.append("the repository changed too, and no replay tells the two apart")
        return Origin.UNEXPLAINED


def _owners(packages: Packages) -> Mapping[str, str]:
    return {path: package.purl for package in packages for path in package.files}
