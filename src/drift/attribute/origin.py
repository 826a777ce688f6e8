"""Which origin a difference has: the contract's ordered table over Y, C, T and A.

Y is a path's value in the baseline, T in tonight's build, C in a replay (the baseline's repo
side, tonight), A in a control (tonight's inputs again). Equal repo sides make C the same as
T. The first line that holds decides:

1. Y = T: no difference.
2. A named source moved and holds the path: whoever moved that source.
3. T ≠ A, or T is a value that the path was seen to flap to on an earlier night:
   ``nondeterminism``; but what T and A both hold and Y lacks (the shared part) is not excused,
   and lines 4 to 6 decide on it alone.
4. Y = C: ``repo``.
5. C = T: ``toolchain`` where an engine-side input differs, else ``external``: ``inferred``
   once a control agrees, ``proven`` once a second does.
6. Y, C and T all differ: a second replay decides. Replays differ: ``repo``. They agree:
   ``external``.

Where the builder is another one than last night's, a replay goes back to it as well, whether
or not the repo side changed: then line 4 says ``toolchain`` for an unchanged repo side, and
line 5 speaks of the rest of the toolchain alone, which no replay can go back to.

A build that a line asks for and that is not there is said as :attr:`Answer.needs`; the answer
is then what can be said without it. The function is pure, and says nothing of kinds and
subjects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from drift.attribute.model import Grade, Need, Origin

SHARED = "decided by what two of tonight's builds share, as the rest is noise"


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at a path in one build; absent is a value too.

    ``shape`` is all but the content (type, mode, owner, xattrs, link target, device), None
    where nothing is there; ``content`` is the content's digest in normal form. ``parts`` are
    digests of the content's lines or chunks, None where they are not known; those of what is
    not there are known, and none.
    """

    shape: tuple[object, ...] | None
    content: str | None = None
    parts: frozenset[int] | None = None

    def same(self, other: Value) -> bool:
        """Equal as the table means it: parts follow from the content."""
        return (self.shape, self.content) == (other.shape, other.content)


@dataclass(frozen=True, slots=True)
class Case:
    """One path's values, and what is known of the builds that they come from.

    ``same_side`` says that a replay would be tonight's build once more: neither the repo side
    nor the builder differs. ``edited`` says that the repo side does. ``named`` is who moved a
    named source that holds the path (None: there is none). ``toolchain`` says that an
    engine-side input differs which a replay could not go back to. ``flapped`` says that the
    path was seen with T's value on an earlier night whose builds differed in it.
    ``y_controls`` are the controls of the baseline's own night.
    """

    y: Value
    t: Value
    replays: tuple[Value, ...] = ()
    controls: tuple[Value, ...] = ()
    same_side: bool = False
    edited: bool = True
    named: Origin | None = None
    toolchain: bool = False
    flapped: bool = False
    y_controls: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the table says: None as origin is no difference. ``needs`` would tell more."""

    origin: Origin | None
    grade: Grade = Grade.INFERRED
    needs: Need | None = None
    evidence: tuple[str, ...] = ()


def origin_of(case: Case) -> Answer:
    """The first line of the table that holds."""
    if case.y.same(case.t):
        return Answer(None, Grade.PROVEN)
    if case.named is not None:
        return Answer(case.named, Grade.PROVEN, evidence=("its source moved",))
    if not _all_same(case.t, case.controls):
        return _noisy(case)
    if case.flapped:
        return Answer(
            Origin.NONDETERMINISM,
            evidence=("on an earlier night two builds of the same inputs differed in it",),
        )
    return _steady(case)


def _noisy(case: Case) -> Answer:
    """T and A differ."""
    shared = _shared(case)
    if shared is None:
        evidence = ("two builds of tonight's inputs differ in it",)
        return Answer(Origin.NONDETERMINISM, Grade.PROVEN, evidence=evidence)
    answer = _steady(shared)
    return replace(answer, evidence=(SHARED, *answer.evidence))


def _shared(case: Case) -> Case | None:
    """The same question about what is not noise; None where that is nothing.

    That is what all of tonight's builds hold and Y lacks, and what Y and its own night's
    controls hold and none of tonight's does.
    """
    here, then = (case.t, *case.controls), (case.y, *case.y_controls)
    moved = len({value.shape for value in here}) == 1 and case.t.shape != case.y.shape
    parts = _only_in(here, then[:1])
    if case.y_controls:
        parts |= _only_in(then, here)
    if any(value.parts is None for value in case.replays):
        parts = frozenset()
    if not moved and not parts:
        return None

    def reduced(value: Value) -> Value:
        held = parts & (value.parts or frozenset())
        return Value(value.shape if moved else (), ",".join(map(str, sorted(held))), held)

    return replace(
        case,
        y=reduced(case.y),
        t=reduced(case.t),
        replays=tuple(map(reduced, case.replays)),
        controls=tuple(map(reduced, case.controls)),
    )


def _only_in(values: Sequence[Value], others: Sequence[Value]) -> frozenset[int]:
    """The parts that all of some values hold and no other does; none where some are not known."""
    held = [value.parts for value in values if value.parts is not None]
    apart = [value.parts for value in others if value.parts is not None]
    if len(held) < len(values) or len(apart) < len(others):
        return frozenset()
    return frozenset.intersection(*held).difference(*apart)


def _steady(case: Case) -> Answer:
    """Lines 4 to 6, where tonight's builds agree as far as there are several."""
    if case.same_side:
        return _outside(case, ("repo fingerprint unchanged",))
    if not case.replays:
        what = "the repository changed too" if case.edited else "the builder changed too"
        return Answer(Origin.UNEXPLAINED, needs=Need.REPLAY, evidence=(what,))
    again = case.replays[0]
    side = "last night's revision" if case.edited else "last night's builder"
    if again.same(case.y):
        return _controlled(case, _own(case), (f"{side}, tonight, still gives what it gave",))
    if again.same(case.t):
        return _outside(case, (f"{side}, tonight, gives the same",))
    return _all_differ(case, side)


