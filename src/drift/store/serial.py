"""Values ↔ bytes: JSON, compressed with zstd, behind a byte that names the format.

Dataclasses are written field by field and read back by their type annotations, so that a
field added later with a default reads from what was written before it. Lone surrogates
(paths that are not UTF-8, PEP 383) survive as JSON's escapes.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import zstandard

from drift.errors import StoreError
from drift.oci import ImageConfig

T = TypeVar("T")

_FORMAT = b"\x01"
_LEVEL = 6


def compress(content: bytes) -> bytes:
    """Bytes as they are kept: the format's number, then one zstd frame."""
    return _FORMAT + zstandard.ZstdCompressor(level=_LEVEL).compress(content)


def decompress(stored: bytes) -> bytes:
    """The inverse of :func:`compress`. Raises StoreError where the bytes are damaged."""
    if stored[:1] != _FORMAT:
        raise damaged(f"its format is {stored[:1]!r}")
    try:
        return zstandard.ZstdDecompressor().decompress(memoryview(stored)[1:])
    except zstandard.ZstdError as error:
        raise damaged(str(error)) from error


def damaged(reason: str) -> StoreError:
    """The error for a stored value that can't be read."""
    return StoreError(
        f"a value in the store is damaged or written by a newer drift: {reason}",
        hint="Restore the store from a copy, or move it away and begin anew.",
    )


def pack_json(document: object) -> bytes:
    """A JSON document, keys in the order given: the same document gives the same bytes."""
    return compress(json.dumps(document, separators=(",", ":")).encode("ascii"))


def unpack_json(stored: bytes) -> Any:
    """The inverse of :func:`pack_json`. Raises StoreError where the bytes are damaged."""
    try:
        return json.loads(decompress(stored))
    except ValueError as error:
        raise damaged(str(error)) from error


def pack(value: object) -> bytes:
    """A dataclass as compressed bytes."""
    return pack_json(encode(value))


def unpack(kind: type[T], stored: bytes) -> T:
    """The inverse of :func:`pack`. Raises StoreError where the bytes are not a ``kind``."""
    try:
        return typing.cast(T, decode(kind, unpack_json(stored)))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise damaged(f"not a {kind.__name__}: {error!r}") from error


def encode(value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(value, ImageConfig):
        return value.raw  # all the rest is parsed from it
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # datetimes are dates
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: encode(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: Any, stored: Any) -> Any:
    """The value of type ``kind`` that :func:`encode` made ``stored`` of."""
    if stored is None or kind is Any:
        return stored
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):  # the models have only "X | None"
        return decode(next(a for a in arguments if a is not type(None)), stored)
    if origin is tuple:
        return tuple(decode(arguments[0], item) for item in stored)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: decode(arguments[1], held) for key, held in stored.items()}
    if kind is ImageConfig:
        return ImageConfig.parse(json.dumps(stored).encode("ascii"))
    if dataclasses.is_dataclass(kind):
        made = typing.cast(type, kind)
        hints = _hints(made)
        return made(**{k: decode(hints[k], held) for k, held in stored.items() if k in hints})
    if isinstance(kind, type) and issubclass(kind, date):
        return kind.fromisoformat(stored)
    return kind(stored)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
