"""Directories of a container as tar streams: the engine API's ``ContainerArchive`` and
``PutContainerArchive``.

The engine mounts a container's volumes for both, also where it never ran, and locks the
container for as long: to read and to write at once takes two containers. Its archives hold
types, modes, owners, times in seconds, hard links and file capabilities; they hold no sockets,
and no other extended attributes, ACLs among them.
"""

from __future__ import annotations

import http.client
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from drift.engine import transport
from drift.engine.connection import Connection
from drift.errors import EngineError

_PATIENCE = 3600.0  # seconds for each wait: a disk may be slow, a stream does not stand still
_REFUSAL = 64 * 1024
_TAR = {"Content-Type": "application/x-tar"}


@contextmanager
def reading(
    connection: Connection, container: str, directory: str, name: str | int
) -> Iterator[BinaryIO]:
    """What is ``name`` in a directory of a container, as a tar; its names begin with that one.

    It need not be read to its end. A stream that the engine breaks off ends without the two
    empty blocks that end a tar.

    Raises:
        EngineError: there is no such container or path, or the engine fails.
    """
    path = f"{directory}/{name}"
    doing = f"reading {path} of the container {container}"
    exchange = transport.Connection(connection.client)
    with ExitStack() as closing, _failures(connection, doing):
        closing.enter_context(exchange)
        response = exchange.get(f"/containers/{container}/archive", _PATIENCE, {"path": path})
        if response.status != 200:
            raise EngineError(f"the engine refused {doing}: {_said(response)}")
        yield cast(BinaryIO, response)


def write(connection: Connection, container: str, directory: str, tar: BinaryIO) -> None:
    """Unpack a tar in a directory of a container, as it is read.

    What stands there and the tar names is replaced; a directory keeps what is in it.

    Raises:
        EngineError: there is no such container or directory, or not all could be unpacked.
    """
    doing = f"writing to {directory} of the container {container}"
    with _failures(connection, doing):
        status, said = _put(connection, container, directory, tar)
        if status != 200:
            raise EngineError(
                f"the engine refused {doing}: {said}", hint="its disk may be full: see its log"
            )


def write_file(connection: Connection, container: str, directory: str, name: str) -> None:
    """Make an empty file in a directory of a container."""
    write(connection, container, directory, _tar_of(name))


def empty(connection: Connection, container: str, directory: str, name: str | int) -> str:
    """Remove all that is in ``directory/name``, a volume's mount point; why not all, if so.

    The API has no call for it. Unpacking a file where a directory stands, the engine removes
    the directory with all that is in it first, and cannot remove the mount point itself: so the
    request fails when its work is done. Whether it is done is for the caller to look at.
    """
    with _failures(connection, f"emptying {directory}/{name} of the container {container}"):
        _, said = _put(connection, container, directory, _tar_of(str(name)))
    return said


def exists(connection: Connection, container: str, path: str) -> bool:
    """Whether anything stands at a path of a container."""
    with connection.failures(f"looking for {path} in the container {container}"):
        response = connection.client.head(
            connection.url(f"/containers/{container}/archive"), params={"path": path}
        )
        if response.status_code == 404:
            return False
        connection.check(response)
    return True


@contextmanager
def _failures(connection: Connection, doing: str) -> Iterator[None]:
    with connection.failures(doing):
        try:
            yield
        except http.client.HTTPException as error:
            raise ConnectionError(f"no whole answer: {error!r}") from error


def _put(connection: Connection, container: str, directory: str, tar: BinaryIO) -> tuple[int, str]:
    with transport.Connection(connection.client) as exchange:
        path = f"/containers/{container}/archive"
        response = exchange.post(path, {"path": directory}, tar, _TAR, "PUT")
        return response.status, "" if response.status == 200 else _said(response)


def _tar_of(name: str) -> BinaryIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    buffer.seek(0)
    return buffer


def _said(response: http.client.HTTPResponse) -> str:
    body = response.read(_REFUSAL)
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace") or response.reason
