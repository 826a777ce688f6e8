"""Build contexts by digest, compressed, in chunks: never whole in memory.

Chunks are committed as they come, so that a context of gigabytes does not lock the store
for minutes. They become a context with the one row that is written last; chunks without it
(a process that was killed) are invisible, and retention removes them.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, cast

import sqlalchemy as sa
import zstandard

from drift.errors import StoreError
from drift.oci import Digest
from drift.store import serial
from drift.store.database import ConflictError, Database
from drift.store.schema import context_chunks, contexts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 20


def keep(database: Database, digest: Digest, chunks: Iterable[bytes]) -> None:
    """Keep a context; where it is kept already, it only counts as used now.

    Raises what ``chunks`` raises; nothing is kept then.
    """
    if touch(database, digest):
        return
    blob, size = uuid.uuid4().hex, 0
    try:
        for position, body in enumerate(_rechunked(_compressed(chunks))):
            with database.write() as connection:
                row = {"blob": blob, "position": position, "body": body}
                connection.execute(context_chunks.insert(), row)
            size += len(body)
        row = {"digest": digest, "blob": blob, "size": size, "last_used": datetime.now(UTC)}
        with database.write() as connection:
            connection.execute(contexts.insert(), row)
    except BaseException as error:
        with suppress(StoreError), database.write() as connection:  # else retention removes them
            connection.execute(context_chunks.delete().where(context_chunks.c.blob == blob))
        if not isinstance(error, ConflictError) or not touch(database, digest):
            raise


def touch(database: Database, digest: Digest) -> bool:
    """Count a context as used now; whether it is kept at all."""
    update = contexts.update().where(contexts.c.digest == digest)
    with database.write() as connection:
        return connection.execute(update.values(last_used=datetime.now(UTC))).rowcount > 0


def open_context(database: Database, digest: Digest) -> IO[bytes] | None:
    """A context's bytes as they were kept, forward only; None where it is not kept."""
    with database.read() as connection:
        query = sa.select(contexts.c.blob).where(contexts.c.digest == digest)
        blob = connection.execute(query).scalar_one_or_none()
    if blob is None:
        return None
    reader = _Reader(_Chunks(database, blob))
    return cast(IO[bytes], io.BufferedReader(reader, buffer_size=_CHUNK))


def _compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content, then its sha256 by which its reader knows it whole, as one zstd frame."""
    compressor, state = zstandard.ZstdCompressor(level=3).compressobj(), hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
        yield compressor.compress(chunk)
    yield compressor.compress(state.digest())
    yield compressor.flush()


def _rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) >= _CHUNK:
            yield bytes(pending[:_CHUNK])
            del pending[:_CHUNK]
    if pending:
        yield bytes(pending)


class _Reader(io.RawIOBase):
    """A kept context, decompressed as it is read; one chunk in memory at a time.

    Raises StoreError at its end where it is not what was kept: half a context, or one with
    a changed byte, would be another context.
    """

    def __init__(self, chunks: _Chunks) -> None:
        self._stream = zstandard.ZstdDecompressor().stream_reader(
            cast(IO[bytes], chunks), read_size=_CHUNK
        )
        self._state = hashlib.sha256()
        self._pending = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while len(self._pending) <= self._state.digest_size:
            more = self._decompressed()
            if not more:
                return self._end()
            self._pending = memoryview(bytes(self._pending) + more)
        size = min(len(view), len(self._pending) - self._state.digest_size)
        view[:size] = self._pending[:size]
        self._state.update(view[:size])
        self._pending = self._pending[size:]
        return size

    def _decompressed(self) -> bytes:
        try:
            return self._stream.read(_CHUNK)
        except zstandard.ZstdError as error:
            raise serial.damaged(str(error)) from error

    def _end(self) -> int:
        if self._pending != self._state.digest():
            raise serial.damaged("a context is not what was kept")
        return 0


class _Chunks:
    """The compressed chunks of a blob, each read in a transaction of its own."""

    def __init__(self, database: Database, blob: str) -> None:
        self._database = database
        self._blob = blob
        self._position = 0

    def read(self, _size: int) -> bytes:
        with self._database.read() as connection:
            query = sa.select(context_chunks.c.body).where(
                context_chunks.c.blob == self._blob, context_chunks.c.position == self._position
            )
            body = connection.execute(query).scalar_one_or_none()
        self._position += 1
        return body or b""
