"""What a run would build, why, and what it would cost; nothing is built.

Tonight's build is certain. What the experiment adds depends on what that gives: it is
foreseen by the same rules that decide in the night, and by what the last nights needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from drift.attribute.experiment import Progress, Wanted, next_build
from drift.attribute.model import Need
from drift.builds import Build, Role
from drift.config.model import Config, Image
from drift.engine.engine import Engine
from drift.errors import SourceError, with_hint
from drift.masking import Mask
from drift.nightly.baseline import baseline_of
from drift.nightly.experiment import NIGHTLY_REASON, Experiment
from drift.nightly.job import chosen
from drift.nightly.judge import Judge, Judged
from drift.nightly.places import drift_own
from drift.nightly.prepare import CannotBuild, opened, prepare
from drift.nightly.replay import NoReplay, Replays
from drift.store.store import Store

LOOKED_AT = 7  # nights that tell what the next one is likely to need


class Chance(StrEnum):
    """How sure a build is to be made."""

    CERTAIN = "certain"
    LIKELY = "likely"  # at least every other of the last nights had one
    POSSIBLE = "possible"  # if tonight leaves something open


@dataclass(frozen=True, slots=True)
class PlannedBuild:
    """A build to come. ``seconds`` and ``bytes`` (on the engine's disk, above the base) are
    what the last one of its role took, else the last of tonight's role; None where there was
    none."""

    image: str
    role: Role
    reason: str
    seconds: float | None
    bytes: int | None
    chance: Chance = Chance.CERTAIN


@dataclass(frozen=True, slots=True)
class Plan:
    """The builds of the next run, in the fleet's order, and what is to be said of them."""

    builds: tuple[PlannedBuild, ...]
    notes: tuple[str, ...] = ()


def plan(
    config: Config, store: Store, engine: Engine | None, names: Sequence[str], night: date
) -> Plan:
    """Foresee a run. Sources are read; without an ``engine`` nobody knows how: then a replay
    is possible wherever there is a baseline.

    Raises:
        ConfigError: a name is not configured.
        StoreError: the store cannot be read.
    """
    builds: list[PlannedBuild] = []
    notes: list[str] = []
    for image in chosen(config, names):
        with ExitStack() as sources:
            foreseen = _Foreseen(config, store, engine, image, night)
            builds += foreseen.builds(sources)
            notes += (f"{image.name}: {note}" for note in foreseen.notes)
    mask = Mask(config.masked)
    return Plan(tuple(builds), tuple(map(mask.text, notes)))


class _Foreseen:
    """What one image is to expect."""

    def __init__(
        self, config: Config, store: Store, engine: Engine | None, image: Image, night: date
    ) -> None:
        self.config, self.store, self.engine, self.image = config, store, engine, image
        self.baseline = baseline_of(store, config.policy, image.name, night)
        self.earlier = store.builds(image.name)
        self.notes: list[str] = []

    def builds(self, sources: ExitStack) -> Iterator[PlannedBuild]:
        """Tonight's build and those that may follow; none where it could not begin."""
        try:
            replayable = self._replayable(sources)
        except CannotBuild as error:
            self.notes.append(f"cannot be built: {error.failure.message}")
            return
        except SourceError as error:
            self.notes.append(f"cannot be built: {with_hint(error)}")
            return
        yield self._planned(Wanted(Role.NIGHTLY, 0, NIGHTLY_REASON), Chance.CERTAIN)
        at = Progress(built=True, replayable=replayable, policy=self.image.control)
        certain = {wanted.role: wanted for wanted in _sequence(at)}
        needs = {Need.REPLAY, Need.CONTROL} if self.baseline else frozenset[Need]()
        for wanted in _sequence(replace(at, needs=needs)):
            if wanted.role in certain:
                yield self._planned(certain[wanted.role], Chance.CERTAIN)
            else:
                yield self._possible(wanted)

    def _replayable(self, sources: ExitStack) -> bool:
        """Whether a replay could tell something; a note says why one that should could not.

        Raises:
            CannotBuild: the image cannot be built either.
            SourceError: its source cannot be had.
        """
        if self.engine is None:
            return self.baseline is not None
        checkout = sources.enter_context(opened(self.image, self.config))
        prepared = prepare(self.image, checkout, self.config, self.engine, drift_own(self.config))
        judge = Judge(self.store.layers, self.config.policy, self.config.ignore)
        experiment = Experiment(Judged(self.image, self.baseline, ()), judge, prepared)
        if self.baseline is None or not experiment.may_replay:
            return False
        try:
            Replays(self.config, self.engine, self.store, sources).of(prepared, self.baseline)
        except NoReplay as error:
            self.notes.append(f"what the baseline was built from cannot be built again: {error}")
            return False
        return True

    def _possible(self, wanted: Wanted) -> PlannedBuild:
        nights = sorted({build.night for build in self.earlier}, reverse=True)[:LOOKED_AT]
        of_role = {build.night for build in self.earlier if build.role is wanted.role}
        needed = sum(night in of_role for night in nights)
        chance = Chance.LIKELY if needed and 2 * needed >= len(nights) else Chance.POSSIBLE
        often = f" (needed on {needed} of the last {len(nights)} nights)" if nights else ""
        if len(nights) == 1:
            often = f" ({'needed' if needed else 'not needed'} last night)"
        return self._planned(replace(wanted, reason=wanted.reason + often), chance)

    def _planned(self, wanted: Wanted, chance: Chance) -> PlannedBuild:
        last = self._last(wanted.role) or self._last(Role.NIGHTLY)
        return PlannedBuild(
            image=self.image.name,
            role=wanted.role,
            reason=wanted.reason,
            seconds=last.seconds if last else None,
            bytes=_size(last) if last else None,
            chance=chance,
        )

    def _last(self, role: Role) -> Build | None:
        return next((build for build in self.earlier if build.ok and build.role is role), None)


def _sequence(at: Progress) -> Iterator[Wanted]:
    """The builds that the rules ask for, one after the other, while nothing is settled."""
    while wanted := next_build(at):
        yield wanted
        replays = at.replays + (wanted.role is Role.REPLAY)
        controls = at.controls + (wanted.role is Role.CONTROL)
        at = replace(at, replays=replays, controls=controls)


def _size(build: Build) -> int | None:
    if build.snapshot is None:
        return None
    return sum(layer.size for layer in build.snapshot.layers if not layer.base)
