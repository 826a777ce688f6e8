"""What is known of the two builds that are compared: their inputs side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from drift.attribute.model import Origin
from drift.builds import Build
from drift.compare.model import FileChange
from drift.oci import HistoryEntry
from drift.snapshot.model import Instruction, LayerDescriptor, Snapshot
from drift.source.model import Base, Inputs


@dataclass(frozen=True, slots=True)
class Decider:
    """The layer that a side's state of a path comes from: it holds the path, or removed it.

    ``base`` tells a base's layer; ``instruction`` is None for those, and where unsure.
    """

    layer: int
    before: bool
    holds: bool
    base: bool
    instruction: Instruction | None


@dataclass(frozen=True, slots=True)
class Sides:
    """Baseline and candidate, both built, with what their inputs say.

    Without inputs (``drift diff``) nobody can be told to have changed anything.

    ``baseline`` and ``candidate`` are the builds (Y and T in the contract's words),
    ``replays`` those of the baseline's whole repo side tonight (C), ``controls`` those of
    tonight's inputs again (A): all of them succeeded. ``no_replay`` says why there is no
    replay although the fingerprints differ. ``earlier_controls`` are the controls of the
    baseline's own night, and ``flapped`` the values (see
    :func:`drift.attribute.values.fingerprint_of`) of the paths in which builds of the same
    inputs differed on earlier nights. ``left_bases`` are the digests that registries have
    tonight under the references of bases that the repository names no more.
    """

    before: Snapshot
    after: Snapshot
    before_inputs: Inputs | None = None
    after_inputs: Inputs | None = None
    baseline: Build | None = None
    candidate: Build | None = None
    replays: tuple[Build, ...] = ()
    controls: tuple[Build, ...] = ()
    no_replay: str | None = None
    earlier_controls: tuple[Build, ...] = ()
    flapped: Mapping[str, Collection[str]] = field(default_factory=dict)
    left_bases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_builds(cls, baseline: Build, candidate: Build) -> Sides:
        """The sides of two successful builds."""
        if baseline.snapshot is None or candidate.snapshot is None:
            raise ValueError("only builds that gave an image can be compared")
        return cls(
            before=baseline.snapshot,
            after=candidate.snapshot,
            before_inputs=baseline.inputs,
            after_inputs=candidate.inputs,
            baseline=baseline,
            candidate=candidate,
        )

    def who_moved(self, state: Callable[[Build], object]) -> Origin | None:
        """Who moved a named source, whose state in a build ``state`` gives.

        (Contract, "Attribution", line 2.) The world where the baseline and its replay differ,
        or tonight's build and its control: moved during the run. The repository where the
        replay and tonight's build differ. ``UNEXPLAINED`` where the repository changed and
        no replay tells the two apart; None where nobody can be told to have done anything
        (``drift diff``), or nothing moved.
        """
        if self.baseline is None or self.candidate is None:
            return self._who_moved_by_inputs()
        then, now = state(self.baseline), state(self.candidate)
        if then == now:
            return None
        during = any(state(control) != now for control in self.controls)
        before = any(state(replay) != then for replay in self.replays[:1])
        return self.mover(moved_before=before, moved_during=during)

    def mover(self, *, moved_before: bool, moved_during: bool) -> Origin:
        """Who moved something that differs: whether it did between baseline and replay, or
        between tonight's build and its controls, as far as they were built."""
        if moved_during or moved_before or self.same_repo_side:
            return Origin.EXTERNAL
        return Origin.REPO if self.replays else Origin.UNEXPLAINED

    def _who_moved_by_inputs(self) -> Origin | None:
        if self.after_inputs is None:
            return None
        return Origin.EXTERNAL if self.same_repo_side else Origin.UNEXPLAINED

    @property
    def same_repo_side(self) -> bool:
        """True where both builds had one fingerprint: what differs, the repository did not do."""
        one, other = self.before_inputs, self.after_inputs
        return bool(one and other and one.repo.fingerprint == other.repo.fingerprint)

    @property
    def same_builder(self) -> bool:
        """True where both builds were made by the same builder (classic, BuildKit)."""
        one, other = self.before_inputs, self.after_inputs
        return not (one and other) or one.engine.builder == other.engine.builder

    @property
    def old_builder(self) -> bool:
        """Whether the replays were made by the baseline's builder."""
        then = self.before_inputs.engine.builder if self.before_inputs else None
        made = [build.inputs.engine.builder for build in self.replays if build.inputs]
        return bool(made) and all(builder == then for builder in made)

    @property
    def same_side(self) -> bool:
        """Whether a replay would be tonight's build once more: nothing to go back to differs.

        A replay has the baseline's repo side and its builder, which the engine usually still
        has; the rest of the toolchain cannot be had back.
        """
        return self.same_repo_side and (self.same_builder or self.no_replay is not None)

    @property
    def moved_bases(self) -> tuple[tuple[Base | None, Base | None], ...]:
        """Bases that differ, paired by reference and by what they served as.

        A frontend is none of them: it is a part of the toolchain.
        """
        if self.before_inputs is None or self.after_inputs is None:
            return ()
        return pairs_of_moved(self.before_inputs.bases, self.after_inputs.bases)

    @property
    def moved_frontends(self) -> tuple[tuple[Base | None, Base | None], ...]:
        """Frontends (``# syntax``) that differ."""
        if self.before_inputs is None or self.after_inputs is None:
            return ()
        return pairs_of_moved(self.before_inputs.bases, self.after_inputs.bases, frontends=True)

    @property
    def moved_arguments(self) -> tuple[str, ...]:
        """The volatile arguments whose values differ, which no fingerprint tells."""
        if self.before_inputs is None or self.after_inputs is None:
            return ()
        then, now = self.before_inputs.volatile, self.after_inputs.volatile
        return tuple(sorted(name for name in now if then.get(name) not in (None, now[name])))

    def deciders(self, change: FileChange) -> tuple[Decider, ...]:
        """The layers that decide a path, the candidate's first.

        A side where the path never was has none.
        """
        absent = change.removing_layer
        after = change.after_layer if change.after else absent
        before = change.before_layer if change.before else absent
        found = (
            self._decider(after, holds=change.after is not None, before=False),
            self._decider(before, holds=change.before is not None, before=True),
        )
        return tuple(decider for decider in found if decider)

    def _decider(self, layer: int | None, *, holds: bool, before: bool) -> Decider | None:
        layers = self._layers(before=before)
        if layer is None or layer >= len(layers):
            return None
        return Decider(layer, before, holds, layers[layer].base, layers[layer].instruction)

    def maker(self, change: FileChange) -> tuple[int, Instruction] | None:
        """The candidate's layer and instruction whose work decides a path.

        What an instruction made last night and makes no more leaves nothing tonight, or what
        the base has there: then it is the one that made it last night, where tonight's build
        has the very same.
        """
        decider = next((d for d in self.deciders(change) if not d.base), None)
        if decider is None or decider.instruction is None:
            return None
        if not decider.before:
            return decider.layer, decider.instruction
        same = [
            (layer, instruction)
            for layer in range(len(self.after.layers))
            if (instruction := self.made_by(layer)) and instruction.text == decider.instruction.text
        ]
        return same[0] if len(same) == 1 else None

    def layer_of(self, change: FileChange) -> int:
        """The layer whose instruction decides a path, else the one that holds it."""
        made = self.maker(change)
        return made[0] if made else change.layer

    def made_by(self, layer: int | None, *, before: bool = False) -> Instruction | None:
        """The instruction that made a layer of the candidate, or of the baseline."""
        layers = self._layers(before=before)
        return layers[layer].instruction if layer is not None and layer < len(layers) else None

    def instructions(self, *, before: bool = False) -> frozenset[str] | None:
        """The texts of the instructions that made a side's own layers; None where unsure."""
        own = [layer.instruction for layer in self._layers(before=before) if not layer.base]
        if None in own:
            return None
        return frozenset(instruction.text for instruction in own if instruction)

    def own_history(self, *, before: bool = False) -> tuple[HistoryEntry, ...]:
        """The history that a side's own instructions made, above its base's."""
        inputs = self.before_inputs if before else self.after_inputs
        bases = inputs.bases if inputs else ()
        below = next((base.history_length for base in bases if base.final), 0)
        return (self.before if before else self.after).config.history[below:]

    def _layers(self, *, before: bool) -> tuple[LayerDescriptor, ...]:
        return (self.before if before else self.after).layers