def _own(case: Case) -> Origin:
    """Who moved what a replay goes back to."""
    return Origin.REPO if case.edited else Origin.TOOLCHAIN


def _controlled(case: Case, origin: Origin, evidence: tuple[str, ...]) -> Answer:
    """An answer that one control makes sure."""
    if not case.controls:
        return Answer(origin, needs=Need.CONTROL, evidence=evidence)
    return Answer(origin, Grade.PROVEN, evidence=(*evidence, _agree(case)))


def _outside(case: Case, evidence: tuple[str, ...]) -> Answer:
    """C = T: neither the repository nor, once controls agree, noise."""
    if not case.controls:
        return Answer(Origin.UNEXPLAINED, needs=Need.CONTROL, evidence=evidence)
    evidence += (_agree(case),)
    if case.toolchain:
        return Answer(Origin.TOOLCHAIN, Grade.INFERRED, evidence=evidence)
    proven = len(case.controls) > 1
    grade = Grade.PROVEN if proven else Grade.INFERRED
    needs = None if proven else Need.SECOND_CONTROL
    return Answer(Origin.EXTERNAL, grade, needs, evidence)


def _all_differ(case: Case, side: str) -> Answer:
    if len(case.replays) < 2:
        third = f"{side}, tonight, gives a third value"
        return Answer(Origin.UNEXPLAINED, needs=Need.SECOND_REPLAY, evidence=(third,))
    if not _all_same(case.replays[0], case.replays[1:]):
        if _only_in(case.replays, (case.y, *case.y_controls)):
            held = f"what two builds of {side} share tonight is new, as the rest is noise"
            return _controlled(case, Origin.EXTERNAL, (held,))
        noise = f"two builds of {side} differ in it: it was noise before"
        return _controlled(case, _own(case), (noise,))
    what = "the repository" if case.edited else "the builder"
    evidence = (
        f"two builds of {side} agree tonight, and differ from last night",
        f"{what} changed it too",
    )
    answer = _controlled(case, Origin.EXTERNAL, evidence)
    return replace(answer, grade=Grade.INFERRED) if case.toolchain else answer


def _agree(case: Case) -> str:
    count = len(case.controls)
    return "control build agrees" if count == 1 else f"{count} control builds agree"


def _all_same(value: Value, others: Iterable[Value]) -> bool:
    return all(value.same(other) for other in others)
