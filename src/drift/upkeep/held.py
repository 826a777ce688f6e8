"""What ``--hold`` keeps, and what came of going back to it: for those who are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from drift.engine.engine import Engine
from drift.upkeep.marks import HELD, Group, Way
from drift.upkeep.recovery import KEPT, known


@dataclass(frozen=True, slots=True)
class Held:
    """The container before an upgrade, kept under a name of its own until a time (UTC)."""

    name: str
    image_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class WentBack:
    """A container that is the one of before again: the image that it was made from, and the
    ids of the image that ran, None where that is not known, and of the one that runs."""

    name: str
    reference: str
    before: str | None
    now: str


def held(engine: Engine) -> dict[str, Held]:
    """What is kept, by the name of the container that followed it; one request where none was
    ever upgraded.

    Raises:
        EngineError: the engine does not answer.
    """
    return {
        pair.member.name: Held(pair.old.name, pair.old.image_id, group.mark.at + KEPT)
        for group in known(engine)
        if group.way is Way.HELD
        for pair in group.pairs
        if pair.old and pair.old.name.endswith(HELD)
    }


def went_back(groups: Sequence[Group]) -> list[WentBack]:
    """The containers of upgrades that went back, as they were before that."""
    return [
        WentBack(
            pair.member.name,
            pair.old.image,
            pair.new.image_id if pair.new else None,
            pair.old.image_id,
        )
        for group in groups
        for pair in group.pairs
        if pair.old
    ]
