"""From any state that an upgrade can be in, to one where exactly the right containers run.

The engine's own record is all that is asked (see :mod:`drift.upkeep.marks`). Every step can be
done again, so whoever is killed here is followed by the next. Two containers of one name never
run at once: what starts comes after the other was stopped, and neither is started by the engine
while nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from drift.engine import census, containers, images
from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.upkeep import backup
from drift.upkeep.marks import HELD, NEW, UPGRADING, Group, Pair, Way, group_of, groups
from drift.upkeep.model import Container
from drift.upkeep.reading import read_container, read_containers
from drift.upkeep.room import writable_binds, writable_volumes
from drift.upkeep.watching import awaited, wait_until_well

_NEVER = {"Name": "no", "MaximumRetryCount": 0}  # a restart policy
Say = Callable[[str], None]
_LAST_LINES = 5  # of a new container's log, where it does not work
KEPT = timedelta(hours=24)  # how long an old container is held
BACK_WITHIN = 60.0  # seconds that an engine that went away has to answer again
GO_ON = "`drift upgrade` goes on from there, once the engine answers"


def read_groups(connection: Connection) -> list[Group]:
    """Every upgrade that the engine knows of, oldest first.

    Raises:
        EngineError: it does not answer.
    """
    everyone = read_containers(connection)
    return groups(everyone, lambda one: image_labels(connection, one))


def image_labels(connection: Connection, container: Container) -> Mapping[str, str]:
    """The labels that a container's image brought; those of an image that is gone are unknown,
    so that all of the container's count as brought."""
    document = images.document(connection, container.image_id)
    if document is None:
        return container.labels
    return (document.get("Config") or {}).get("Labels") or {}


def recover(engine: Engine, watch: float, say: Say) -> tuple[Group, ...]:
    """Lead whatever was interrupted to its end, and let go what was held for long enough.

    Gives those that are what they were before, as they were found.

    Raises:
        EngineError: one cannot be led to its end.
    """
    back: list[Group] = []
    for group in known(engine):
        if group.pending:
            say(f"{group.name}: an upgrade of it was interrupted; going on")
            if settle(engine.connection, group, watch, say) is not None:
                back.append(group)
        elif group.way is Way.DONE:
            _give_policies(engine.connection, group, say)
    let_expired_go(engine, say)
    return tuple(back)


def _give_policies(connection: Connection, group: Group, say: Say) -> None:
    """What an upgrade does at its end, where its own was missed: somebody else removed the old
    ones before. Whoever set a policy later than a day after, or stopped it, knows why."""
    if datetime.now(UTC) - group.mark.at > KEPT:
        return
    for pair in group.pairs:
        policy = pair.member.policy
        due = pair.new and pair.new.state == "running" and pair.new.restart == "no"
        if pair.new and due and policy.get("Name") not in ("no", "", None):
            containers.set_policy(connection, pair.new.id, policy)
            say(f"{pair.member.name}: its restart policy is {policy['Name']}, as before")


def let_expired_go(engine: Engine, say: Say) -> None:
    """Remove what ``--hold`` kept for a day.

    Raises:
        EngineError: the engine refuses.
    """
    for group in known(engine):
        if not held_too_long(group):
            continue
        started = _started(engine.connection, group)
        if started is not None:
            say(f"{group.name}: what was held is kept: {started}")
        else:
            let_go(engine.connection, group)
            say(f"{group.name}: the one before it was held for a day, and is gone")


def known(engine: Engine) -> list[Group]:
    """Every upgrade that the engine knows of; one request where none was ever made.

    Raises:
        EngineError: the engine does not answer.
    """
    marked = engine.containers_labelled(UPGRADING)
    return read_groups(engine.connection) if marked else []


def interrupted(engine: Engine) -> list[str]:
    """The containers whose upgrade was interrupted; one request where none was ever upgraded.

    Raises:
        EngineError: the engine does not answer.
    """
    return [group.name for group in known(engine) if group.pending]


def roll_back(connection: Connection, name: str, say: Say) -> Group:
    """Go back to the container that ``--hold`` kept; what was there before that.

    Raises:
        EngineError: nothing is held for this name, or a step failed.
    """
    for group in read_groups(connection):
        names = {pair.member.name for pair in group.pairs}
        if group.way is Way.HELD and name.removeprefix("/") in names:
            go_back(connection, group, say)
            return group
    raise EngineError(
        f"no earlier container of {name!r} is held",
        hint="`drift upgrade --apply --hold` keeps one for a day",
    )


