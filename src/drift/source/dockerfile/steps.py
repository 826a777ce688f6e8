"""Which instruction a builder means when it names a step."""

from __future__ import annotations

import re

from drift.snapshot.model import Instruction
from drift.source.dockerfile.arguments import single_spaced
from drift.source.dockerfile.model import Dockerfile

# BuildKit: ``[runtime 2/5] RUN make``, ``[2/5] RUN make``; classic: ``Step 2/5 : RUN make``;
# podman: ``STEP 2/5: RUN make``, with the stage in front of it: ``[1/2] STEP 2/5: …``.
_STEP = re.compile(
    r"(?:\[(?:(?P<stage>[^\]\s]+) )?[\d/ ]+\]\s*)?(?:step [\d/]+\s*:\s*)?", re.IGNORECASE
)


def instruction_of_step(dockerfile: Dockerfile, name: str) -> Instruction | None:
    """The instruction that a step's name stands for; None where that is not sure."""
    match = _STEP.match(name)
    text = single_spaced(name[match.end() :] if match else name)
    named = match["stage"] if match else None
    found = [
        Instruction(stage.label, statement.line, statement.text)
        for stage in dockerfile.stages
        for statement in stage.instructions
        if single_spaced(statement.text) == text
        and named in (None, stage.name, f"stage-{stage.index}")
    ]
    return found[0] if len(found) == 1 else None
