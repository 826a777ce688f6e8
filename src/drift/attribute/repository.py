"""What the repository did, as far as it can be told without a replay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.copies import copied_from, copies_context
from drift.attribute.edits import edits_between, states_of
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.settings import wrote_setting
from drift.attribute.sides import Decider, Sides
from drift.compare.model import ConfigChange, FileChange
from drift.oci import HistoryEntry
from drift.snapshot.model import printable_path
from drift.source.model import RepoSide

_READING = re.compile(r"\b(?:COPY|ADD)\b|--mount")  # what reads files, as a history has it


class RepositoryChanges:
    """Claims for what follows from another context, Dockerfile or configuration.

    A COPY from the context can hold nothing but the context, so that its changes are the
    repository's. What an edited or new instruction made is read as its doing (``inferred``).
    An unchanged RUN is nobody's: it may have used what changed, or fetched something new.
    Where a layer is not tied to its instruction, nothing is said.
    """

    def __init__(self, sides: Sides, bases: MovedBases) -> None:
        self._sides = sides
        self._bases = bases
        self._before = sides.before_inputs.repo if sides.before_inputs else None
        self._after = sides.after_inputs.repo if sides.after_inputs else None
        self._texts = {before: sides.instructions(before=before) for before in (True, False)}

    def of_path(self, change: FileChange) -> Claim | None:
        """The repository's edit that a path follows from, or the base of a copied stage."""
        deciders = self._sides.deciders(change)
        for decider in deciders:
            if decider.base:
                continue
            if decider.instruction is None:
                return None
            others = [other for other in deciders if other is not decider]
            claim = self._decided(decider, others, change)
            if claim is not None:
                return claim
        return None

    def of_copied_context(self, change: FileChange) -> Claim | None:
        """The claim for what a COPY of the context brought: it needs no experiment."""
        claim = self.of_path(change)
        sure = claim is not None and (
            claim.origin is Origin.NONDETERMINISM
            or (claim.origin is Origin.REPO and claim.grade is Grade.PROVEN)
        )
        return claim if sure else None

    def of_copied_stage(self, change: FileChange) -> Claim | None:
        """The claim for what was copied from an image or stage whose base moved."""
        claim = self.of_path(change)
        return claim if claim is not None and claim.kind is Kind.BASE_IMAGE else None

    def by_experiment(self, change: FileChange) -> Claim:
        """The claim for a path of which the experiment says that the repository did it.

        The grade and the evidence are the experiment's; where no edit can be pointed at, the
        cause is named after what of the repo side changed.
        """
        claim = self.of_path(change)
        if claim is not None and claim.origin is Origin.REPO:
            return claim
        before, after = self._before, self._after
        if before is None or after is None:
            raise ValueError("without inputs there is no experiment")
        kind, why = next(edits_between(before, after), (Kind.BUILD_CONFIG, "drift.toml changed"))
        if self._reads():  # the context, which holds the Dockerfile and may hold drift.toml
            kind, why = _copied_edit(before, after) or (kind, why)
        decider = next((d for d in self._sides.deciders(change) if d.instruction), None)
        versions = states_of(before, after)
        gone = decider is None or decider.before
        return Claim(
            origin=Origin.REPO,
            kind=kind,
            subject=_text_of(decider) if decider else printable_path(change.path),
            grade=Grade.INFERRED,
            before=versions[0],
            after=versions[1],
            instruction=decider.instruction if decider and not gone else None,
            layer=decider.layer if decider and not gone else None,
            evidence=(why,),
        )

    def reaches(self, layer: int) -> bool:
        """Whether anything that the repository changed may have shaped a layer of tonight's image.

        Not where both nights' histories are the same down to the base, up to the instruction that
        made it, and nothing there reads what changed.
        """
        before, after = self._before, self._after
        if before is None or after is None or self._bases_edited():
            return True
        if before.configured_anew(after):
            return True
        same = list(takewhile(self._alike, self._histories()))
        below = sum(made.base for made in self._sides.after.layers)
        return layer >= below + sum(not line.empty_layer for line, _ in same)

    def _histories(self) -> Iterator[tuple[HistoryEntry, HistoryEntry]]:
        return zip(self._sides.own_history(before=True), self._sides.own_history(), strict=False)

    def _alike(self, lines: tuple[HistoryEntry, HistoryEntry]) -> bool:
        one, other = lines
        return one == other and _READING.search(one.created_by) is None

    def _bases_edited(self) -> bool:
        return any(claim.origin is Origin.REPO for claim in self._bases.claims)

    def _reads(self) -> bool:
        """Whether any instruction may have read the context, in a stage too."""
        texts = [self._texts[before] for before in (True, False)]
        return None in texts or any(
            copies_context(text) or copied_from(text) is not None or "--mount" in text
            for known in texts
            for text in known or ()
        )

    def _decided(self, decider: Decider, others: list[Decider], change: FileChange) -> Claim | None:
        text = _text_of(decider)
        source = copied_from(text)
        if source is not None and (moved := self._bases.of_copy(source)):
            return moved
        if self.edited(decider):
            return self._edited(decider)
        if decider.holds and source is None and copies_context(text):
            return self._copied(decider, others, change)
        return None

    def edits(self, change: FileChange) -> bool:
        """Whether the instruction that made a path tonight is new or edited."""
        tonight = (d for d in self._sides.deciders(change) if not d.before and d.holds)
        return any(self.edited(decider) for decider in tonight)

    def edited(self, decider: Decider) -> bool:
        """Whether the other side surely has no such instruction: edited, added or taken out."""
        before, after = self._before, self._after
        if before is None or after is None or before.dockerfile == after.dockerfile:
            return False
        others = self._texts[not decider.before]
        if decider.instruction is None or others is None:
            return False
        return decider.instruction.text not in others

    def _edited(self, decider: Decider) -> Claim:
        removed = decider.before
        before, after = self._before, self._after
        versions = states_of(before, after) if before and after else (None, None)
        return Claim(
            origin=Origin.REPO,
            kind=Kind.DOCKERFILE,
            subject=_text_of(decider),
            grade=Grade.INFERRED,
            before=versions[0],
            after=versions[1],
            instruction=None if removed else decider.instruction,
            layer=None if removed else decider.layer,
            evidence=(
                "the Dockerfile changed",
                "the instruction is gone" if removed else "the instruction is new or edited",
            ),
        )

    def _copied(self, decider: Decider, others: list[Decider], change: FileChange) -> Claim | None:
        """What an unchanged COPY brought: only the context, and the variables in its paths."""
        before, after = self._before, self._after
        if before is None or after is None or _only_owner(change):
            return None
        if _is_git(change.path) and before.git_commit and before.git_commit == after.git_commit:
            return _git_noise(change.path, decider)
        changed = _copied_edit(before, after)
        if changed is None:
            return None
        kind, why = changed
        text = _text_of(decider)
        versions = states_of(before, after)
        alone = all(other.base or _text_of(other) == text for other in others)
        return Claim(
            origin=Origin.REPO,
            kind=kind,
            subject=text,
            grade=Grade.PROVEN if kind is Kind.CONTEXT and alone else Grade.INFERRED,
            before=versions[0],
            after=versions[1],
            instruction=decider.instruction,
            layer=None if decider.before else decider.layer,
            evidence=(why, "the instruction copies the context alone"),
        )

    def of_base_config(self, change: ConfigChange) -> Claim | None:
        """The moved base that brought a configuration field.

        An instruction that only one side's own history has wrote the field; without one, a
        moved base did.
        """
        base = self._bases.of_image
        return base if base and not wrote_setting(self._sides, change.field) else None

    def of_expanded_config(self) -> Claim | None:
        """The moved base by whose variables an unchanged instruction writes another value."""
        base = self._bases.of_image
        if base is None or base.origin is not Origin.EXTERNAL:
            return None
        why = "an instruction writes a setting of what the base has"
        return replace(base, grade=Grade.DERIVED, evidence=(*base.evidence, why))

    def of_config(self, change: ConfigChange) -> Claim | None:
        """The edit that a configuration field follows from."""
        before, after = self._before, self._after
        if before is None or after is None:
            return None
        if before.dockerfile != after.dockerfile:
            return _config_claim(Kind.DOCKERFILE, change, "the Dockerfile changed")
        if before.context != after.context:
            return _config_claim(Kind.CONTEXT, change, "the context digest changed")
        for what in ("args", "target", "platform"):
            if getattr(before, what) != getattr(after, what):
                evidence = f"the image's {what} in drift.toml changed"
                return _config_claim(Kind.BUILD_CONFIG, change, evidence)
        return None