def settle(connection: Connection, group: Group, watch: float, say: Say) -> str | None:
    """Go on with an upgrade that was interrupted; why it went back, None where it did not.

    Raises:
        EngineError: a step failed; the next call goes on from there.
    """
    if group.way is Way.FORWARD:
        return go_forward(connection, group, watch, say)
    if group.way is Way.FINISH:
        finish(connection, group, say)
    if group.way is Way.BACK:
        go_back(connection, group, say)
        return "it was interrupted"
    return None


def go_forward(connection: Connection, group: Group, watch: float, say: Say) -> str | None:
    """Start the new ones, which are at their names, and see whether they work; else go back.

    Gives the reason why they went back, None where they work and the old ones are gone.
    """
    news = {pair.new.id: pair.member.name for pair in group.pairs if pair.new}
    try:
        why = _started(connection, group)
        if why is None:
            for one in news:
                containers.start(connection, one)
            say(f"{group.name}: started; waiting for {awaited(connection, news, watch)}")
            why = wait_until_well(connection, news, watch)
    except EngineError as error:
        why = error.message
    if why is None:
        _finish_surely(connection, group, say)
        return None
    say(why)
    containers.wait_until_back(connection, BACK_WITHIN)
    for one, name in news.items():  # with the container its log goes
        for line in census.last_lines(connection, one, _LAST_LINES):
            say(f"{name} said: {line}")
    now = group_of(group.mark, read_containers(connection))
    if any(pair.new for pair in now.pairs) and not any(pair.old for pair in now.pairs):
        _finish_surely(connection, now, say)
        raise UnfinishedError(f"{why}; it stays: the one before it was removed meanwhile")
    say(f"{group.name}: going back")
    go_back(connection, group, say)
    return why


class UnfinishedError(EngineError):
    """The new containers stay, and something is left to be done about the old ones, or to be
    looked at."""


def _finish_surely(connection: Connection, group: Group, say: Say) -> None:
    """The decision fell: what fails now is done again, and never leads back.

    Raises:
        UnfinishedError: it failed twice.
    """
    try:
        finish(connection, group, say)
    except EngineError:
        try:
            containers.wait_until_back(connection, BACK_WITHIN)
            finish(connection, group_of(group.mark, read_containers(connection)), say)
        except EngineError as error:
            raise UnfinishedError(
                f"{group.name} runs on its new image, but {error.message}", hint=GO_ON
            ) from error


def finish(connection: Connection, group: Group, say: Say) -> None:
    """The new ones stay: they get their restart policy, and the old ones go.

    Raises:
        EngineError: an old one runs, or a step failed.
    """
    started = _started(connection, group)
    if started is not None:
        raise EngineError(f"{started}: only one of it and {group.name} may run")
    for pair in group.pairs:
        if pair.new:
            _set_policy(connection, pair.new, pair.member.policy)
            containers.start(connection, pair.new.id)
    for pair in reversed(group.pairs):
        if pair.old and not group.mark.hold:
            census.remove_container(connection, pair.old.id)
        elif pair.old and not pair.old.name.endswith(HELD):
            containers.rename(connection, pair.old.id, pair.member.name + HELD)
    if not group.mark.hold:
        _discard_backups(connection, group)
    say(f"{group.name}: upgraded")


def go_back(connection: Connection, group: Group, say: Say, *, stopping: bool = True) -> None:
    """The old ones run again as they did, and nothing is left of the new ones.

    ``stopping`` is whether one of the old ones may have been asked to stop.
    """
    for pair in group.pairs:
        # First of all: from here on, whoever reads the names goes back too.
        if pair.new and pair.new.name == pair.member.name:
            containers.rename(connection, pair.new.id, pair.member.name + NEW)
    for pair in reversed(group.pairs):
        if pair.new:  # whatever the group says: it may have been started since
            # An engine that restarts would start what was stopped with the policy `always`.
            _set_policy(connection, pair.new, _NEVER)
            containers.stop(connection, pair.new.id, _grace(connection, pair.new))
    for pair in reversed(group.pairs):
        if stopping and pair.old and pair.old.restart == "no":
            # It may be about to stop: the engine does what a killed drift asked it for.
            containers.stop(connection, pair.old.id, _grace(connection, pair.old))
    stays = _restore_volumes(connection, group, say)
    for pair in group.pairs:
        if pair.old and pair.old.name != pair.member.name:
            containers.rename(connection, pair.old.id, pair.member.name)
        _name_back(connection, pair)
    for pair in group.pairs:
        if pair.old:
            containers.start(connection, pair.old.id)
            _set_policy(connection, pair.old, pair.member.policy)
    _discard_backups(connection, group)
    for pair in reversed(group.pairs):
        if pair.new:
            _remove_new(connection, pair.new, pair.old, group.mark.at)
    but = ", but for what the new one wrote to its data" if stays else ""
    say(f"{group.name}: as it was before{but}")


