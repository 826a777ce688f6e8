"""The engine's documents, read into values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from drift.engine import census, images
from drift.engine.connection import Connection
from drift.engine.leavings import cache_records, moment
from drift.oci import ChainId
from drift.upkeep.model import Census, Container, ImageLayer, Mount, StoredImage
from drift.upkeep.written import written_outside

_METADATA = (
    *("ENV", "CMD", "ENTRYPOINT", "LABEL", "EXPOSE", "USER", "VOLUME", "ARG", "STOPSIGNAL"),
    *("HEALTHCHECK", "SHELL", "ONBUILD", "MAINTAINER"),
)


def take_census(connection: Connection) -> Census:
    """Look at all that the engine holds.

    Raises:
        EngineError: it does not answer.
    """
    # Images before containers: one that is used by a container made meanwhile counts as used.
    stored = tuple(read_image(one, history) for one, history in census.stored_images(connection))
    return Census(
        engine=census.engine_id(connection),
        images=stored,
        containers=read_containers(connection, sizes=True),
        cache=cache_records(connection),
    )


def read_containers(connection: Connection, *, sizes: bool = False) -> tuple[Container, ...]:
    """All containers; their ``size`` is 0 unless it is asked for."""
    return tuple(read_container(one) for one in census.containers(connection, sizes=sizes))


def running(everyone: Iterable[Container]) -> list[Container]:
    """Those that are not stopped, by name."""
    return sorted((one for one in everyone if not one.stopped), key=lambda one: one.name)


def read_container(found: Mapping[str, Any]) -> Container:
    """A container from its inspect document."""
    state, host, config = (found.get(key) or {} for key in ("State", "HostConfig", "Config"))
    return Container(
        id=str(found["Id"]),
        name=str(found.get("Name") or "").removeprefix("/"),
        image_id=images.full_id(str(found["Image"])) if found.get("Image") else "",
        image=str(config.get("Image") or ""),
        state=str(state.get("Status") or ("running" if state.get("Running") else "exited")),
        created_at=_real(found.get("Created")),
        finished_at=_real(state.get("FinishedAt")),
        restart=str((host.get("RestartPolicy") or {}).get("Name") or "no"),
        auto_remove=bool(host.get("AutoRemove")),
        labels={str(k): str(v) for k, v in (config.get("Labels") or {}).items()},
        names_others=named_containers(host),
        mounts=_mounts(found.get("Mounts") or (), host.get("Tmpfs") or {}),
        size=int(found.get("SizeRw") or 0),
        started_at=_real(state.get("StartedAt")),
        stands_on=_stood_on(host),
        made=_made(config, host),
    )


def _made(config: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[str, ...]:
    """The working directory, which an engine makes where an image has none, and the program of
    ``--init`` (which may be the engine's default) where it puts it."""
    paths = [str(config.get("WorkingDir") or "")]
    if host.get("Init") is not False:
        paths += ["/sbin/docker-init", "/usr/sbin/docker-init"]
    return tuple(path for path in paths if path.strip("/"))


def named_containers(host: Mapping[str, Any]) -> tuple[str, ...]:
    """The containers, by id or name, that a HostConfig names."""
    volumes = [str(one).partition(":")[0] for one in host.get("VolumesFrom") or ()]
    return tuple(dict.fromkeys([*volumes, *_stood_on(host)]))


def _stood_on(host: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of them that a container needs to start: links and namespaces."""
    links = [str(one).partition(":")[0].removeprefix("/") for one in host.get("Links") or ()]
    modes = [str(host.get(key) or "") for key in ("NetworkMode", "IpcMode", "PidMode")]
    joined = [mode.removeprefix("container:") for mode in modes if mode.startswith("container:")]
    return tuple(dict.fromkeys([*links, *joined]))


def names(container: Container, reference: str) -> bool:
    """Whether a name, an id or the beginning of one means this container."""
    reference = reference.removeprefix("/")
    return bool(reference) and (
        reference == container.name or (len(reference) >= 12 and container.id.startswith(reference))
    )


def naming(container: Container, everyone: Iterable[Container]) -> list[Container]:
    """The other containers that name this one: they would lose it with it."""
    return [
        other
        for other in everyone
        if other.id != container.id and any(names(container, one) for one in other.names_others)
    ]


def standing_on(container: Container, everyone: Iterable[Container]) -> list[Container]:
    """The other containers that stand on this one, and those on them: nearest first."""
    everyone = list(everyone)
    found = [container]
    for one in found:
        found += [
            other
            for other in everyone
            if other not in found and any(names(one, named) for named in other.stands_on)
        ]
    return found[1:]


def read_written(
    connection: Connection, container: Container, discard: Sequence[str]
) -> tuple[str, ...] | None:
    """See :func:`drift.upkeep.written.written_outside`; None where it cannot be told."""
    found = census.changes(connection, container.id)
    if found is None:
        return None
    points = [mount.destination for mount in container.mounts]
    return written_outside(found, points, discard, container.made)


def _mounts(found: Iterable[Mapping[str, Any]], tmpfs: Iterable[str]) -> tuple[Mount, ...]:
    """All mounts: an engine lists those that ``--tmpfs`` asked for apart from the others."""
    mounts = [_mount(one) for one in found]
    listed = {one.destination for one in mounts}
    mounts += [Mount("tmpfs", None, "", path, True) for path in tmpfs if path not in listed]
    return tuple(mounts)


def _mount(found: Mapping[str, Any]) -> Mount:
    labels = tuple(one for one in str(found.get("Mode") or "").split(",") if one in ("z", "Z"))
    return Mount(
        type=str(found.get("Type") or ""),
        name=str(found["Name"]) if found.get("Name") else None,
        source=str(found.get("Source") or ""),
        destination=str(found.get("Destination") or ""),
        writable=bool(found.get("RW", True)),
        options=(*labels, str(found["Propagation"])) if found.get("Propagation") else labels,
    )


def read_image(found: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> StoredImage:
    """An image from its inspect document and history."""
    diff_ids = images.diff_ids_of(found)
    sizes = layer_sizes(history, len(diff_ids))
    chains = [str(ChainId.of_layers(diff_ids[: n + 1])) for n in range(len(diff_ids))]
    return StoredImage(
        id=images.full_id(str(found["Id"])),
        tags=images.names_of(found, "RepoTags"),
        digests=images.names_of(found, "RepoDigests"),
        created_at=_real(found.get("Created")),
        tagged_at=_real((found.get("Metadata") or {}).get("LastTagTime")),
        labels={
            str(key): str(value)
            for key, value in ((found.get("Config") or {}).get("Labels") or {}).items()
        },
        layers=tuple(ImageLayer(chain, size) for chain, size in zip(chains, sizes, strict=True)),
    )


def layer_sizes(history: Sequence[Mapping[str, Any]], layers: int) -> list[int | None]:
    """The size of each layer, bottom first; None for all where the history does not tell
    which of its entries made none."""
    entries = [
        (int(entry.get("Size") or 0), str(entry.get("CreatedBy") or "")) for entry in history
    ]
    entries.reverse()
    for choice in (
        [size for size, _ in entries if size],
        [size for size, by in entries if size or not _is_metadata(by)],
    ):
        if len(choice) == layers:
            return list(choice)
    return [None] * layers


def _is_metadata(created_by: str) -> bool:
    words = created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop)").split(maxsplit=1)
    return not words or words[0].upper() in _METADATA


def _real(text: object) -> datetime | None:
    """A time that happened: the engine writes 0001-01-01 for one that did not."""
    found = moment(text)
    return found if found and found.year > 1 else None
