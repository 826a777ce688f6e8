"""Which instruction a builder means when it names a step."""

from __future__ import annotations

import re

from drift.snapshot.model import Instruction
from drift.source.dockerfile import created_by
from drift.source.dockerfile.arguments import single_spaced
from drift.source.dockerfile.model import Dockerfile, Stage, Statement

# BuildKit: ``[runtime 2/5] RUN make``, ``[2/5] RUN make``; classic: ``Step 2/5 : RUN make``;
# podman: ``STEP 2/5: RUN make``, with the stage in front of it: ``[1/2] STEP 2/5: …``.
_STEP = re.compile(
    r"\[\s*(?:(?P<stage>[^\]\s]+)\s+)?(?P<buildkit>\d+/\d+)\](?! STEP)\s*"
    r"|Step (?P<classic>\d+)/\d+ : "
    r"|(?:\[(?P<nth>\d+)/\d+\] )?STEP (?P<podman>\d+)/\d+: "
)
_VARIABLE = re.compile(r"\$(?:\w+|\{[^}]*\})")
_NUMBERED = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})  # that BuildKit counts, after the FROM


def instruction_of_step(dockerfile: Dockerfile, name: str) -> Instruction | None:
    """The instruction that a step's name stands for; None where that is not sure.

    Newer builders write values for variables, and a few words for a here-document. Among
    several that agree, the step's number decides.
    """
    match = _STEP.match(name)
    text = single_spaced(name[match.end() :] if match else name)
    named = match["stage"] if match else None
    agreeing = [
        (stage, statement)
        for stage in dockerfile.stages
        for statement in stage.instructions
        if named in (None, stage.name, f"stage-{stage.index}") and _agrees(text, statement)
    ]
    numbered = [(s, i) for s, i in agreeing if match and _is_at(match, dockerfile, s, i)]
    as_written = [(s, i) for s, i in agreeing if single_spaced(i.text) == text]
    for found in (agreeing, numbered, as_written):
        if len(found) == 1:
            stage, statement = found[0]
            return Instruction(stage.label, statement.line, statement.text)
    return None


def run_commands(dockerfile: Dockerfile) -> tuple[str, ...]:
    """The commands of all RUN instructions as written, spaces made single."""
    return tuple(
        command
        for stage in dockerfile.stages
        for statement in stage.instructions
        if statement.keyword == "RUN"
        for command in created_by.commands(statement)
    )


def _is_at(step: re.Match[str], dockerfile: Dockerfile, stage: Stage, statement: Statement) -> bool:
    """Whether an instruction stands where the step's number says."""
    if step["buildkit"]:
        return step["buildkit"] == _in_buildkit(stage, statement)
    if step["classic"]:
        return int(step["classic"]) == dockerfile.instructions.index(statement) + 1
    if step["nth"] and int(step["nth"]) != stage.index + 1:
        return False
    return int(step["podman"]) == stage.instructions.index(statement) + 2


def _in_buildkit(stage: Stage, statement: Statement) -> str | None:
    """``number/total`` as BuildKit counts the stage, its FROM first; a base's triggers shift it."""
    counted = [one.line for one in stage.instructions if one.keyword in _NUMBERED]
    if statement.line not in counted:
        return None
    return f"{counted.index(statement.line) + 2}/{len(counted) + 1}"


def _agrees(text: str, statement: Statement) -> bool:
    """Whether a step's text can be the instruction's, with values in the place of variables.

    Older builders leave out the backslashes that escape something.
    """
    if statement.heredocs:
        text = re.sub(r" \(.*\)$", "", text, flags=re.DOTALL)
    written = single_spaced(statement.text)
    return _fits(text, written) or _fits(text.replace("\\", ""), written.replace("\\", ""))


def _fits(text: str, written: str) -> bool:
    first, *rest = _VARIABLE.split(written)
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - len(last) >= at and text.endswith(last)
