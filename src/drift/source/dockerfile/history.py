"""Which instruction made which layer, read from an image's history.

A builder writes one history entry for each instruction, in order. The entries above the
base's are aligned with the instructions of the target's chain of stages; a layer is tied
only where every possible alignment gives it the same instruction, and the text agrees. A
wrong line would be worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drift.oci import HistoryEntry, Platform
from drift.snapshot.model import Instruction
from drift.source.dockerfile import created_by, stages
from drift.source.dockerfile.model import Dockerfile, DockerfileError, Statement

_MAX_CELLS = 250_000  # of the alignment: history is untrusted, and may be long
_LAYERED = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


@dataclass(frozen=True, slots=True)
class _Expected:
    """An instruction of the chain. One that need not show in a history is ``optional``."""

    stage: str
    statement: Statement
    optional: bool


def tie_layers(
    history: Sequence[HistoryEntry],
    base_history: int,
    base_layers: int,
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target: str | None,
    *,
    platform: Platform = stages.LINUX,
    builder: str = "buildkit",
    onbuild: Mapping[str, Sequence[str]] | None = None,
    layers: int | None = None,
) -> tuple[Instruction | None, ...]:
    """The instruction of each layer, bottom first; None for the base's, and where unsure.

    ``base_history`` and ``base_layers`` count the entries and layers of the external base at
    the bottom (0 for scratch). ``onbuild`` gives that base's triggers, if known: a layer
    that they made is tied to the FROM line. ``layers`` is how many layers the image has: the
    result has that length, and where the history tells another number, all is None. Never
    raises: a Dockerfile or history that does not fit gives None.
    """
    above = history[base_history:]
    made = [index for index, entry in enumerate(above) if not entry.empty_layer]
    count = base_layers + len(made)
    unsure: tuple[None, ...] = (None,) * (count if layers is None else layers)
    if base_history > len(history) or len(unsure) != count:
        return unsure
    try:
        build = stages.Build(args, target, platform, None, builder, onbuild or {})
        expected = _expected(dockerfile, build)
    except DockerfileError:
        return unsure
    tied = _align(above, expected, triggers=base_history > 0 and onbuild is None)
    return (None,) * base_layers + tuple(_instruction(expected, tied.get(i)) for i in made)


def _instruction(expected: Sequence[_Expected], index: int | None) -> Instruction | None:
    if index is None:
        return None
    found = expected[index]
    return Instruction(found.stage, found.statement.line, found.statement.text)


def _expected(dockerfile: Dockerfile, build: stages.Build) -> list[_Expected]:
    resolved = stages.resolve(dockerfile, build)
    chain = stages.chain(resolved, dockerfile.stage(build.target).index)
    return [
        _Expected(link.stage.label, statement, statement.keyword not in _LAYERED)
        for link in chain
        for statement in link.statements
    ]


def _align(
    entries: Sequence[HistoryEntry], expected: Sequence[_Expected], *, triggers: bool
) -> dict[int, int]:
    """For each entry the one instruction that it has in every alignment, by index.

    An alignment takes entries and instructions in order. It may leave out optional
    instructions, empty entries that are no layered instruction's, and at the very bottom,
    where ``triggers`` of an unknown base may have fired, any entries.
    """
    if len(entries) * len(expected) > _MAX_CELLS:
        return {}
    steps = [created_by.read(entry) for entry in entries]
    fits = [[created_by.agrees(step, e.statement) for e in expected] for step in steps]
    free = [
        entry.empty_layer and step.keyword not in _LAYERED
        for entry, step in zip(entries, steps, strict=True)
    ]
    optional = [e.optional for e in expected]
    below = _reached(fits, free, optional, triggers=triggers)
    # The same walk from the top down, read backwards.
    above = _reached([row[::-1] for row in fits[::-1]], free[::-1], optional[::-1])
    tied: dict[int, int] = {}
    for i, row in enumerate(fits):
        rest = above[len(fits) - i - 1]
        matches = [
            j
            for j, fit in enumerate(row)
            if fit and j in below[i] and len(optional) - j - 1 in rest
        ]
        skipped = any(
            (free[i] or (triggers and j == 0)) and len(optional) - j in rest for j in below[i]
        )
        if len(matches) == 1 and not skipped:
            tied[i] = matches[0]
    return tied


def _reached(
    fits: Sequence[Sequence[bool]],
    free: Sequence[bool],
    optional: Sequence[bool],
    *,
    triggers: bool = False,
) -> list[set[int]]:
    """After the first i entries: how many instructions can have been taken or left out."""
    rows = [_without(optional, {0})]
    for row, is_free in zip(fits, free, strict=True):
        before = rows[-1]
        after = {j + 1 for j in before if j < len(optional) and row[j]}
        if is_free:
            after |= before
        elif triggers and 0 in before:
            after.add(0)
        rows.append(_without(optional, after))
    return rows


def _without(optional: Sequence[bool], reached: set[int]) -> set[int]:
    for j, leave_out in enumerate(optional):
        if leave_out and j in reached:
            reached.add(j + 1)
    return reached
