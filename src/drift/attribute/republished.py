"""Packages of one version and other bytes: published twice, or altered on the way here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import islice

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.copies import brought_by_copy
from drift.attribute.installs import installs_only
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.moves import State, readable, who_moved
from drift.attribute.ownership import Ownership
from drift.attribute.purls import ecosystem, of_system
from drift.attribute.remade import Fact, Remade, remade_packages
from drift.attribute.sides import Sides
from drift.attribute.sources import Source
from drift.attribute.values import Values
from drift.builds import Build
from drift.compare.model import Comparison, FileChange, PackageChange
from drift.snapshot.model import Entry, Instruction, Package, printable_path

_NAMED = 3  # facts that the evidence names


class Answer(Enum):
    """What tonight's control says of the new bytes."""

    AGREES = auto()
    OLD = auto()  # it has the baseline's: the bytes moved during the run
    OTHER = auto()  # every build has its own
    UNASKED = auto()  # no control


class RepublishedPackages:
    """Claims for packages that are other bytes at the same version: the severest kind.

    The publisher's own digests prove it (dpkg, apk, npm's lock). A package that may have been
    built on the spot (pip writes RECORD itself) is only claimed where tonight's control got
    the same: where the two differ it is a rebuild, and nobody's doing. Where nothing but
    compiled code differs the claim is ``inferred``: another compiler makes the like.

    Where the replay did not build as it was ``refused`` the new bytes, the world has them.

    ``claims`` are by purl. :meth:`likely` gives what cannot be told for want of a control.
    """

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        bases: MovedBases,
        ownership: Ownership,
        values: Values,
        refused: Collection[str] = (),
    ) -> None:
        self._sides, self._refused = sides, refused
        self._bases = bases
        self._values = values
        self._ownership = ownership
        self._moved = {moved.purl for moved in comparison.packages}
        self.claims: dict[str, Claim] = {}
        self.sources: list[Source] = []
        self._sure: dict[str, Claim] = {}
        self._likely: dict[str, Claim] = {}
        self._confirmed = True
        for remade in remade_packages(sides, comparison, ownership):
            self._judge(remade)

    def of_path(self, change: FileChange) -> Claim | None:
        """The package of a path that was surely published twice."""
        return self._sure.get(change.path)

    def likely(self, change: FileChange) -> Claim | None:
        """The package of a path that was published twice, or made here: no control tells."""
        return self._likely.get(change.path)

    def said_of(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """As evidence: what speaks for packages that may have been published twice."""
        claims = filter(None, map(self.likely, changes))
        said = ("; ".join((*claim.evidence[:2], claim.evidence[-1])) for claim in claims)
        return tuple(islice(dict.fromkeys(said), _NAMED))

    def by_install(self, change: FileChange, run: Instruction) -> Claim | None:
        """The package of an archive that brought a file in another shape, at the same version.

        Publishers digest what files hold, not their modes, owners and links. To be asked where
        the experiment says that the outside did it: a reading of the RUN that installed it.
        """
        for package in self._ownership.holders(change.path):
            if (
                package.purl in self._moved
                or not of_system(package.purl)
                or not installs_only(run, ecosystem(package.purl))
                or change.before is None
                or change.after is None
                or self._ownership.altered(change, package)
            ):
                continue
            content = "content" in change.fields
            one, other = (_shape(entry, content=content) for entry in (change.before, change.after))
            return Claim(
                origin=Origin.EXTERNAL,
                kind=Kind.PACKAGE_REPUBLISHED,
                subject=package.purl,
                grade=Grade.INFERRED,
                before=f"{package.version} ({one})",
                after=f"{package.version} ({other})",
                instruction=run,
                layer=change.after_layer,
                evidence=(
                    f"{package.purl} is {package.version} on both sides",
                    f"its {printable_path(change.path)} was {one}, and is {other}",
                    f"line {run.line} fetches from nowhere else",
                ),
            )
        return None

    @property
    def wants_control(self) -> bool:
        """Whether a control would tell more: prove what is likely, or confirm a claim."""
        return bool(self._likely) or not self._confirmed

    def _judge(self, remade: Remade) -> None:
        files = [change for change in remade.files if self._installed(change)]
        if not files and (remade.files or self._bases.of_image):
            return  # the base's, or the repository's own
        answers = {fact: self._control(remade.package, fact) for fact in remade.facts}
        facts = [fact for fact, answer in answers.items() if answer is Answer.AGREES]
        if facts:
            self._claim(remade, facts, _grade(remade, facts), files)
        elif remade.published and set(answers.values()) & {Answer.UNASKED, Answer.OLD}:
            self._confirmed &= Answer.UNASKED not in answers.values()
            self._claim(remade, remade.facts, Grade.PROVEN, files)
        elif Answer.UNASKED in answers.values():
            claim = self._claimed(remade, remade.facts, Grade.INFERRED, files)
            why = "no control build tells it from a rebuild on the spot"
            claim = replace(claim, evidence=(*claim.evidence, why))
            self._likely.update((change.path, claim) for change in files)

    def _installed(self, change: FileChange) -> bool:
        return not self._bases.of_path(change) and not brought_by_copy(self._sides, change)

    def _control(self, package: Package, fact: Fact) -> Answer:
        """What tonight's other builds say of a fact."""
        if not fact.recorded:
            differs = self._values.differs_in_control(fact.path)
            if differs is None:
                return Answer.UNASKED
            return Answer.OTHER if differs else Answer.AGREES
        controls = readable(self._sides, package.purl).controls
        said = {fact.said_by(control, package) for control in controls}
        if not said:
            return Answer.UNASKED
        if said == {fact.after}:
            return Answer.AGREES
        return Answer.OLD if fact.before in said else Answer.OTHER

    def _claim(
        self, remade: Remade, facts: Sequence[Fact], grade: Grade, files: Sequence[FileChange]
    ) -> None:
        claim = self._claimed(remade, facts, grade, files)
        if claim.origin is Origin.REPO and not remade.published:
            return  # it built other sources, and published nothing
        package = remade.package
        self.claims.setdefault(package.purl, claim)
        self._sure.update((change.path, claim) for change in files)
        same = PackageChange(package.purl, package.version, package.version)
        self.sources.append(Source.of_package(claim, same, files, package.files))

    def _claimed(
        self, remade: Remade, facts: Sequence[Fact], grade: Grade, files: Sequence[FileChange]
    ) -> Claim:
        package, first = remade.package, facts[0]
        recorded = [fact for fact in facts if fact.recorded]
        mover = who_moved(self._sides, package.purl, _state(package, recorded), _said(recorded))
        if mover.origin is Origin.UNEXPLAINED and package.purl in self._refused:
            mover = replace(mover, origin=Origin.EXTERNAL)
        layer = min((file.layer for file in files if file.after), default=None)
        what = f"{package.purl} is {package.version} on both sides, and not the same bytes"
        return Claim(
            origin=mover.origin,
            kind=Kind.PACKAGE_REPUBLISHED,
            subject=package.purl,
            grade=grade,
            before=f"{package.version} ({first.before})",
            after=f"{package.version} ({first.after})",
            instruction=self._sides.made_by(layer),
            layer=layer,
            evidence=(what, *map(_told, facts[:_NAMED]), *mover.evidence),
        )


def _grade(remade: Remade, facts: Sequence[Fact]) -> Grade:
    """Digests that no build on the spot makes prove it, once a control has them too."""
    if remade.published or any(fact.recorded and not fact.compiled for fact in facts):
        return Grade.PROVEN
    return Grade.INFERRED


def _shape(entry: Entry, *, content: bool) -> str:
    link = f" to {printable_path(entry.link)}" if entry.link else ""
    digest = f" {entry.digest}" if content else ""
    return f"{entry.mode:04o} {entry.uid}:{entry.gid}{link}{digest}"


def _told(fact: Fact) -> str:
    return f"{fact.what} was {fact.before}, and is {fact.after}"


def _state(package: Package, facts: Sequence[Fact]) -> Callable[[Build], State]:
    return lambda build: tuple(fact.said_by(build, package) or "" for fact in facts)


def _said(facts: Sequence[Fact]) -> Callable[[State], str]:
    old = tuple(fact.before for fact in facts)
    new = tuple(fact.after for fact in facts)
    return lambda state: {old: "gets the old bytes", new: "gets these bytes"}.get(
        state, "gets other bytes"
    )
