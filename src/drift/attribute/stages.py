"""Files that ``COPY --from`` brought, traced to what moved in their stage.

The stage is a part of both builds, and was checked to be the one that they used. A copied
file is looked up in it, and has the cause that it has there: what a source holds, which moved
in the stage, is that source's; what the stage copied from another stage is followed there. What
a RUN of the stage made is read to follow from what moved before it
(:mod:`drift.attribute.made`), once the experiment says whose doing it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from drift.attribute.claims import Claim
from drift.attribute.copied import Copy, copy_of
from drift.attribute.made import made_from
from drift.attribute.model import Origin
from drift.attribute.sides import Sides
from drift.attribute.stagepair import StagePair, sides_of_stage, stage_called
from drift.builds import StageSnapshot
from drift.compare.model import Change, FileChange
from drift.errors import SnapshotError
from drift.snapshot.model import Layers


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a path came into an image from a stage: what copied it, on the sides that have it."""

    name: str
    before: Copy | None = None
    after: Copy | None = None


class CopiedFromStages:
    """Claims for the paths that an image copied from its stages.

    ``below`` is the number of the stage that is itself looked into: it can copy from earlier
    ones alone, so that this comes to an end.
    """

    def __init__(self, sides: Sides, layers: Layers | None, below: int | None = None) -> None:
        self._sides, self._layers, self._below = sides, layers, below
        self._pairs: dict[str, StagePair | str] = {}

    def of_path(self, change: FileChange) -> Claim | None:
        """The source that moved in the stage and holds the file that was copied."""
        return self._claim(change, lambda pair, _name, there: pair.named(there))

    def made(self, change: FileChange, by: Origin) -> Claim | None:
        """What the copied file was made from in its stage, of that which ``by`` moved.

        To be asked where the experiment says that it is ``by``'s doing.
        """
        return self._claim(
            change,
            lambda pair, name, there: pair.copied(there, by) or made_from(pair, name, there, by),
        )

    def knows(self, change: FileChange) -> bool:
        """Whether a path was copied from a stage that is known on both sides."""
        arrival = self._arrival(change)
        return arrival is not None and isinstance(self._pair(arrival), StagePair)

    def moved(self, name: str, by: Origin) -> Sequence[Claim] | None:
        """What moved in a stage, nothing where there is none of that name; None if unknown."""
        stage = stage_called(self._sides.candidate, name, self._below)
        pair = self._pair(Arrival(stage.name)) if stage else None
        if isinstance(pair, StagePair):
            return [claim for claim, _ in pair.sources(by)]
        return () if stage is None else None

    def _claim(
        self,
        change: FileChange,
        found: Callable[[StagePair, str, FileChange], Claim | None],
    ) -> Claim | None:
        arrival = self._arrival(change)
        pair = self._pair(arrival) if arrival else None
        if arrival is None or not isinstance(pair, StagePair):
            return None
        there, copy = _there(pair, arrival, change), arrival.after or arrival.before
        claim = found(pair, arrival.name, there) if there and self._came(change, there) else None
        if claim is None or copy is None:
            return None
        paths = " ".join(copy.paths)
        said = f"copied from stage {arrival.name}" + (f": {paths}" if paths else "")
        return replace(claim, layer=change.after_layer, evidence=(*claim.evidence, said))

    def _came(self, change: FileChange, there: FileChange) -> bool:
        """Whether a path that is new may be so by what moved in its stage.

        What the stage had before, too, came by another COPY, if the repository may have one.
        """
        new = change.change is Change.ADDED and there.change is not Change.ADDED
        return self._sides.same_repo_side or not new

    def unknown_stage(self, change: FileChange) -> str | None:
        """As evidence: why the stage that a path was copied from is not known."""
        arrival = self._arrival(change)
        pair = self._pair(arrival) if arrival else None
        if arrival is None or not isinstance(pair, str):
            return None
        return f"what stage {arrival.name} held is unknown: {pair}"

    def unknown_of(self, changes: Iterable[FileChange]) -> tuple[str, ...]:
        """The same of several paths; each stage once."""
        return tuple(dict.fromkeys(filter(None, map(self.unknown_stage, changes))))

    def _arrival(self, change: FileChange) -> Arrival | None:
        """None where a side has the path from anything else than a stage of one name."""
        copies: dict[bool, Copy] = {}
        stages: list[StageSnapshot] = []
        for decider in self._sides.deciders(change):
            if not decider.holds:
                continue
            text = decider.instruction.text if decider.instruction else ""
            copy = None if decider.base else copy_of(text)
            if copy is None:
                return None
            copies[decider.before] = copy
            build = self._sides.baseline if decider.before else self._sides.candidate
            stage = stage_called(build, copy.source, self._below)
            stages += [stage] if stage else []
        meant = all(stage.answers(copy.source) for stage in stages for copy in copies.values())
        if len({stage.name for stage in stages}) != 1 or not meant:
            return None
        return Arrival(stages[0].name, copies.get(True), copies.get(False))

    def _pair(self, arrival: Arrival) -> StagePair | str:
        """The stage on both sides, or why it is not known on one of them."""
        if arrival.name not in self._pairs:
            self._pairs[arrival.name] = self._found(arrival.name)
        return self._pairs[arrival.name]

    def _found(self, name: str) -> StagePair | str:
        sides = sides_of_stage(self._sides, name)
        stage = stage_called(self._sides.candidate, name)
        if sides is None or stage is None or self._layers is None:
            return self._problem(name)
        nested = CopiedFromStages(sides, self._layers, stage.index)
        try:
            return StagePair(sides, self._layers, nested.of_path, nested.made, nested.moved)
        except SnapshotError as error:
            return error.message
        except KeyError:
            return "not all of its layers are kept"

    def _problem(self, name: str) -> str:
        builds = (("the baseline's", self._sides.baseline), ("tonight's", self._sides.candidate))
        for whose, build in builds:
            stage = stage_called(build, name)
            if stage is None:
                return f"{whose} build was not looked into"
            if stage.problem is not None:
                return f"{whose} build: {stage.problem}"
        return "it was not looked into"


def _there(pair: StagePair, arrival: Arrival, change: FileChange) -> FileChange | None:
    """The change in the stage that a copied path's change comes from."""
    sides = (
        (pair.after, arrival.after, change.after),
        (pair.before, arrival.before, change.before),
    )
    for files, copy, entry in sides:
        source = files.source_of(copy, entry) if copy and entry else None
        if source is not None and source in pair.changes:
            return pair.changes[source]
    return None
