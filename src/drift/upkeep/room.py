"""Room for the copies of volumes, and who else uses what would be copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drift.engine import archives
from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.engine.leavings import disk_usage
from drift.report.words import size
from drift.upkeep.model import Container, Mount

_MARGIN = 64 << 20  # bytes beside a tenth: directories, and what others write meanwhile
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that copies take, and that are free where the engine keeps volumes (None: not
    known)."""

    needed: int
    free: int | None

    @property
    def refused(self) -> str | None:
        """Why the copies should not be made; None where there is room, or it is not known."""
        if self.free is None or self.free >= self.needed + self.needed // 10 + _MARGIN:
            return None
        return f"no room for copies of its volumes: {size(self.needed)}, and {size(self.free)} free"

    def __str__(self) -> str:
        free = "how much is free is not known" if self.free is None else f"{size(self.free)} free"
        return f"its volumes are copied first: {size(self.needed)}, {free}"


def room(engine: Engine, members: Sequence[Container]) -> Room:
    """What the copies of these containers' writable volumes take, each volume once.

    Raises:
        EngineError: the engine does not answer.
    """
    known = _sizes(engine.connection)
    holders: dict[str, tuple[Container, Mount]] = {}
    for one in members:
        for mount in writable_volumes(one):
            holders.setdefault(mount.name or "", (one, mount))
    needed = 0
    for name, (one, mount) in holders.items():
        told = known.get(name, -1)
        needed += told if told >= 0 else _measured(engine.connection, one, mount)
    space = engine.disk()
    return Room(needed, space.free if space else None)


def writable_volumes(container: Container) -> tuple[Mount, ...]:
    """The volumes that a container may write to."""
    return tuple(one for one in container.mounts if one.type == "volume" and one.writable)


def writable_binds(container: Container) -> tuple[str, ...]:
    """The directories and files of the host that a container may write to, other than sockets."""
    binds = (one for one in container.mounts if one.type == "bind" and one.writable)
    return tuple(one.source for one in binds if not one.source.endswith(".sock"))


def strangers(members: Sequence[Container], everyone: Sequence[Container]) -> list[tuple[str, str]]:
    """The volumes that would be copied and that a container beside ``members`` uses while it
    runs: its path in a member, and the container's name."""
    mine = {one.id for one in members}
    places: dict[str | None, str] = {}
    for one in members:
        for mount in writable_volumes(one):
            places.setdefault(mount.name, mount.destination)
    return sorted(
        {
            (places[mount.name], other.name)
            for other in everyone
            if other.id not in mine and not other.stopped
            for mount in other.mounts
            if mount.type == "volume" and mount.name in places
        }
    )


def _sizes(connection: Connection) -> dict[str, int]:
    """Bytes of the volumes by name, -1 for those whose driver does not tell."""
    with connection.failures("asking for the sizes of volumes"):
        found = disk_usage(connection, "volume").get("Volumes") or ()
    return {str(one["Name"]): int((one.get("UsageData") or {}).get("Size", -1)) for one in found}


def _measured(connection: Connection, container: Container, mount: Mount) -> int:
    """The bytes of a volume's tar."""
    directory, _, name = mount.destination.rpartition("/")
    total = 0
    with archives.reading(connection, container.id, directory, name) as tar:
        while chunk := tar.read(_CHUNK):
            total += len(chunk)
    return total
