"""From single claims to causes: what has one origin, kind and subject is one cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drift.attribute.model import Attribution, Cause, Grade, Kind, Need, Origin
from drift.compare.model import Comparison, FileChange
from drift.snapshot.model import Instruction

Key = tuple[Origin | None, Kind, str]

# What a reader must see first comes first.
_ORDER = {
    origin: rank
    for rank, origin in enumerate(
        (Origin.EXTERNAL, Origin.UNEXPLAINED, Origin.TOOLCHAIN, Origin.REPO, Origin.NONDETERMINISM)
    )
}
_KIND_ORDER = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Claim:
    """A rule's answer for one difference: whose doing it is, and how that is known."""

    origin: Origin | None
    kind: Kind
    subject: str
    grade: Grade
    before: str | None = None
    after: str | None = None
    instruction: Instruction | None = None
    layer: int | None = None
    evidence: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Claims with the same key are one cause."""
        return self.origin, self.kind, self.subject

    @property
    def names_a_source(self) -> bool:
        """Whether the difference counts as explained."""
        return self.origin is not Origin.UNEXPLAINED and self.kind is not Kind.FILE


@dataclass(slots=True)
class Claims:
    """All claims of one comparison; the first of a cause decides how it is described."""

    first: dict[Key, Claim] = field(default_factory=dict)
    paths: dict[str, Key] = field(default_factory=dict)
    packages: dict[str, Key] = field(default_factory=dict)
    config: dict[str, Key] = field(default_factory=dict)

    def add(self, claim: Claim) -> Key:
        """Note a cause, which need not explain a file.

        A cause is as sure as its least sure claim, and names the layer that all agree on.
        What was generated from a source is no doubt of it: ``derived`` grades a cause only
        where it is all that the cause has.
        """
        known = self.first.get(claim.key)
        self.first[claim.key] = claim if known is None else _joined(known, claim)
        return claim.key

    def attribution(
        self,
        comparison: Comparison,
        needs: frozenset[Need],
        flapped: Mapping[str, tuple[str, ...]],
    ) -> Attribution:
        """The causes in the reader's order, with ids ``c1``, ``c2``… and counts."""
        keys = sorted(self.first, key=_rank)
        ids = {key: f"c{number}" for number, key in enumerate(keys, start=1)}
        owned: dict[Key, list[FileChange]] = {key: [] for key in keys}
        for change in comparison.files:
            owned[self.paths[change.path]].append(change)
        explained = [
            change for key in keys if self.first[key].names_a_source for change in owned[key]
        ]
        return Attribution(
            causes=tuple(cause_of(ids[key], self.first[key], owned[key]) for key in keys),
            paths=_named(self.paths, ids),
            packages=_named(self.packages, ids),
            config=_named(self.config, ids),
            explained_files=_share(len(explained), len(comparison.files)),
            explained_bytes=_share(_bytes(explained), _bytes(comparison.files)),
            needs=needs,
            flapped=flapped,
        )


def _joined(known: Claim, claim: Claim) -> Claim:
    if known is claim:
        return known
    same_layer = known.layer is None or claim.layer in (None, known.layer)
    # One instruction of a stage may reach the image in several layers.
    same_instruction = same_layer or known.instruction == claim.instruction
    return replace(
        known,
        grade=_joined_grade(known.grade, claim.grade),
        evidence=tuple(dict.fromkeys((*known.evidence, *claim.evidence))),
        instruction=known.instruction if same_instruction else None,
        layer=known.layer if same_layer else None,
    )


def _joined_grade(one: Grade, other: Grade) -> Grade:
    direct = {one, other} - {Grade.DERIVED}
    return max(direct or {Grade.DERIVED}, key=list(Grade).index)


def _rank(key: Key) -> tuple[int, int, str]:
    origin, kind, subject = key
    return (_ORDER[origin] if origin else 0, _KIND_ORDER[kind], subject)


def cause_of(cause_id: str, claim: Claim, changes: Sequence[FileChange] = ()) -> Cause:
    """A claim as the cause of some changes."""
    return Cause(
        id=cause_id,
        origin=claim.origin,
        kind=claim.kind,
        subject=claim.subject,
        grade=claim.grade,
        before=claim.before,
        after=claim.after,
        instruction=claim.instruction,
        layer=claim.layer,
        files=len(changes),
        bytes=_bytes(changes),
        evidence=tuple(dict.fromkeys(claim.evidence)),
    )


def _named(keys: Mapping[str, Key], ids: Mapping[Key, str]) -> dict[str, str]:
    return {name: ids[key] for name, key in keys.items()}


def _bytes(changes: Iterable[FileChange]) -> int:
    return sum(change.bytes for change in changes)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