def let_go(connection: Connection, group: Group) -> None:
    """Remove what ``--hold`` kept: the old containers, never their volumes, and the copies."""
    for pair in reversed(group.pairs):
        if pair.old and pair.old.name.endswith(HELD):
            census.remove_container(connection, pair.old.id)
    _discard_backups(connection, group)


def held_too_long(group: Group, now: datetime | None = None) -> bool:
    """Whether what is held has been for longer than it is kept."""
    return group.way is Way.HELD and (now or datetime.now(UTC)) - group.mark.at > KEPT


def _restore_volumes(connection: Connection, group: Group, say: Say) -> bool:
    """All of them or none: until all are restored no old one starts. Gives whether anything that
    the new ones may have written stays."""
    olds = [one for one in (_now(connection, pair.old) for pair in group.pairs) if one]
    if not written_since(olds, [_ran_at(connection, pair) for pair in group.pairs]):
        return False
    for pair in group.pairs:
        # Copies that were not finished are of volumes that no new one wrote to.
        if pair.old and pair.backup and backup.is_whole(connection, pair.backup):
            say(f"{pair.member.name}: restoring its volumes")
            backup.restore(connection, pair.backup, pair.old)
    copied = any(pair.backup for pair in group.pairs)
    return any(writable_binds(one) or (writable_volumes(one) and not copied) for one in olds)


def _ran_at(connection: Connection, pair: Pair) -> datetime | None:
    """When a new container last started; one that somebody removed may have after the copies
    were made."""
    new = _now(connection, pair.new)
    if new is not None:
        return new.started_at
    return pair.backup.created_at if pair.backup else None


def written_since(olds: Iterable[Container], ran: Iterable[datetime | None]) -> bool:
    """Whether what the volumes hold is the new containers', which last started at ``ran``
    (None: never): one of them did, and no old one has since."""
    started = max((at for at in ran if at), default=None)
    return started is not None and all(
        one.stopped and (one.started_at is None or one.started_at < started) for one in olds
    )


def _started(connection: Connection, group: Group) -> str | None:
    """That somebody else started an old container, if so: nothing may start beside it."""
    for pair in group.pairs:
        now = _now(connection, pair.old)
        if now and not now.stopped:
            return f"{now.name} was started meanwhile"
    return None


def _now(connection: Connection, one: Container | None) -> Container | None:
    document = census.container(connection, one.id) if one else None
    return read_container(document) if document else None


def _grace(connection: Connection, one: Container) -> int | None:
    document = census.container(connection, one.id) or {}
    grace = (document.get("Config") or {}).get("StopTimeout")
    return None if grace is None else int(grace)


def _set_policy(connection: Connection, one: Container, policy: Mapping[str, Any]) -> None:
    document = census.container(connection, one.id) or {}
    has = (document.get("HostConfig") or {}).get("RestartPolicy") or {}
    if dict(has) != dict(policy):
        containers.set_policy(connection, one.id, policy)


def _name_back(connection: Connection, pair: Pair) -> None:
    """Let the reference that the upgrade moved name the image that it named before."""
    if pair.member.named is None or pair.new is None:
        return
    reference, before = pair.member.named
    document = images.document(connection, reference)
    moved = document is not None and str(images.image_id_of(document)) == pair.new.image_id
    if moved and images.document(connection, before) is not None:
        images.move_name(connection, before, reference)


def _discard_backups(connection: Connection, group: Group) -> None:
    for pair in group.pairs:
        if pair.backup:
            backup.discard(connection, pair.backup)


def _remove_new(
    connection: Connection, new: Container, old: Container | None, at: datetime
) -> None:
    """Remove a new container, and the volumes that the engine made for it alone."""
    kept = {mount.name for mount in old.mounts} if old else set()
    census.remove_container(connection, new.id)
    for mount in new.mounts:
        if old is None or not mount.anonymous or mount.name in kept or mount.name is None:
            continue
        made_at = containers.volume_made_at(connection, mount.name)
        if made_at is not None and made_at >= at.replace(microsecond=0):
            containers.remove_volume(connection, mount.name)
