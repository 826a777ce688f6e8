"""What an upgrade writes down, in the engine alone: names, and a label on what it made.

A new container is ``NAME.drift-new`` before its turn and on the way back, and NAME after; the
one that it follows is NAME, then ``NAME.drift-old`` while nothing is decided, and
``NAME.drift-held`` where ``--hold`` keeps it. Copies of volumes lie in ``NAME.drift-backup``.
The label says which containers belong together and what an old one's restart policy was. With
that, whoever comes after a killed upgrade knows what to do; no other state is needed, least of
all a store, which may be what is being upgraded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from drift.engine.leavings import moment
from drift.upkeep.model import Container

UPGRADING = "drift.upgrading"
NEW, OLD, HELD, BACKUP = ".drift-new", ".drift-old", ".drift-held", ".drift-backup"
SOURCE = f"{BACKUP}-source"  # has the old volumes beside the copies, while they are made
SUFFIXES = (NEW, OLD, HELD, BACKUP, SOURCE)


@dataclass(frozen=True, slots=True)
class Member:
    """One container of an upgrade: the old one's id, the name and the restart policy that it
    had. ``named`` is the reference that was moved to the new image, with the image that it
    named before; None where it was the new image's already."""

    old: str
    name: str
    policy: Mapping[str, Any]
    named: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What the label of each new container says; ``members`` with those that others name
    first."""

    id: str
    at: datetime
    members: tuple[Member, ...]
    hold: bool = False

    def label(self) -> dict[str, str]:
        """The label, to be put on a container."""
        members = [
            {"old": m.old, "name": m.name, "policy": dict(m.policy), "named": m.named}
            for m in self.members
        ]
        return {
            UPGRADING: json.dumps(
                {"id": self.id, "at": self.at.isoformat(), "hold": self.hold, "members": members},
                separators=(",", ":"),
            )
        }

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """What a label says; None where it is not one that :meth:`label` gives."""
        try:
            found = json.loads(text)
            at = moment(found["at"])
            members = tuple(_member(one) for one in found["members"])
            mark = cls(str(found["id"]), at, members, bool(found["hold"])) if at else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return mark if mark and mark.label()[UPGRADING] == text else None


def _member(found: Mapping[str, Any]) -> Member:
    named = found["named"]
    return Member(
        old=str(found["old"]),
        name=str(found["name"]),
        policy=dict(found["policy"]),
        named=(str(named[0]), str(named[1])) if named else None,
    )


class Way(StrEnum):
    """Where an upgrade that nobody works on stands, and so where it goes from there."""

    BACK = "back"  # a new one is not at its name: it never was, or is on its way back
    FORWARD = "forward"  # all are at their names: whether they work is still to be seen
    FINISH = "finish"  # it was decided for the new ones
    HELD = "held"  # done; the old ones are kept for a day
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pair:
    """A member as it is now: None for a container that is not there."""

    member: Member
    old: Container | None
    new: Container | None
    backup: Container | None


@dataclass(frozen=True, slots=True)
class Group:
    """The containers of one upgrade, those that others name first."""

    mark: Mark
    pairs: tuple[Pair, ...]

    @property
    def name(self) -> str:
        """The container that it is about."""
        return self.mark.members[0].name

    @property
    def pending(self) -> bool:
        """Whether somebody was stopped before its end."""
        return self.way in (Way.BACK, Way.FORWARD, Way.FINISH)

    @property
    def way(self) -> Way:
        """What the names say."""
        olds = [pair.old for pair in self.pairs]
        if any(pair.new and pair.new.name == pair.member.name + NEW for pair in self.pairs):
            return Way.BACK
        held = [old for old in olds if old and old.name.endswith(HELD)]
        if all(pair.new is None for pair in self.pairs):
            # Only copies of volumes are left: of one that went back, or whose new one is gone.
            return Way.HELD if held else Way.BACK
        undecided = [old for old in olds if old and not old.name.endswith(HELD)]
        if undecided:
            return Way.FINISH if len(undecided) < len(olds) else Way.FORWARD
        if held:
            return Way.HELD
        # Somebody else may have removed the old ones before it was decided.
        unstarted = any(pair.new and pair.new.state == "created" for pair in self.pairs)
        copied = any(pair.backup for pair in self.pairs)
        return Way.FINISH if unstarted or copied else Way.DONE


def groups(everyone: Iterable[Container], image_labels: Labels) -> list[Group]:
    """Every upgrade that the labels of containers tell of, oldest first.

    ``image_labels`` gives the labels of a container's image: a label that the image brought
    says nothing, and neither does one on a container that is not where it says it is.
    """
    known: list[Container] = []
    marks: dict[str, Mark] = {}
    for one in everyone:
        mark = own_mark(one, image_labels)
        known.append(one if mark else _unmarked(one))
        if mark is not None and _is_placed(one, mark):
            marks.setdefault(mark.id, mark)
    found = (group_of(mark, known) for mark in marks.values())
    return sorted(found, key=lambda group: group.mark.at)


def group_of(mark: Mark, everyone: Iterable[Container]) -> Group:
    """What is there now of one upgrade."""
    everyone = list(everyone)
    by_id = {one.id: one for one in everyone}
    text = mark.label()[UPGRADING]
    marked = {one.name: one for one in everyone if one.labels.get(UPGRADING) == text}
    return Group(
        mark,
        tuple(
            Pair(
                member,
                _old(by_id.get(member.old), member),
                marked.get(member.name + NEW) or marked.get(member.name),
                marked.get(member.name + BACKUP),
            )
            for member in mark.members
        ),
    )


Labels = Callable[[Container], Mapping[str, str]]


def own_mark(container: Container, image_labels: Labels) -> Mark | None:
    """What an upgrade wrote on a container; None where it wrote nothing."""
    text = container.labels.get(UPGRADING)
    if text is None or image_labels(container).get(UPGRADING) == text:
        return None
    return Mark.parse(text)


def _unmarked(one: Container) -> Container:
    """Without a label that its image brought (``docker commit`` puts a container's there)."""
    labels = {name: value for name, value in one.labels.items() if name != UPGRADING}
    return replace(one, labels=labels)


def _is_placed(one: Container, mark: Mark) -> bool:
    """Whether a marked container is the new one, or the backup, of a member."""
    names = {member.name + suffix for member in mark.members for suffix in ("", NEW, BACKUP)}
    return one.name in names and one.id not in {member.old for member in mark.members}


def _old(found: Container | None, member: Member) -> Container | None:
    """The old container, where it still has a name that an upgrade gave or found."""
    names = (member.name, member.name + OLD, member.name + HELD)
    return found if found and found.name in names else None
