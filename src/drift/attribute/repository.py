"""What the repository did, as far as it can be told without a replay."""

from __future__ import annotations

import re

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.compare.model import ConfigChange, FileChange
from drift.snapshot.model import Instruction
from drift.source.model import RepoSide

_COPY = re.compile(r"(?:COPY|ADD)\s", re.IGNORECASE)
_FROM = re.compile(r"--from=(\S+)", re.IGNORECASE)
_REMOTE = re.compile(r"\s(?:https?|git|ssh)://|\sgit@", re.IGNORECASE)


class RepositoryChanges:
    """Claims for what follows from another context, Dockerfile or configuration.

    A COPY from the context can hold nothing but the context, so that its changes are the
    repository's. What an edited or new instruction made is read as its doing (``inferred``).
    An unchanged RUN is nobody's: it may have used what changed, or fetched something new.
    """

    def __init__(self, sides: Sides, bases: MovedBases) -> None:
        self._sides = sides
        self._bases = bases
        self._before = sides.before_inputs.repo if sides.before_inputs else None
        self._after = sides.after_inputs.repo if sides.after_inputs else None
        self._texts = (sides.instructions(before=True), sides.instructions())

    def of_path(self, change: FileChange) -> Claim | None:
        """The repository's edit that a path follows from, or the base of a copied stage."""
        removed = change.after_layer is None
        instruction = self._sides.made_by(change.layer, before=removed)
        if instruction is None:
            return None
        if _COPY.match(instruction.text) and (source := _FROM.search(instruction.text)):
            return self._bases.of_stage(source[1]) or self._edited(instruction, removed, change)
        return self._edited(instruction, removed, change) or self._copied(instruction, change)

    def _edited(self, instruction: Instruction, removed: bool, change: FileChange) -> Claim | None:
        """The other side has no such instruction: it was edited, added or taken out."""
        before, after = self._before, self._after
        if before is None or after is None or before.dockerfile == after.dockerfile:
            return None
        if instruction.text in self._texts[1 if removed else 0]:
            return None
        return Claim(
            origin=Origin.REPO,
            kind=Kind.DOCKERFILE,
            subject=instruction.text,
            grade=Grade.INFERRED,
            before=before.revision,
            after=after.revision,
            instruction=None if removed else instruction,
            layer=change.after_layer,
            evidence=(
                "the Dockerfile changed",
                "the instruction is gone" if removed else "the instruction is new or edited",
            ),
        )

    def _copied(self, instruction: Instruction, change: FileChange) -> Claim | None:
        before, after = self._before, self._after
        if before is None or after is None or before.context == after.context:
            return None
        if not _COPY.match(instruction.text) or _REMOTE.search(instruction.text):
            return None
        return Claim(
            origin=Origin.REPO,
            kind=Kind.CONTEXT,
            subject=instruction.text,
            grade=Grade.PROVEN,
            before=_version(before),
            after=_version(after),
            instruction=instruction,
            layer=change.after_layer,
            evidence=("the context digest changed", "the instruction copies the context alone"),
        )

    def of_config(self, change: ConfigChange) -> Claim | None:
        """The edit that a configuration field follows from."""
        before, after = self._before, self._after
        if before is None or after is None:
            return None
        if before.dockerfile != after.dockerfile:
            return self._config_claim(Kind.DOCKERFILE, change, "the Dockerfile changed")
        for what in ("args", "target", "platform"):
            if getattr(before, what) != getattr(after, what):
                evidence = f"the image's {what} in drift.toml changed"
                return self._config_claim(Kind.BUILD_CONFIG, change, evidence)
        return None

    def _config_claim(self, kind: Kind, change: ConfigChange, evidence: str) -> Claim:
        return Claim(
            origin=Origin.REPO,
            kind=kind,
            subject=change.field,
            grade=Grade.INFERRED,
            before=_text(change.before),
            after=_text(change.after),
            evidence=(evidence,),
        )


def _version(repo: RepoSide) -> str:
    """How people find the state again: the commit, or the context's digest if it was edited."""
    return repo.revision if repo.revision and not repo.dirty else repo.context


def _text(value: object) -> str | None:
    return None if value is None else str(value)