def pairs_of_moved(
    before: tuple[Base, ...], after: tuple[Base, ...], *, frontends: bool = False
) -> tuple[tuple[Base | None, Base | None], ...]:
    """Bases that differ, paired by reference and by what they served as; or frontends."""
    left: dict[str, list[Base]] = defaultdict(list)
    for base in before:
        if _is_frontend(base) is frontends:
            left[base.reference].append(base)
    pairs: list[tuple[Base | None, Base | None]] = []
    renamed: list[Base] = []
    for base in after:
        if _is_frontend(base) is not frontends:
            continue
        # A reference may stand for images of several platforms.
        known = _served_as(base, left[base.reference]) or next(iter(left[base.reference]), None)
        if known is None:
            renamed.append(base)
        else:
            left[base.reference].remove(known)
            pairs.append((known, base))
    rest = [base for bases in left.values() for base in bases]
    for base in renamed:
        former = _served_as(base, rest)
        if former is not None:
            rest.remove(former)
        pairs.append((former, base))
    pairs.extend((old, None) for old in rest)
    return tuple(pair for pair in pairs if not _same(*pair))


def _is_frontend(base: Base) -> bool:
    return base.roles == ("frontend",)


def _served_as(base: Base, others: list[Base]) -> Base | None:
    return next((other for other in others if set(other.roles) & set(base.roles)), None)


def _same(before: Base | None, after: Base | None) -> bool:
    """One image, though a registry may have given its index another digest or a second name."""
    if before is None or after is None:
        return False
    return before.image_id == after.image_id or bool(
        before.digest and before.digest == after.digest
    )
