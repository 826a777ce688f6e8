from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.engine.wire import bytes_field, fields, first_bytes


def test_numbers_bytes_and_fixed_sizes_are_read_in_order() -> None:
    message = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x19" + bytes(8) + b"\x25" + bytes(4)

    assert list(fields(message)) == [(1, 150), (2, b"hi"), (3, bytes(8)), (4, bytes(4))]


def test_a_negative_number_is_its_64_bit_complement() -> None:
    assert list(fields(b"\x08" + b"\xff" * 9 + b"\x01")) == [(1, (1 << 64) - 1)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x08", "truncated"),
        (b"\x08\x80", "truncated"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "too long"),
        (b"\x12\x05hi", "truncated"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", "truncated"),
        (b"\x19\x00\x00", "truncated"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "out of range"),
    ],
)
def test_malformed_messages_are_refused(message: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(fields(message))


@given(st.integers(1, (1 << 29) - 1), st.binary(max_size=400))
def test_what_is_encoded_is_read_back(number: int, value: bytes) -> None:
    assert list(fields(bytes_field(number, value))) == [(number, value)]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(message: bytes) -> None:
    try:
        read = list(fields(message))
    except ValueError:
        return
    assert all(number >= 1 for number, _ in read)


def test_the_last_of_a_repeated_field_counts_and_an_absent_one_is_empty() -> None:
    message = bytes_field(1, b"first") + bytes_field(1, b"last")

    assert first_bytes(message, 1) == b"last"
    assert first_bytes(message, 2) == b""
