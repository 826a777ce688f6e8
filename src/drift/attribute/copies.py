"""What a COPY or ADD instruction takes its files from, read from its text."""

from __future__ import annotations

import re

from drift.attribute.sides import Sides
from drift.compare.model import FileChange

_COPY = re.compile(r"(COPY|ADD)\s+((?:--\S+\s+)*)(.*)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(r"--from=(\S+)", re.IGNORECASE)
# BuildKit's ADD fetches URLs and git repositories, ``user@host:path`` among them; what a
# variable holds is not known here. A here-document is the Dockerfile's own.
_NOT_CONTEXT = re.compile(r"://|[\w.-]+@[\w.-]+:|\$")


def copied_from(text: str) -> str | None:
    """The stage or image that ``COPY --from`` names; None for every other instruction."""
    copy = _COPY.match(text)
    found = _FROM.search(copy[2]) if copy else None
    return found[1] if found else None


def copies_context(text: str) -> bool:
    """Whether an instruction surely copies the build context, and nothing else."""
    copy = _COPY.match(text)
    if copy is None or "<<" in copy[3] or _FROM.search(copy[2]):
        return False
    return copy[1].upper() == "COPY" or _NOT_CONTEXT.search(copy[3]) is None


def brought_by_copy(sides: Sides, change: FileChange) -> bool:
    """Whether the repository itself brought a path on every side that has it."""
    holding = [decider for decider in sides.deciders(change) if decider.holds]
    return bool(holding) and all(
        decider.instruction is not None and copies_context(decider.instruction.text)
        for decider in holding
    )
