"""Which cause each difference has.

The rules are asked in this order, and the first that answers decides:

1. a named source that moved and holds the path: a base, a package, a remote, a stage;
2. a COPY of the context holds nothing but the context;
3. files that are equal in normal form, and names that are random, are ``nondeterminism``;
4. the experiment: the table of :mod:`drift.attribute.origin` over the builds at hand;
5. a directory that came or went with its content has that content's cause.

What a build could still tell is said in :attr:`Attribution.needs`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim, Claims, Key
from drift.attribute.model import Attribution, Grade, Kind, Need, Origin
from drift.attribute.packages import MovedPackages
from drift.attribute.ran import MadeOfMoved
from drift.attribute.remote import MovedRemotes
from drift.attribute.repository import RepositoryChanges
from drift.attribute.settings import FOLLOWS
from drift.attribute.sides import Sides
from drift.attribute.stages import CopiedFromStages
from drift.attribute.trial import ConfigTrial, PathTrial
from drift.attribute.values import Values
from drift.compare.model import Change, Comparison, FileChange
from drift.snapshot.model import EntryType, Layers, printable_path

Rule = Callable[[FileChange], Claim | None]


def attribute(
    sides: Sides,
    comparison: Comparison,
    layers: Layers | None = None,
    known: Iterable[Claim] = (),
) -> Attribution:
    """Give every changed path, package and configuration field exactly one cause.

    ``layers`` holds the manifests of all builds of ``sides``; ``known`` are causes that
    follow from the builds themselves, and explain no file.
    """
    return _Attributing(sides, comparison, layers, tuple(known)).attribution()


class _Attributing:
    """One comparison's differences on their way to their causes."""

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        layers: Layers | None,
        known: Sequence[Claim],
    ) -> None:
        self.sides, self.comparison, self.known = sides, comparison, known
        self.claims = Claims()
        self.needs: set[Need] = set()
        self.bases = MovedBases(sides)
        self.repository = RepositoryChanges(sides, self.bases)
        self.values = Values(sides, layers)
        self.packages = MovedPackages(
            sides, comparison, self.bases, self.repository, self.values, known
        )
        self.remotes = MovedRemotes(sides, comparison, self.values, layers)
        self.paths = PathTrial(
            sides,
            comparison,
            self.values,
            self.repository,
            self._outside,
            self._edited,
            self.packages.owns,
        )
        self.stages = CopiedFromStages(sides, layers)
        self.made = MadeOfMoved(sides, self.bases, self.stages.moved)
        self.rules: tuple[Rule, ...] = (
            self.bases.of_path,
            self.remotes.proven,
            self.packages.of_path,
            self.stages.of_path,
            self.remotes.first_asked,
            self._fetched_anew,
            self.repository.of_copied_context,
            self._stage_not_known,
        )

    def attribution(self) -> Attribution:
        if not self.comparison.identical:
            for claim in self.bases.claims:
                self.claims.add(claim)
        for claim in self.remotes.unseen():
            self.claims.add(claim)
        for purl, claim in self.packages.claims.items():
            self.claims.packages[purl] = self.claims.add(claim)
        left = [change for change in self.comparison.files if not self._named(change)]
        changes = {change.path: change for change in self.comparison.files}
        containers = [change for change in left if _comes_or_goes(change)]
        content = [change for change in left if not _comes_or_goes(change)]
        # What stages made is asked first: a RUN of the image may have made more of it.
        for copied in (True, False):
            self.made.learn(self.claims, self.remotes.claims, changes)
            self._try(change for change in content if self.stages.knows(change) is copied)
        self._try(self._without_content(containers))
        self._try_settings()
        self._need_for_claims()
        for claim in self.known:
            self.claims.add(claim)
        return self.claims.attribution(self.comparison, frozenset(self.needs), self.values.flaps())

    def _try_settings(self) -> None:
        """The base that brought a field, or the experiment; some follow from another field."""
        fields = ConfigTrial(self.sides, self.repository)
        decided = self.claims.config
        for field in sorted(self.comparison.config, key=lambda field: field.field in FOLLOWS):
            leading = [name for name in FOLLOWS.get(field.field, ()) if name in decided]
            if leading:
                decided[field.field] = decided[leading[0]]
                continue
            known = self.repository.of_base_config(field)
            claim = known or self._needing(*fields.of(field))
            decided[field.field] = self.claims.add(claim)

    def _outside(self, change: FileChange) -> Claim | None:
        """The source that is read for what the experiment says came from outside."""
        known = self.stages.made(change, Origin.EXTERNAL)
        readers = (
            self.remotes.by_instruction,
            self.packages.of_run,
            self.bases.of_trigger,
            self.made.of_run,
            self.made.of_owner,
            self.made.of_place,
        )
        return known or next((claim for reader in readers if (claim := reader(change))), None)

    def _edited(self, change: FileChange) -> Claim | None:
        """The edit that is read for what the experiment says the repository did in a stage."""
        return self.stages.made(change, Origin.REPO)

    def _fetched_anew(self, change: FileChange) -> Claim | None:
        """The edit that names the address which a path's content was fetched from.

        As with bases: where the two nights' instructions name different sources, the path is
        the repository's, whatever the old source serves by now.
        """
        evidence = self.remotes.named_anew(change)
        if evidence is None or not self.repository.edits(change):
            return None
        claim = self.repository.by_experiment(change)
        return replace(claim, grade=Grade.PROVEN, evidence=(*claim.evidence, evidence))

    def _stage_not_known(self, change: FileChange) -> Claim | None:
        """The moved base of what was copied, where its stage was not looked into."""
        return None if self.stages.knows(change) else self.repository.of_copied_stage(change)

    def _named(self, change: FileChange) -> bool:
        """Whether a source is named for a path; then it has its cause."""
        for rule in self.rules:
            claim = rule(change)
            if claim is not None:
                self.claims.paths[change.path] = self.claims.add(claim)
                return True
        return False

    def _needing(self, claim: Claim, need: Need | None) -> Claim:
        if need is not None:
            self.needs.add(need)
        return claim

    def _try(self, changes: Iterable[FileChange]) -> None:
        """Let the experiment decide; what has one answer in one layer is one cause."""
        groups: dict[tuple[object, ...], list[FileChange]] = {}
        told: dict[str, Claim] = {}
        for change in changes:
            claim = self._needing(*self.paths.of(change))
            told[change.path] = claim
            place = () if claim.subject else (change.layer, change.after_layer is None)
            groups.setdefault((claim, *place), []).append(change)
        for members in groups.values():
            claim = told[members[0].path]
            if not claim.subject:
                claim = self._named_after(members, claim)
            key = self.claims.add(claim)
            self.claims.paths.update((change.path, key) for change in members)

    def _named_after(self, changes: list[FileChange], claim: Claim) -> Claim:
        """A claim that names no source, named after its paths."""
        gone, layer = changes[0].after_layer is None, changes[0].layer
        maker = self.sides.maker(changes[0])
        return replace(
            claim,
            subject=_common_path(changes),
            instruction=None if gone else self.sides.made_by(layer),
            layer=None if gone else layer,
            evidence=(
                *claim.evidence,
                *self.packages.owners_of(changes),
                *self.remotes.notes_of(maker[1] if maker else None),
                *self.stages.unknown_of(changes),
                *(self.made.beside(changes[0]) if claim.origin is Origin.EXTERNAL else ()),
            ),
        )

    def _without_content(self, changes: list[FileChange]) -> list[FileChange]:
        """The directories that are left when the others have gone to what they hold.

        Where the content has several causes, that of its first path.
        """
        owner: dict[str, Key] = {}
        for path in sorted(self.claims.paths):
            owner.setdefault(posixpath.dirname(path), self.claims.paths[path])
        left = []
        for change in sorted(changes, key=lambda change: change.path, reverse=True):
            key = owner.get(change.path)
            if key:
                self.claims.paths[change.path] = key
                owner.setdefault(posixpath.dirname(change.path), key)
            else:
                left.append(change)
        return left[::-1]

    def _need_for_claims(self) -> None:
        """What claims of named sources leave open: who moved a package, and when."""
        if self.packages.republished.wants_control and not self.sides.controls:
            self.needs.add(Need.CONTROL)
        for claim in self.claims.first.values():
            if claim.kind not in (Kind.PACKAGE, Kind.PACKAGE_REPUBLISHED, Kind.PACKAGE_INDEX):
                continue
            if claim.origin is Origin.UNEXPLAINED and not self.sides.replays:
                self.needs.add(Need.REPLAY)
            # Between the replay and tonight's build the world may have moved, too.
            if claim.origin is Origin.REPO and self.sides.replays and not self.sides.controls:
                self.needs.add(Need.CONTROL)


def _comes_or_goes(change: FileChange) -> bool:
    there = change.after or change.before
    directory = there is not None and there.type is EntryType.DIRECTORY
    return directory and change.change is not Change.MODIFIED


def _common_path(changes: list[FileChange]) -> str:
    """The one path, or the directory below which all of them lie."""
    if len(changes) == 1:
        return printable_path(changes[0].path)
    common = posixpath.commonpath([posixpath.dirname(change.path) for change in changes])
    return printable_path(posixpath.join(common, "**"))
