"""The volumes of a container's next one: each old one, by name, at the same path. No effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import normpath
from typing import Any

from drift.upkeep.model import Container, Mount


@dataclass(frozen=True, slots=True)
class Mounting:
    """``Binds`` and ``Mounts`` of the next HostConfig. ``lost`` are the paths of tmpfs mounts,
    whose contents go with the old container."""

    binds: tuple[str, ...]
    mounts: tuple[Mapping[str, Any], ...]
    lost: tuple[str, ...]


def mounting_of(container: Container, host: Mapping[str, Any]) -> Mounting:
    """How the next container gets the same mounts, however the old one's were declared.

    Binds go over as they were written. Every volume that they do not name goes over by its
    name: those of ``--mount`` without a source, of VolumesFrom, of the image's VOLUME.
    """
    binds = [str(one) for one in host.get("Binds") or ()]
    # The engine cleans a path that it mounts at: /data/ is /data.
    placed = {normpath(bind.split(":")[1] if ":" in bind else bind) for bind in binds}
    named = {mount.destination: mount for mount in container.mounts if mount.type == "volume"}
    binds = [_named(bind, named) for bind in binds]
    mounts: list[Mapping[str, Any]] = []
    for one in host.get("Mounts") or ():
        target = normpath(str(one.get("Target") or ""))
        placed.add(target)
        volume = named.get(target)
        mounts.append({**one, "Source": volume.name} if volume else dict(one))
    for path, mount in sorted(named.items()):
        if path not in placed:
            mounts.append(_volume(path, mount))
    for mount in container.mounts:  # binds that came by VolumesFrom
        if mount.type == "bind" and mount.destination not in placed:
            options = ",".join(["rw" if mount.writable else "ro", *mount.options])
            binds.append(f"{mount.source}:{mount.destination}:{options}")
    lost = [*(host.get("Tmpfs") or {})]
    lost += [mount.destination for mount in container.mounts if mount.type == "tmpfs"]
    return Mounting(tuple(binds), tuple(mounts), tuple(sorted(set(lost))))


def _named(bind: str, named: Mapping[str, Mount]) -> str:
    """An anonymous volume that was declared as a bare path, by its name."""
    volume = None if ":" in bind else named.get(normpath(bind))
    return f"{volume.name}:{bind}" if volume else bind


def _volume(path: str, mount: Mount) -> Mapping[str, Any]:
    return {
        "Type": "volume",
        "Source": mount.name,
        "Target": path,
        "ReadOnly": not mount.writable,
    }
