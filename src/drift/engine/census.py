"""What the engine holds, as its own documents say it, and single things taken away again.

Nothing here chooses: what is removed was named by its id or reference, and is asked for
without force, so that the engine itself refuses what is in use. What is gone by now is no
failure: another may be cleaning too.

Specification: the engine API's ``ContainerList``, ``ContainerInspect``, ``ContainerChanges``,
``ImageList``, ``ImageInspect``, ``ImageHistory``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docker.errors

from drift.engine import images
from drift.engine.connection import Connection
from drift.errors import EngineError

Document = Mapping[str, Any]
_PER_TOP = 60.0  # seconds
_LONGEST_LOG = 1 << 14  # bytes of a log's end that are looked at
_PER_CHANGES = 600.0  # seconds: the engine walks the whole container


def engine_id(connection: Connection) -> str:
    """What tells this engine from others; podman, which has no id, by its host's name."""
    with connection.failures("asking what it is"):
        system = connection.client.info()
    return str(system.get("ID") or system.get("Name") or "")


def containers(connection: Connection, *, sizes: bool = False) -> Iterator[Document]:
    """The inspect documents of all containers, running or not; see :func:`container`."""
    with connection.failures("listing containers"):
        listed = connection.client.containers(all=True, quiet=True)
    for one in listed:
        found = container(connection, one["Id"], size=sizes)
        if found is not None:
            yield found


def containers_labelled(connection: Connection, label: str) -> tuple[str, ...]:
    """The ids of containers, running or not, that have a label."""
    with connection.failures("listing containers"):
        found = connection.client.containers(all=True, quiet=True, filters={"label": label})
    return tuple(str(one["Id"]) for one in found)


@dataclass(frozen=True, slots=True)
class InUse:
    """The images that an engine holds, and those of them that a container stands on, by id."""

    engine: str
    present: frozenset[str]
    used: frozenset[str]


def images_in_use(connection: Connection) -> InUse:
    """What is in use right now; containers that are stopped use their image too."""
    with connection.failures("listing images and containers"):
        present = {images.full_id(one["Id"]) for one in connection.client.images()}
        used = {images.full_id(one["ImageID"]) for one in connection.client.containers(all=True)}
    return InUse(engine_id(connection), frozenset(present), frozenset(used))


def container(connection: Connection, name: str, *, size: bool = False) -> Document | None:
    """A container's inspect document, None where it is gone.

    With ``size`` it has ``SizeRw``, for which the engine reads all that the container wrote.
    """
    with connection.failures(f"inspecting the container {name}"):
        response = connection.client.get(
            connection.url(f"/containers/{name}/json"), params={"size": int(size)}, timeout=120
        )
        if response.status_code == 404:
            return None
        connection.check(response)
        found: Document = response.json()
        return found


def stored_images(connection: Connection) -> Iterator[tuple[Document, list[Document]]]:
    """Each image's inspect document and history, newest entry first; no intermediate ones."""
    with connection.failures("listing images"):
        ids = sorted({str(one["Id"]) for one in connection.client.images()})
    for image_id in ids:
        found = images.document(connection, image_id)
        if found is None:
            continue
        with connection.failures(f"reading the history of {image_id}"):
            try:
                yield found, connection.client.history(image_id)
            except docker.errors.NotFound:
                continue


def changes(connection: Connection, container_id: str) -> list[Document] | None:
    """What a container wrote outside its mounts: ``Path`` and ``Kind`` (0 modified, 1 added,
    2 deleted). None where the container is gone."""
    with connection.failures(f"asking what the container {container_id} changed"):
        response = connection.client.get(
            connection.url(f"/containers/{container_id}/changes"), timeout=_PER_CHANGES
        )
        if response.status_code == 404:
            return None
        connection.check(response)
        return response.json() or []


def processes(connection: Connection, container_id: str) -> list[tuple[int, int, str]]:
    """The processes of a running container: id, parent's id, command line. None of them where
    the engine cannot tell (it asks its host's ``ps``)."""
    with connection.failures(f"listing the processes of the container {container_id}"):
        response = connection.client.get(
            connection.url(f"/containers/{container_id}/top"),
            params={"ps_args": "-eo pid,ppid,args"},
            timeout=_PER_TOP,
        )
        if not response.ok:
            return []
        rows = response.json().get("Processes") or []
    return [
        (int(row[0]), int(row[1]), str(row[2]))
        for row in rows
        if len(row) == 3 and row[0].isdecimal() and row[1].isdecimal()
    ]


def last_lines(connection: Connection, container_id: str, lines: int) -> list[str]:
    """The end of what a container printed, each line cut to 200 characters; empty where it
    printed nothing, or its logging driver keeps nothing that can be read."""
    try:
        with connection.failures("reading a container's log"):
            found = connection.client.logs(container_id, tail=lines)
    except EngineError:
        return []
    text = bytes(found)[-_LONGEST_LOG:].decode(errors="replace")
    return [line[:200] for line in text.splitlines()[-lines:]]


def remove_container(connection: Connection, container_id: str, *, volumes: bool = False) -> bool:
    """Remove a stopped container. False where it was gone.

    Its volumes stay; with ``volumes`` those go that the engine made for it without a name.
    """
    with connection.failures(f"removing the container {container_id}"):
        try:
            connection.client.remove_container(container_id, v=volumes, force=False)
        except docker.errors.NotFound:
            return False
        except docker.errors.APIError as error:
            if "is already in progress" in str(error.explanation):
                return False  # another removes it right now
            raise
    return True


def remove_image(connection: Connection, name: str) -> bool:
    """Take one reference off an image, or remove a nameless one by id. False: it was gone."""
    with connection.failures(f"removing {name}"):
        try:
            connection.client.remove_image(name, force=False)
        except docker.errors.NotFound:
            return False
    return True
