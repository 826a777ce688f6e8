"""Values ↔ bytes: JSON, compressed with zstd, behind a byte that names the format.

Lone surrogates (paths that are not UTF-8, PEP 383) survive as JSON's escapes. Each frame
carries its size and a checksum: a damaged value is told, and none takes memory without end.
"""

from __future__ import annotations

import json
import typing
from typing import Any, TypeVar

import zstandard

from drift.errors import StoreError
from drift.store.values import decoder, encode

T = TypeVar("T")

_FORMAT = b"\x01"
_LEVEL = 6
_LARGEST = 1 << 30  # bytes of one value, uncompressed; databases take no larger ones


def compress(content: bytes) -> bytes:
    """Bytes as they are kept: the format's number, then one zstd frame.

    Raises:
        StoreError: they are more than the store takes back.
    """
    if len(content) > _LARGEST:
        raise StoreError(
            f"a value of {len(content)} bytes is too large for the store",
            hint="split what makes it so large into several layers or images",
        )
    return _FORMAT + zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)


def decompress(stored: bytes) -> bytes:
    """The inverse of :func:`compress`. Raises StoreError where the bytes are damaged."""
    if stored[:1] != _FORMAT:
        raise damaged(f"its format is {stored[:1]!r}")
    frame = memoryview(stored)[1:]
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= _LARGEST:
            raise damaged("its size is absurd")
        return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise damaged(str(error)) from error


def damaged(reason: str) -> StoreError:
    """The error for a stored value that can't be read."""
    return StoreError(
        f"a value in the store is damaged or written by a newer drift: {reason}",
        hint="restore the store from a copy, or move it away and begin anew",
    )


def pack_json(document: object) -> bytes:
    """A JSON document, keys in the order given: the same document gives the same bytes."""
    return compress(json.dumps(document, separators=(",", ":")).encode("ascii"))


def unpack_json(stored: bytes) -> Any:
    """The inverse of :func:`pack_json`. Raises StoreError where the bytes are damaged."""
    try:
        return json.loads(decompress(stored))
    except (ValueError, RecursionError) as error:
        raise damaged(str(error)) from error


def pack(value: object) -> bytes:
    """A dataclass as compressed bytes."""
    return pack_json(encode(value))


def unpack(kind: type[T], stored: bytes) -> T:
    """The inverse of :func:`pack`. Raises StoreError where the bytes are not a ``kind``."""
    try:
        return typing.cast(T, decoder(typing.cast(Any, kind))(unpack_json(stored)))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise damaged(f"not a {kind.__name__}: {error!r}") from error
