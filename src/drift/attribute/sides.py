"""What is known of the two builds that are compared: their inputs side by side."""

from __future__ import annotations

from dataclasses import dataclass

from drift.builds import Build
from drift.snapshot.model import Instruction, Snapshot
from drift.source.model import Base, Inputs


@dataclass(frozen=True, slots=True)
class Sides:
    """Baseline and candidate, both built, with what their inputs say.

    Without inputs (``drift diff``) nobody can be told to have changed anything.
    """

    before: Snapshot
    after: Snapshot
    before_inputs: Inputs | None = None
    after_inputs: Inputs | None = None

    @classmethod
    def of_builds(cls, baseline: Build, candidate: Build) -> Sides:
        """The sides of two successful builds."""
        if baseline.snapshot is None or candidate.snapshot is None:
            raise ValueError("only builds that gave an image can be compared")
        return cls(baseline.snapshot, candidate.snapshot, baseline.inputs, candidate.inputs)

    @property
    def same_repo_side(self) -> bool:
        """True where both builds had one fingerprint: what differs, the repository did not do."""
        one, other = self.before_inputs, self.after_inputs
        return bool(one and other and one.repo.fingerprint == other.repo.fingerprint)

    @property
    def moved_bases(self) -> tuple[tuple[Base | None, Base | None], ...]:
        """Bases that differ, paired by reference, else by what they served as."""
        if self.before_inputs is None or self.after_inputs is None:
            return ()
        return _moved(self.before_inputs.bases, self.after_inputs.bases)

    def made_by(self, layer: int | None, *, before: bool = False) -> Instruction | None:
        """The instruction that made a layer of the candidate, or of the baseline."""
        layers = (self.before if before else self.after).layers
        return layers[layer].instruction if layer is not None and layer < len(layers) else None

    def in_base(self, layer: int | None, *, before: bool = False) -> bool:
        """Whether a layer of the candidate, or of the baseline, is its base's."""
        layers = (self.before if before else self.after).layers
        return layer is not None and layer < len(layers) and layers[layer].base

    def instructions(self, *, before: bool = False) -> frozenset[str]:
        """The texts of the instructions that made a side's own layers."""
        layers = (self.before if before else self.after).layers
        return frozenset(layer.instruction.text for layer in layers if layer.instruction)


def _moved(
    before: tuple[Base, ...], after: tuple[Base, ...]
) -> tuple[tuple[Base | None, Base | None], ...]:
    by_reference = {base.reference: base for base in before}
    pairs: list[tuple[Base | None, Base | None]] = []
    renamed: list[Base] = []
    for base in after:
        known = by_reference.pop(base.reference, None)
        if known is None:
            renamed.append(base)
        elif known.identity != base.identity:
            pairs.append((known, base))
    left = list(by_reference.values())
    for base in renamed:
        former = next((old for old in left if set(old.roles) & set(base.roles)), None)
        if former is not None:
            left.remove(former)
        pairs.append((former, base))
    pairs.extend((old, None) for old in left)
    return tuple(pairs)
