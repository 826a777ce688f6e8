"""Packages that moved, the paths that they own, and what is generated from them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.copies import brought_by_copy
from drift.attribute.derived import DerivedFiles
from drift.attribute.indexes import PackageIndexes
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.moves import Mover, installs, versions_of, who_moved
from drift.attribute.ownership import Ownership
from drift.attribute.purls import bare_name, ecosystem, rank
from drift.attribute.repository import RepositoryChanges
from drift.attribute.republished import RepublishedPackages
from drift.attribute.sides import Sides
from drift.attribute.sources import Source
from drift.attribute.values import Values
from drift.compare.model import Comparison, FileChange, PackageChange
from drift.snapshot.model import printable_path

# Where package tools keep their databases, which say of a package that it moved.
_DATABASES = {
    "deb": ("/var/lib/dpkg/",),
    "apk": ("/lib/apk/db/", "/usr/lib/apk/db/"),
}


class MovedPackages:
    """Claims for packages whose version is another than in the baseline, or whose bytes are.

    A package whose changed files all lie in a moved base belongs to that base. Who moved
    the others, the experiment says (:mod:`drift.attribute.moves`); without a replay nobody
    can be named where the repository changed too, but where it copied all the package's
    files itself, or edited the very instruction that the package came or went with. A package
    for want of whose old version the replay did not build (so ``known`` says) is the repository's:
    without its edit there would be no image, whatever the world has.

    ``claims`` are those of the moved packages, by purl.
    """

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        bases: MovedBases,
        repository: RepositoryChanges,
        values: Values,
        known: Collection[Claim] = (),
    ) -> None:
        self._sides, self._gone = sides, _subjects(known, Kind.SOURCE_UNAVAILABLE)
        self._bases = bases
        self._repository = repository
        self._databases: dict[str, list[FileChange]] = defaultdict(list)
        for change in comparison.files:
            for kind, folders in _DATABASES.items():
                if change.path.startswith(folders):
                    self._databases[kind].append(change)
        self._ownership = Ownership(sides, comparison)
        self.claims: dict[str, Claim] = {}
        for moved in sorted(comparison.packages, key=lambda moved: rank(moved.purl)):
            files = self._ownership.held[moved.purl]
            another = self._known_as_another(moved.purl, files)
            self.claims[moved.purl] = another or self._claim(moved, files)
        self.republished = RepublishedPackages(
            sides,
            comparison,
            bases,
            self._ownership,
            values,
            _subjects(known, Kind.PACKAGE_REPUBLISHED),
        )
        self._derived = DerivedFiles(
            comparison, self._sources(comparison), self._explained, sides.layer_of
        )
        self._indexes = PackageIndexes(sides, comparison, values)

    def of_path(self, change: FileChange) -> Claim | None:
        """The package that owns a path, or that it was generated from; else a package index."""
        claim = (
            self._owner(change)
            or self.republished.of_path(change)
            or self._indexes.of_path(change)
            or self._derived.of_path(change)
            or self._indexes.of_plan(change)
        )
        if claim and claim.origin is not Origin.REPO and brought_by_copy(self._sides, change):
            return None  # no package tool wrote it
        return claim

    def of_run(self, change: FileChange) -> Claim | None:
        """The moved package whose install made a file anew, for all that can be read.

        To be asked where the experiment says that the outside did it: a RUN that fetches
        from nowhere but the package's archive had nothing else from there.
        """
        made = self._sides.maker(change)
        if made is None:
            return None
        return self._derived.of_run(*made) or self.republished.by_install(change, made[1])

    def owns(self, path: str) -> bool:
        """Whether any package holds a changed path."""
        return bool(self._ownership.holders(path))

    def owners_of(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """As evidence: the packages whose files these are, though they did not move."""
        changes = tuple(changes)
        return (*self._ownership.said_of(changes), *self.republished.said_of(changes))

    def _owner(self, change: FileChange) -> Claim | None:
        purl = self._ownership.owner(change.path)
        if purl is None:
            return None
        claim = self.claims[purl]
        edits = self._edits_above(change, claim) if claim.origin is Origin.EXTERNAL else ()
        return replace(claim, evidence=(*claim.evidence, *edits)) if edits else claim

    def _edits_above(self, change: FileChange, claim: Claim) -> tuple[str, ...]:
        """As evidence: an edited instruction above the install that wrote the file once more."""
        return tuple(
            f"line {decider.instruction.line}, which is new or edited, "
            f"writes {printable_path(change.path)} as well"
            for decider in self._sides.deciders(change)
            if decider.holds and not decider.before and decider.layer != claim.layer
            if decider.instruction and self._repository.edited(decider)
        )

    def _explained(self, change: FileChange) -> Claim | None:
        """The named source of a path that others may be generated from."""
        return (
            self._bases.of_path(change) or self._owner(change) or self.republished.of_path(change)
        )

    def _sources(self, comparison: Comparison) -> list[Source]:
        files = self._ownership.files_of_moved()
        held = self._ownership.held
        moved = (
            Source.of_package(self.claims[c.purl], c, held[c.purl], files[c.purl])
            for c in comparison.packages
        )
        base = self._bases.of_image
        return [*moved, *self.republished.sources, *([Source.of_base(base)] if base else [])]

    def _known_as_another(self, purl: str, files: list[FileChange]) -> Claim | None:
        """The system's package that brought all of another ecosystem's package."""
        others = {self._ownership.owner(file.path) for file in files}
        other = others.pop() if len(others) == 1 and purl not in others else None
        return self.claims.get(other) if other else None

    def _claim(self, change: PackageChange, files: list[FileChange]) -> Claim:
        base, traces = self._bases.of_image, files or self._traces(change.purl)
        if base and self._all_in_base(traces):
            return base
        own = [file for file in traces if file.after and not self._bases.of_path(file)]
        # A file of it may have been written once more above, by an edit of its settings.
        layer = min(file.layer for file in own[: None if files else 1]) if own else None
        mover, grade = self._mover(change, files)
        return Claim(
            origin=mover.origin,
            kind=Kind.PACKAGE,
            subject=change.purl,
            grade=grade,
            before=change.before,
            after=change.after,
            instruction=self._sides.made_by(layer),
            layer=layer,
            evidence=(*_facts(change, files), *mover.evidence),
        )

    def _all_in_base(self, files: list[FileChange]) -> bool:
        return bool(files) and all(self._bases.of_path(file) for file in files)

    def _traces(self, purl: str) -> list[FileChange]:
        """Where a package's database changed: its own files first, where it has some."""
        changes = self._databases[ecosystem(purl)]
        name = re.escape(bare_name(purl))
        own = re.compile(rf"/var/lib/dpkg/info/{name}(:[^/.]+)?\.[a-z0-9]+")
        return sorted(changes, key=lambda change: own.fullmatch(change.path) is None)

    def _mover(self, change: PackageChange, files: list[FileChange]) -> tuple[Mover, Grade]:
        mover = who_moved(self._sides, change.purl, versions_of(change.purl), installs)
        if mover.origin is Origin.UNEXPLAINED and change.purl in self._gone:
            why = "what it asked for before is gone, and without the edit nothing would be built"
            return mover.by_repository(why), Grade.OWNED
        if mover.origin is not Origin.UNEXPLAINED or not files:
            return mover, Grade.OWNED
        installed = change.after is not None and self._sides.no_replay is not None
        if installed and not any(map(self._reached, files)):
            why = "nothing that the repository changed comes before what installed it"
            return Mover(Origin.EXTERNAL, (*mover.evidence, why)), Grade.INFERRED
        if all(brought_by_copy(self._sides, file) for file in files):
            return mover.by_repository("the repository copies its files"), Grade.OWNED
        if None in (change.before, change.after) and all(map(self._edited, files)):
            why = "the instruction that it came or went with was edited"
            return mover.by_repository(why), Grade.INFERRED
        return mover, Grade.OWNED

    def _reached(self, change: FileChange) -> bool:
        made = self._sides.maker(change)
        return made is None or self._repository.reaches(made[0])

    def _edited(self, change: FileChange) -> bool:
        return any(self._repository.edited(decider) for decider in self._sides.deciders(change))


def _subjects(known: Iterable[Claim], kind: Kind) -> frozenset[str]:
    return frozenset(claim.subject for claim in known if claim.kind is kind)


def _facts(change: PackageChange, files: list[FileChange]) -> tuple[str, ...]:
    versions = (change.before or "absent", change.after or "absent")
    said = "the package database says {}, then {}".format(*versions)
    return (said,) if files else (said, "none of its files changed")
