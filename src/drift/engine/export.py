"""An image's archive as the engine streams it: ``GET /images/NAME/get``.

The stream is handed on as it comes, without a copy that can be spared. Engines with graph
drivers stage the whole archive before the first byte, which takes minutes for large images;
after the last one they remove what they staged, which nobody needs to wait for.
"""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from drift.engine import transport
from drift.engine.connection import Connection
from drift.errors import EngineError

FIRST_BYTE_TIMEOUT = 3600.0
_TAIL = 1024
_REFUSAL = 64 * 1024
_LEFT = 1 << 20  # bytes after an archive's end; with more to come the reader left early


@contextmanager
def export(connection: Connection, image: str) -> Iterator[BinaryIO]:
    """The archive of an image (reference or ID), to be read up to its end marker at least.

    Reading raises EngineError where the engine fails half-way. Whoever leaves without an error
    does not wait for the engine to clean up and hang up: that is heard out in a thread. Leaving
    early is fine: the connection is closed.

    Raises:
        EngineError: there is no such image, or the engine cannot export it.
    """
    doing = f"exporting {image}"
    exchange = transport.Connection(connection.client)
    with ExitStack() as closing:
        with connection.failures(doing):
            closing.enter_context(exchange)
            response = exchange.get(f"/images/{quote(image, safe='/:@')}/get", FIRST_BYTE_TIMEOUT)
            if response.status != 200:
                raise _refused(image, response)
            body = exchange.rest_of(response)
        yield cast(BinaryIO, _Export(connection, body, doing))
        hearing = threading.Thread(
            target=_hear_out, args=(body, closing.pop_all()), name="export-end", daemon=True
        )
        hearing.start()


def _hear_out(body: io.RawIOBase, closing: ExitStack) -> None:
    """Let the engine end the exchange: one that is cut off logs an error, or cleans up less."""
    left = _LEFT
    with closing, suppress(OSError, http.client.HTTPException):
        while left > 0 and (piece := body.read(left)):
            left -= len(piece)


def _refused(image: str, response: http.client.HTTPResponse) -> EngineError:
    try:
        said = str(json.loads(response.read(_REFUSAL)).get("message"))
    except (ValueError, AttributeError):
        said = response.reason
    hint = "it was removed meanwhile" if response.status == 404 else "see the engine's log"
    return EngineError(f"the engine cannot export {image}: {said}", hint=hint)


class _Export(io.RawIOBase):
    """The body, read straight from the HTTP client into the reader's own buffer."""

    def __init__(self, connection: Connection, body: io.RawIOBase, doing: str) -> None:
        self._connection, self._doing = connection, doing
        self._body = body
        self._tail = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._connection.failures(self._doing):
            count = self._body.readinto(buffer)
        self._seen(memoryview(buffer)[:count], len(buffer))
        return count

    def read(self, size: int = -1, /) -> bytes:
        """As :meth:`readinto`, without the copy that the inherited one makes."""
        with self._connection.failures(self._doing):
            content = self._body.read(size)
        self._seen(memoryview(content), size)
        return content

    def _seen(self, content: memoryview, wanted: int) -> None:
        if len(content):
            self._tail = (self._tail + bytes(content[-_TAIL:]))[-_TAIL:]
        elif wanted:
            self._check_end()

    def _check_end(self) -> None:
        """A failure half-way is appended to the archive as JSON; an archive ends in zeros."""
        _, found, said = self._tail.partition(b'{"errorDetail":')
        if found and self._tail.rstrip().endswith(b"}"):
            raise EngineError(
                f"the engine failed {self._doing}: {said.decode('utf-8', 'replace').strip()}",
                hint="see the engine's log; its disk may be full",
            )
