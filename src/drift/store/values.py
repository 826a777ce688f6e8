"""Typed values ↔ what JSON has: dataclasses field by field, read back by their annotations.

A field added later with a default reads from what was written before it; a field that this
version does not know is left out. What each type needs is worked out once.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from functools import cache
from typing import Any

from drift.oci import ImageConfig

Decoder = Callable[[Any], Any]


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


@cache
def decoder(kind: Any) -> Decoder:
    """What makes values of type ``kind`` of what :func:`encode` made of them.

    It raises TypeError, ValueError, KeyError or AttributeError for anything else.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):  # the models have only "X | None"
        return _optional(decoder(next(a for a in arguments if a is not types.NoneType)))
    if origin is tuple:  # the models have only "tuple[X, ...]"
        return _sequence(decoder(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(decoder(arguments[1]))
    if kind is ImageConfig:
        return lambda stored: ImageConfig.parse(json.dumps(stored).encode("ascii"))
    if dataclasses.is_dataclass(kind):
        return _fields(typing.cast("type[Any]", kind))
    if issubclass(kind, date):
        return typing.cast(Decoder, kind.fromisoformat)
    return _exactly(kind) if kind in (str, int, bool) else typing.cast(Decoder, kind)


def _optional(inner: Decoder) -> Decoder:
    return lambda stored: None if stored is None else inner(stored)


def _sequence(inner: Decoder) -> Decoder:
    return lambda stored: tuple(map(inner, stored))


def _mapping(inner: Decoder) -> Decoder:
    return lambda stored: {key: inner(held) for key, held in stored.items()}


def _fields(kind: type[Any]) -> Decoder:
    hints = typing.get_type_hints(kind)
    fields = {field.name: decoder(hints[field.name]) for field in dataclasses.fields(kind)}
    return lambda stored: kind(
        **{name: fields[name](held) for name, held in stored.items() if name in fields}
    )


def _exactly(kind: type[Any]) -> Decoder:
    def check(stored: Any) -> Any:
        if not isinstance(stored, kind):
            raise TypeError(f"{stored!r:.80} is no {kind.__name__}")
        return stored

    return check
