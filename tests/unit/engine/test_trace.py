from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.engine.trace import Output, Vertex, parse_trace
from drift.engine.wire import bytes_field

NOON = b"\x08\xc0\xd1\x8c\xb0\x06" + b"\x10\xc0\x84\x3d"  # seconds, then one million nanoseconds


def test_a_vertex_and_what_it_printed() -> None:
    vertex = (
        bytes_field(1, b"sha256:aa")
        + bytes_field(2, b"sha256:input")
        + bytes_field(3, b"[2/3] RUN make")
        + b"\x20\x01"
        + bytes_field(5, NOON)
        + bytes_field(6, NOON)
        + bytes_field(7, b"exit code: 3")
    )
    output = (
        bytes_field(1, b"sha256:aa") + bytes_field(2, NOON) + b"\x18\x02" + bytes_field(4, b"no")
    )
    at = datetime.fromtimestamp(1711483072, UTC).replace(microsecond=1000)

    trace = parse_trace(bytes_field(1, vertex) + bytes_field(2, b"") + bytes_field(3, output))

    assert trace.vertices == (Vertex("sha256:aa", "[2/3] RUN make", True, at, at, "exit code: 3"),)
    assert trace.outputs == (Output("sha256:aa", b"no", at, 2),)


def test_later_additions_are_skipped() -> None:
    vertex = bytes_field(1, b"sha256:aa") + bytes_field(99, b"new") + b"\x50\x07"

    assert parse_trace(bytes_field(1, vertex) + bytes_field(42, b"?")).vertices == (
        Vertex("sha256:aa"),
    )


@pytest.mark.parametrize("length", range(1, 30))
def test_a_truncated_trace_is_refused_or_shorter(length: int) -> None:
    whole = bytes_field(1, bytes_field(1, b"sha256:aa") + bytes_field(3, b"[1/2] FROM x"))

    with pytest.raises(ValueError, match="truncated"):
        parse_trace(whole[: min(length, len(whole) - 1)])


def test_a_time_beyond_the_calendar_is_refused() -> None:
    absurd = b"\x08" + b"\xff" * 8 + b"\x7f"

    with pytest.raises(ValueError, match="no such time"):
        parse_trace(bytes_field(1, bytes_field(5, absurd)))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_trace_or_a_value_error(message: bytes) -> None:
    try:
        trace = parse_trace(bytes_field(1, message) + bytes_field(3, message))
    except ValueError:
        return
    assert len(trace.vertices) == len(trace.outputs) == 1
