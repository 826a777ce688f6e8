"""Containers made anew on newer images, or left as they were: nothing in between.

The order is what keeps data: all that can fail for a bad setting fails while the old ones run;
from then on the engine starts neither by itself, and the new ones start after the old ones have
stopped. What goes wrong goes back (:mod:`drift.upkeep.recovery`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drift.config.model import Upkeep
from drift.engine import census, containers, images
from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.upkeep import backup
from drift.upkeep.making import Creation, creation
from drift.upkeep.marks import NEW, OLD, Group, Mark, Member, Way, group_of
from drift.upkeep.model import Container
from drift.upkeep.reading import read_container, read_containers, read_written
from drift.upkeep.recovery import (
    BACK_WITHIN,
    GO_ON,
    Say,
    UnfinishedError,
    finish,
    go_back,
    go_forward,
    let_go,
    read_groups,
)
from drift.upkeep.room import room, writable_volumes
from drift.upkeep.upgrading import Next, Upgrade, transactions
from drift.upkeep.written import would_be_lost


@dataclass
class Transaction:
    """One upgrade: of a container and those that must be made anew with it, which are
    ``members``, those that others name first."""

    connection: Connection
    members: Sequence[Next]
    rules: Upkeep
    hold: bool
    say: Say
    mark: Mark = field(init=False)
    made: dict[str, str] = field(init=False, default_factory=dict)  # new ids by old ones
    stopping: bool = field(init=False, default=False)  # an old one was asked to stop

    def __post_init__(self) -> None:
        self.mark = Mark(
            id=secrets.token_hex(8),
            at=datetime.now(UTC),
            members=tuple(self._member(one) for one in self.members),
            hold=self.hold,
        )

    def run(self) -> str | None:
        """Upgrade; why it went back, None where the new ones run.

        Raises:
            EngineError: it could be led neither to its end nor back; the next
                ``drift upgrade`` does.
        """
        try:
            self._check_room()
            self._let_go_of_held()
            self._make()
            self._stop()
            self._switch()
            return go_forward(self.connection, self._group(), self.rules.watch, self.say)
        except UnfinishedError:
            raise
        except EngineError as error:
            return self._undo(error.message)
        except BaseException as error:  # Ctrl-C, or a bug: no reason to leave things half done
            self._undo("interrupted" if isinstance(error, KeyboardInterrupt) else repr(error))
            raise

    def _member(self, one: Next) -> Member:
        policy = (one.document.get("HostConfig") or {}).get("RestartPolicy") or {"Name": "no"}
        named = images.document(self.connection, one.reference)
        before = str(images.image_id_of(named)) if named else one.container.image_id
        moved = (one.reference, before) if before != one.image_id or named is None else None
        return Member(one.container.id, one.container.name, policy, moved)

    def _let_go_of_held(self) -> None:
        """An earlier upgrade's old ones have the names that are needed now."""
        names = {one.container.name for one in self.members}
        for group in read_groups(self.connection):
            if group.way is Way.HELD and names & {m.name for m in group.mark.members}:
                let_go(self.connection, group)

    def _check_room(self) -> None:
        """Once more: those that were upgraded before it may hold copies."""
        members = [one.container for one in self.members]
        if self.rules.backup and any(writable_volumes(one) for one in members):
            refused = room(Engine(self.connection), members).refused
            if refused is not None:
                raise EngineError(refused)

    def _make(self) -> None:
        for one, member in zip(self.members, self.mark.members, strict=True):
            self._check_unchanged(one)
            if member.named is not None:
                images.move_name(self.connection, one.image_id, one.reference)
            wanted = creation(
                one.document,
                one.carried,
                one.mounting,
                one.reference,
                one.image_id,
                label=self.mark.label(),
                replaced=self._successors(),
            )
            self.made[one.container.id] = self._create(one, wanted)
        self.say(f"{self.mark.members[0].name}: made {', '.join(self._names(NEW))}")

    def _successors(self) -> dict[str, str]:
        """The new containers by the old ones' ids, and by their names: links are told by these."""
        names = {one.container.name: self.made.get(one.container.id) for one in self.members}
        return {**self.made, **{name: made for name, made in names.items() if made}}

    def _create(self, one: Next, wanted: Creation) -> str:
        made = containers.create(self.connection, one.container.name + NEW, wanted.body)
        for network, endpoint in wanted.networks.items():
            containers.connect(self.connection, made, network, endpoint)
        document = census.container(self.connection, made)
        if document is None:
            raise EngineError(f"{one.container.name}{NEW} is gone")
        new = read_container(document)
        if new.image_id != one.image_id:
            raise EngineError(f"{one.reference} names another image by now")
        _check_volumes(one.container, new)
        return made

    def _check_unchanged(self, one: Next) -> None:
        document = census.container(self.connection, one.container.id)
        now = read_container(document) if document else None
        if now is None or (now.name, now.state) != (one.container.name, "running"):
            raise EngineError(f"{one.container.name} was changed meanwhile")

    def _stop(self) -> None:
        for one in self.members:
            if one.container.restart != "no":
                containers.set_policy(self.connection, one.container.id, {"Name": "no"})
        self.stopping = True
        for one in reversed(self.members):
            self.say(f"{one.container.name}: stopping")
            grace = (one.document.get("Config") or {}).get("StopTimeout")
            containers.stop(self.connection, one.container.id, grace)
        for one in self.members:
            # Some write on the signal.
            written = read_written(self.connection, one.container, self.rules.discard)
            lost = would_be_lost(written)
            if lost:
                raise EngineError(f"{one.container.name}: {lost}")
        if self.rules.backup:
            self._back_up()

    def _back_up(self) -> None:
        copied: set[str] = set()
        for one in self.members:
            volumes = [m for m in writable_volumes(one.container) if m.name not in copied]
            copied |= {mount.name for mount in volumes if mount.name}
            if volumes:
                self.say(f"{one.container.name}: copying its volumes")
                backup.take(self.connection, one.container, volumes, self.mark.label())

    def _switch(self) -> None:
        for one in self.members:
            name = one.container.name
            containers.rename(self.connection, one.container.id, name + OLD)
            containers.rename(self.connection, self.made[one.container.id], name)

    def _group(self) -> Group:
        return group_of(self.mark, read_containers(self.connection))

    def _undo(self, why: str) -> str | None:
        name = self.mark.members[0].name
        self.say(f"{name}: going back: {why}")
        try:
            containers.wait_until_back(self.connection, BACK_WITHIN)
            group = self._group()
            if group.way in (Way.FINISH, Way.HELD, Way.DONE):
                finish(self.connection, group, self.say)
                return None
            go_back(self.connection, group, self.say, stopping=self.stopping)
        except EngineError as error:
            said = f"the upgrade of {name} ({why}) could not be led back: {error.message}"
            raise EngineError(said, hint=GO_ON) from error
        return why

    def _names(self, suffix: str) -> list[str]:
        return [member.name + suffix for member in self.mark.members]


def _check_volumes(old: Container, new: Container) -> None:
    """Every old volume must be at the same path in the new container.

    Raises:
        EngineError: one is not.
    """
    has = {(mount.destination, mount.name, mount.writable) for mount in new.mounts}
    for mount in old.mounts:
        if mount.type != "volume":
            continue
        if (mount.destination, mount.name, mount.writable) not in has:
            raise EngineError(f"{old.name}: its volume at {mount.destination} would not be there")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the upgrade of a container; ``why`` it went back, None where it did not."""

    name: str
    why: str | None


def apply_upgrades(
    connection: Connection, found: Sequence[Upgrade], rules: Upkeep, hold: bool, say: Say
) -> list[Outcome]:
    """Carry the ready ones of a plan out, one transaction after the other.

    Raises:
        EngineError: the engine is away in the middle of one.
    """
    outcomes = []
    for members in transactions(found):
        why = Transaction(connection, members, rules, hold, say).run()
        outcomes += [Outcome(one.container.name, why) for one in members]
    return outcomes
