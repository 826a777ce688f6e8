"""Random paths over random nights, judged by the table: how often is it wrong?

A path depends on some of: the world, the repository, the builder, the engine (which no replay
can go back to), noise (another value in each build) and a coin (one of two values in each
build). Its content is a line for each of them, or, ``mixed``, one digest over all of them. On a
night the world, the repository, the builder and the engine move or not. The experiment is made
as the job makes it: the builds that the table asks for. Truth is what moved between the baseline
and tonight, and the path depends on.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from drift.attribute.model import Need, Origin
from drift.attribute.origin import Answer, Case, Value, origin_of

SHAPE = ("file", 0o644)
MOVES = ("world", "repo", "builder", "engine")


class Outcome(StrEnum):
    """What the table's word is worth, for one path of one night."""

    RIGHT = "right"
    FALSE_ALARM = "false alarm"  # external, or unexplained, though the world did not move
    MISSED = "missed"  # the world moved, and it is said to be something harmless
    MISTAKEN = "mistaken"  # another harmless origin than the true one
    ENGINE_TOO = "engine too"  # the world moved, and is said to be the engine, which moved too
    COVERED = "covered by noise"  # the world moved, and noise changes every byte of the file


@dataclass(frozen=True)
class Dependencies:
    """What one path's content follows from."""

    world: bool
    repo: bool
    builder: bool
    engine: bool
    noise: bool
    coin: bool
    mixed: bool

    @property
    def named(self) -> str:
        """As a table has it: ``world + noise, mixed``."""
        names = (*MOVES, "noise", "coin")
        found = " + ".join(name for name in names if getattr(self, name)) or "nothing"
        return f"{found}, mixed" if self.mixed else found


@dataclass(frozen=True)
class State:
    """What a build of one moment is made from."""

    world: int = 0
    repo: int = 0
    builder: int = 0
    engine: int = 0


@dataclass
class Simulation:
    """One path, its builds, and what earlier nights showed of it."""

    depends: Dependencies
    dice: random.Random
    flapped: set[str] = field(default_factory=set)
    builds: int = 0

    def build(self, state: State) -> Value:
        """What stands at the path in one build."""
        self.builds += 1
        depends = self.depends
        lines = [f"{name} {getattr(state, name)}" for name in MOVES if getattr(depends, name)]
        lines += [f"noise {self.dice.random()}"] if depends.noise else []
        lines += [f"coin {self.dice.randrange(2)}"] if depends.coin else []
        content = "\n".join(lines)
        parts = [content] if depends.mixed else lines
        return Value(SHAPE, content, frozenset(map(hash, parts)))

    def night(self, then: State, now: State) -> tuple[Answer, Value, Value]:
        """The table's last word on a night, with all the builds that it asked for."""
        y, t = self.build(then), self.build(now)
        edited = then.repo != now.repo
        case = Case(
            y,
            t,
            same_side=not edited and then.builder == now.builder,
            edited=edited,
            toolchain=then.engine != now.engine,
            flapped=_text(t) in self.flapped,
        )
        replayed = replace(now, repo=then.repo, builder=then.builder)
        while True:
            answer = origin_of(case)
            if answer.needs is None:
                break
            if answer.needs in (Need.REPLAY, Need.SECOND_REPLAY):
                case = replace(case, replays=(*case.replays, self.build(replayed)))
            else:
                case = replace(case, controls=(*case.controls, self.build(now)))
        values = {_text(value) for value in (t, *case.controls)}
        if len(values) > 1:
            self.flapped |= values
        return answer, y, t


def _text(value: Value) -> str:
    return value.content or ""


def all_dependencies() -> Iterator[Dependencies]:
    """Every combination."""
    for bits in range(128):
        yield Dependencies(*(bool(bits >> place & 1) for place in range(7)))


def outcome(
    depends: Dependencies, then: State, now: State, answer: Answer, differs: bool
) -> Outcome:
    """What the table said, held against what happened."""
    moved = {
        Origin.EXTERNAL: depends.world and then.world != now.world,
        Origin.REPO: depends.repo and then.repo != now.repo,
        Origin.TOOLCHAIN: (depends.builder and then.builder != now.builder)
        or (depends.engine and then.engine != now.engine),
    }
    told = answer.origin
    if moved[Origin.EXTERNAL]:
        if told in (Origin.EXTERNAL, Origin.UNEXPLAINED):
            return Outcome.RIGHT
        if depends.mixed and (depends.noise or depends.coin):
            return Outcome.COVERED
        too = told is Origin.TOOLCHAIN and then.engine != now.engine
        return Outcome.ENGINE_TOO if too else Outcome.MISSED
    if told in (Origin.EXTERNAL, Origin.UNEXPLAINED):
        return Outcome.FALSE_ALARM
    if told is None:
        return Outcome.RIGHT if not differs else Outcome.MISTAKEN
    if told is Origin.NONDETERMINISM:
        return Outcome.RIGHT if depends.noise or depends.coin else Outcome.MISTAKEN
    return Outcome.RIGHT if moved[told] else Outcome.MISTAKEN


@dataclass
class Tally:
    """Outcomes by what was simulated."""

    paths: int = 0
    builds: int = 0
    outcomes: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)

    def of(self, outcome: Outcome) -> int:
        return sum(count for (_, _, found), count in self.outcomes.items() if found is outcome)


def simulate(paths: int, seed: int, nights_before: int = 0) -> Tally:
    """That many paths, each after some quiet nights of its own."""
    dice = random.Random(seed)
    kinds = list(all_dependencies())
    tally = Tally()
    for _ in range(paths):
        depends = dice.choice(kinds)
        simulation = Simulation(depends, dice)
        then = State()
        for _ in range(nights_before):
            simulation.night(then, then)
        simulation.builds = 0
        moves = [dice.random() < 0.5 for _ in MOVES]
        now = State(*map(int, moves))
        answer, y, t = simulation.night(then, now)
        found = outcome(depends, then, now, answer, differs=not y.same(t))
        names = [n for n, m in zip(MOVES, moves, strict=True) if m]
        tally.paths += 1
        tally.builds += simulation.builds - 1  # the baseline was built another night
        tally.outcomes[depends.named, " + ".join(names) or "nothing", found] += 1
    return tally
