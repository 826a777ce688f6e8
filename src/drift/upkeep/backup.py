"""Copies of a container's volumes, kept by the engine itself until an upgrade is decided.

A container ``NAME.drift-backup`` of the old image, which never starts, mounts each volume under
``/drift-TOKEN/old`` and a fresh, anonymous one for its copy under ``/drift-TOKEN/copy``. Data
go from one to the other as the engine's own tar streams, nothing is kept on drift's machine and
no program of an image runs. The token is random, so that the image cannot have anything there.
Which volume belongs to which copy is read from the container alone, by whoever goes on.

An engine locks a container while it streams from or to it, so a second one that never starts,
``NAME.drift-backup-source``, has the volumes as well: one is read while the other is written.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drift.engine import archives, census, containers
from drift.engine.connection import Connection
from drift.errors import EngineError
from drift.upkeep.likeness import first_difference, listed
from drift.upkeep.marks import BACKUP, SOURCE
from drift.upkeep.model import Container, Mount
from drift.upkeep.reading import read_containers

_TARGET = re.compile(r"(/drift-[0-9a-f]{32})/(old|copy)/([0-9]+)")
_WHOLE = "whole"  # a file that says that all copies are


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup container: its id, name and image, the directory of its mounts, and the copied
    volumes' names by the number that they are mounted under."""

    id: str
    name: str
    image: str
    place: str
    volumes: Mapping[int, str]

    @property
    def source(self) -> str:
        """The name of the second container."""
        return self.name.removesuffix(BACKUP) + SOURCE


def take(
    connection: Connection,
    container: Container,
    volumes: Sequence[Mount],
    label: Mapping[str, str],
) -> None:
    """Copy these volumes of a stopped container.

    The copies are compared with what they were made of before this returns, and the engine has
    shown that it could restore.

    Raises:
        EngineError: not all could be copied (the disk is full), a volume is in use, or the
            name is taken. What was made stays for :func:`discard`.
    """
    names = sorted({mount.name for mount in volumes if mount.name})
    place = f"/drift-{secrets.token_hex(16)}"
    mounts = [*_old(place, dict(enumerate(names))), *_copies(place, names)]
    name = f"{container.name}{BACKUP}"
    made = _create(connection, name, container.image_id, mounts, label)
    backup = find(connection, made)
    if backup is None or sorted(backup.volumes.values()) != names:
        raise EngineError("the engine does not mount volumes as it was asked to")
    _require_idle(connection, backup)
    source = _source(connection, backup)
    for number in backup.volumes:
        original, copy = (source, f"{place}/old", number), (made, f"{place}/copy", number)
        # Something to remove: an engine that cannot empty a volume could not restore one.
        archives.write_file(connection, made, f"{place}/copy/{number}", "drift")
        _copy(connection, original, copy, backup.volumes[number])
    archives.write_file(connection, made, place, _WHOLE)


def restore(connection: Connection, backup: Container, old: Container) -> None:
    """Make the volumes of a stopped container again what they were when they were copied.

    What was added since is gone, and each volume is compared with its copy. It may be done
    again, from its beginning, after whatever interrupted it.

    Raises:
        EngineError: it is no backup of this container, its copies are not whole, a volume is
            in use, or differs afterwards.
    """
    found = find(connection, backup.id)
    if found is None or not set(found.volumes.values()) <= {mount.name for mount in old.mounts}:
        raise EngineError(f"{backup.name} holds no copies of the volumes of {old.name}")
    if not is_whole(connection, backup):
        raise EngineError(f"the copies in {backup.name} are not whole: nothing was restored")
    _require_idle(connection, found)
    source = _source(connection, found)
    for number, volume in found.volumes.items():
        original = (source, f"{found.place}/old", number)
        _copy(connection, (found.id, f"{found.place}/copy", number), original, volume)


def is_whole(connection: Connection, backup: Container) -> bool:
    """Whether all copies were made, and compared."""
    found = find(connection, backup.id)
    return found is not None and archives.exists(connection, found.id, f"{found.place}/{_WHOLE}")


def discard(connection: Connection, backup: Container) -> bool:
    """Remove a backup container with its copies, and nothing else. False: there was none."""
    found = find(connection, backup.id)
    if found is None:
        return False
    source = find(connection, found.source)
    if source is not None and source.place == found.place:
        census.remove_container(connection, source.id)
    return census.remove_container(connection, found.id, volumes=True)


def find(connection: Connection, name: str) -> Backup | None:
    """What a backup container (by id or name), or its source, holds; None where it is none.

    What was asked for in ``HostConfig.Mounts`` counts: no image has a say in that.
    """
    document = census.container(connection, name)
    if document is None:
        return None
    asked = (document.get("HostConfig") or {}).get("Mounts") or ()
    targets = [_TARGET.fullmatch(str(one.get("Target") or "")) for one in asked]
    places = {match[1] if match else "" for match in targets}
    if len(places) != 1 or "" in places:
        return None
    volumes = {
        int(match[3]): str(one.get("Source") or "")
        for match, one in zip(targets, asked, strict=True)
        if match and match[2] == "old"
    }
    named = str(document["Name"]).removeprefix("/")
    return Backup(str(document["Id"]), named, str(document["Image"]), places.pop(), volumes)


def _old(place: str, names: Mapping[int, str]) -> list[Mapping[str, Any]]:
    return [
        {"Type": "volume", "Source": name, "Target": f"{place}/old/{number}"}
        for number, name in names.items()
    ]


def _copies(place: str, names: Sequence[str]) -> list[Mapping[str, Any]]:
    return [
        {
            "Type": "volume",
            "Target": f"{place}/copy/{number}",
            "VolumeOptions": {"NoCopy": True, "Labels": {"drift.copy-of": name}},
        }
        for number, name in enumerate(names)
    ]


def _create(
    connection: Connection,
    name: str,
    image: str,
    mounts: Sequence[Mapping[str, Any]],
    label: Mapping[str, str],
) -> str:
    body = {
        "Image": image,
        "Cmd": ["drift-backup"],  # never run
        "Entrypoint": [],
        "Labels": dict(label),
        "HostConfig": {"NetworkMode": "none", "Mounts": mounts},
    }
    return containers.create(connection, name, body)


def _source(connection: Connection, backup: Backup) -> str:
    """The id of the second container, made where it is not there."""
    name = backup.source
    found = find(connection, name)
    if found is not None and found.place == backup.place:
        return found.id
    return _create(connection, name, backup.image, _old(backup.place, backup.volumes), {})


Place = tuple[str, str, int]  # a container, a directory in it, the name of a volume's mount there


def _copy(connection: Connection, here: Place, there: Place, volume: str) -> None:
    """Make the volume that is mounted there what the one here is."""
    said = archives.empty(connection, *there)
    with archives.reading(connection, *there) as left:
        rest = listed(left)
        if next(rest, None) is None or next(rest, None) is not None:
            raise EngineError(f"the engine cannot empty a volume for {volume}: {said}")
    with archives.reading(connection, *here) as tar:
        archives.write(connection, *there[:2], tar)
    with archives.reading(connection, *here) as one, archives.reading(connection, *there) as other:
        difference = first_difference(one, other)
    if difference is not None:
        raise EngineError(
            f"the volume {volume} and its copy are not the same: {difference}",
            hint="see the engine's log; both are kept",
        )


def _require_idle(connection: Connection, backup: Backup) -> None:
    names = set(backup.volumes.values())
    for one in read_containers(connection):
        used = sorted(names & {mount.name or "" for mount in one.mounts})
        if used and not one.stopped:
            raise EngineError(f"{one.name} runs and uses the volume {used[0]}")
