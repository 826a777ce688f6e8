"""An image's archive as the engine streams it: ``GET /images/NAME/get``.

The stream is handed on as it comes, without a copy that can be spared. Engines with graph
drivers stage the whole archive before the first byte, which takes minutes for large images.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import requests

from drift.engine.connection import Connection
from drift.errors import EngineError

FIRST_BYTE_TIMEOUT = 3600.0
_TAIL = 1024


@contextmanager
def export(connection: Connection, image: str) -> Iterator[BinaryIO]:
    """The archive of an image (reference or ID), to be read from start to end.

    Reading raises EngineError where the engine fails half-way. Leaving early is fine: the
    connection is closed.

    Raises:
        EngineError: there is no such image, or the engine cannot export it.
    """
    doing = f"exporting {image}"
    with connection.failures(doing):
        response = connection.client.get(
            connection.url(f"/images/{quote(image, safe='/:@')}/get"),
            stream=True,
            timeout=(30, FIRST_BYTE_TIMEOUT),
        )
    try:
        if response.status_code != 200:
            raise _refused(image, response)
        yield cast(BinaryIO, _Export(connection, response, doing))
    finally:
        response.close()


def _refused(image: str, response: requests.Response) -> EngineError:
    try:
        said = str(response.json().get("message"))
    except (ValueError, AttributeError, requests.RequestException):
        said = response.reason
    hint = "it was removed meanwhile" if response.status_code == 404 else "see the engine's log"
    return EngineError(f"the engine cannot export {image}: {said}", hint=hint)


class _Export(io.RawIOBase):
    """The body, read straight from the HTTP client into the reader's own buffer."""

    def __init__(self, connection: Connection, response: requests.Response, doing: str) -> None:
        self._connection, self._doing = connection, doing
        # urllib3 copies each block twice more; the standard library's response below it
        # undoes the chunked encoding directly into our buffer.
        self._body: Any = getattr(response.raw, "_fp", None) or response.raw
        self._tail = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._connection.failures(self._doing):
            count = int(self._body.readinto(buffer) or 0)
        if count:
            self._tail = (self._tail + bytes(memoryview(buffer)[max(0, count - _TAIL) : count]))[
                -_TAIL:
            ]
        elif len(buffer):
            self._check_end()
        return count

    def _check_end(self) -> None:
        """A failure half-way is appended to the archive as JSON; an archive ends in zeros."""
        _, found, said = self._tail.partition(b'{"errorDetail":')
        if found and self._tail.rstrip().endswith(b"}"):
            raise EngineError(
                f"the engine failed {self._doing}: {said.decode('utf-8', 'replace').strip()}",
                hint="see the engine's log; its disk may be full",
            )
