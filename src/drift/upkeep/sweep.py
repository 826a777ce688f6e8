"""A plan carried out: one removal after the other, each looked at again before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drift.engine import census, images
from drift.engine.connection import Connection
from drift.engine.leavings import prune_cache
from drift.engine.model import DiskSpace
from drift.errors import EngineError
from drift.upkeep.candidates import Candidate, Kind
from drift.upkeep.plan import Plan, Removal
from drift.upkeep.reading import read_container

_NOTHING = 1 << 16  # bytes: less than this is other people's writing
_FRUITLESS = 2  # removals in a row that freed nothing
_GONE = "gone already"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a removal: ``why_not`` is None where it was made. ``freed`` is what the
    disk says, None where it cannot be seen."""

    removal: Removal
    why_not: str | None
    freed: int | None = None


def sweep(
    connection: Connection, plan: Plan, disk: Callable[[], DiskSpace | None]
) -> Iterator[Done]:
    """Make the plan's removals; with a target, only until so much is free.

    The disk is read again after each. A removal that fails is told and the rest goes on.
    With a target, two in a row that free nothing end it: what is left would not help.
    """
    before = _free(disk)
    fruitless = 0
    stop = plan.blocked
    for removal in plan.removals:
        if stop is None and plan.target is not None and before is not None:
            stop = "there is room now" if before >= plan.target else None
        if stop is None and plan.target is not None and fruitless >= _FRUITLESS:
            stop = "two removals in a row freed nothing"
        if stop is not None:
            yield Done(removal, stop)
            continue
        why_not = _removed(connection, removal.candidate)
        after = _free(disk)
        freed = None if before is None or after is None else after - before
        before = after
        if why_not is None:
            fruitless = fruitless + 1 if freed is not None and freed < _NOTHING else 0
        yield Done(removal, why_not, freed if why_not is None else None)


def _free(disk: Callable[[], DiskSpace | None]) -> int | None:
    space = disk()
    return space.free if space else None


def _removed(connection: Connection, one: Candidate) -> str | None:
    """Remove one thing; why it was not, None where it was."""
    try:
        if one.kind is Kind.CONTAINER:
            return _container(connection, one)
        if one.kind is Kind.TAG:
            return _tag(connection, one)
        if one.kind is Kind.IMAGE:
            return _image(connection, one)
        cleanup = prune_cache(connection, [one.id])
        return cleanup.kept.get(one.id)
    except EngineError as error:
        return error.message


def _container(connection: Connection, one: Candidate) -> str | None:
    found = census.container(connection, one.id)
    if found is None:
        return _GONE
    now = read_container(found)
    if not now.stopped or (now.stopped_at is not None and now.stopped_at > one.since):
        return "it was started meanwhile"
    return None if census.remove_container(connection, one.id) else _GONE


def _tag(connection: Connection, one: Candidate) -> str | None:
    (tag,) = one.names
    found = images.document(connection, tag)
    if found is None:
        return _GONE
    if str(images.image_id_of(found)) != one.id:
        return "it names another image by now"
    return None if census.remove_image(connection, tag) else _GONE


def _image(connection: Connection, one: Candidate) -> str | None:
    """Take every planned name off an image, and the image with them."""
    found = images.document(connection, one.id)
    if found is None:
        return _GONE
    named = images.names_of(found, "RepoTags")
    strange = [name for name in named if name not in one.names]
    if strange:
        return f"it was named {strange[0]} meanwhile"
    with connection.failures(f"looking for containers of {one.id}"):
        users = connection.client.containers(all=True, quiet=True, filters={"ancestor": one.id})
    for user in users:
        container = census.container(connection, user["Id"])
        if container is not None and read_container(container).image_id == one.id:
            return f"the container {read_container(container).name} was made from it meanwhile"
    for name in (*named, *images.names_of(found, "RepoDigests")):
        census.remove_image(connection, name)
    if images.document(connection, one.id) is not None:
        census.remove_image(connection, one.id)
    return None
