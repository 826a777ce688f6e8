"""What every command that meets an engine says of an upgrade that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.cli import output
from drift.report.words import counted

if TYPE_CHECKING:
    from drift.engine.engine import Engine

MEND = "`drift upgrade` goes on from there"


def say_unfinished(engine: Engine) -> None:
    """Say on stderr which upgrades were interrupted.

    Raises:
        EngineError: the engine does not answer.
    """
    said = unfinished(engine)
    if said:
        output.say(f"drift: {said}: {MEND}")


def unfinished(engine: Engine) -> str:
    """A sentence on the upgrades that were interrupted; empty where none was."""
    from drift.upkeep.recovery import interrupted

    names = interrupted(engine)
    return f"{counted(len(names), 'interrupted upgrade')}: {', '.join(names)}" if names else ""
