"""Protocol Buffers' wire format, as far as BuildKit's messages need it.

A message is read as its fields in the order sent; which fields mean what is the caller's.
Bytes from an engine are untrusted: every length is checked against what is there, and
anything malformed is a :class:`ValueError`.

Specification: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10
_LARGEST_FIELD = (1 << 29) - 1

Field = tuple[int, int | bytes]


def fields(message: bytes) -> Iterator[Field]:
    """Each field's number and value: an unsigned integer, or bytes.

    Fixed-size fields are given as their little-endian bytes; groups, long deprecated, are
    refused.

    Raises:
        ValueError: the message is truncated or malformed.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number <= _LARGEST_FIELD:
            raise ValueError(f"field number {number} is out of range")
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        size, position = _size(message, position, kind)
        if size > len(message) - position:
            raise ValueError(f"field {number} is truncated")
        yield number, message[position : position + size]
        position += size


def bytes_field(number: int, value: bytes) -> bytes:
    """One field that holds bytes, a string or a message, encoded."""
    return _encoded_varint(number << 3 | _BYTES) + _encoded_varint(len(value)) + value


def first_bytes(message: bytes, number: int) -> bytes:
    """The value of a field that holds bytes; empty where it is absent, as in proto3.

    Raises:
        ValueError: the message is malformed.
    """
    found = b""
    for candidate, value in fields(message):
        if candidate == number and isinstance(value, bytes):
            found = value  # the last one counts, as the specification says
    return found


def _size(message: bytes, position: int, kind: int) -> tuple[int, int]:
    if kind == _BYTES:
        return _varint(message, position)
    if kind in _FIXED_SIZES:
        return _FIXED_SIZES[kind], position
    raise ValueError(f"wire type {kind} is not known")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        if position + index >= len(message):
            raise ValueError("a number is truncated")
        byte = message[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position + index + 1
    raise ValueError("a number is too long")


def _encoded_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