def _config_claim(kind: Kind, change: ConfigChange, evidence: str) -> Claim:
    return Claim(
        origin=Origin.REPO,
        kind=kind,
        subject=change.field,
        grade=Grade.INFERRED,
        before=_text(change.before),
        after=_text(change.after),
        evidence=(evidence,),
    )


def _copied_edit(before: RepoSide, after: RepoSide) -> tuple[Kind, str] | None:
    """What of the repo side a COPY's files follow from."""
    if before.context != after.context:
        return Kind.CONTEXT, "the context digest changed"
    if before.git_commit != after.git_commit:
        return Kind.CONTEXT, "the git commit of the .git that is sent changed"
    if before.args != after.args:
        return Kind.BUILD_CONFIG, "the image's args in drift.toml changed"
    if before.dockerfile != after.dockerfile:
        return Kind.DOCKERFILE, "the Dockerfile changed"
    return None


def _only_owner(change: FileChange) -> bool:
    """An owner given by name is the base's, or another step's, to decide."""
    return bool(change.fields) and set(change.fields) <= {"owner", "mtime"}


def _is_git(path: str) -> bool:
    return ".git" in path.split("/")


def _git_noise(path: str, decider: Decider) -> Claim:
    parts = path.split("/")
    root = "/".join(parts[: parts.index(".git") + 1])
    return Claim(
        origin=Origin.NONDETERMINISM,
        kind=Kind.CACHE,
        subject=printable_path(f"{root}/**"),
        grade=Grade.INFERRED,
        instruction=decider.instruction,
        layer=None if decider.before else decider.layer,
        evidence=("git's own files, at one commit on both sides",),
    )


def _text_of(decider: Decider) -> str:
    return decider.instruction.text if decider.instruction else ""


def _text(value: object) -> str | None:
    return None if value is None else str(value)
