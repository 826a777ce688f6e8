"""BuildKit's trace: what ``moby.buildkit.trace`` messages of a build's stream say.

Each message is a ``moby.buildkit.v1.StatusResponse`` (BuildKit's ``control.proto``):
vertices (steps) that began, ended or failed, and what they printed. Fields that are not
read here (statuses, warnings, later additions) are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drift.engine.wire import fields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Vertex:
    """One report about a step. ``digest`` tells steps apart; a later report completes an earlier.

    ``error`` is empty where it did not fail.
    """

    digest: str
    name: str = ""
    cached: bool = False
    started: datetime | None = None
    completed: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Some bytes that a step printed, cut anywhere. ``stream`` is 1 for stdout, 2 for stderr."""

    vertex: str
    content: bytes
    at: datetime | None = None
    stream: int = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """One message: reports in the order sent."""

    vertices: tuple[Vertex, ...] = ()
    outputs: tuple[Output, ...] = ()


def parse_trace(message: bytes) -> Trace:
    """Decode one ``StatusResponse``.

    Raises:
        ValueError: the bytes are truncated or malformed.
    """
    vertices, outputs = [], []
    for number, value in fields(message):
        if number == 1 and isinstance(value, bytes):
            vertices.append(_vertex(value))
        elif number == 3 and isinstance(value, bytes):
            outputs.append(_output(value))
    return Trace(tuple(vertices), tuple(outputs))


def _vertex(message: bytes) -> Vertex:
    texts = {1: "", 3: "", 7: ""}
    times: dict[int, datetime] = {}
    cached = False
    for number, value in fields(message):
        if isinstance(value, int):
            cached = bool(value) if number == 4 else cached
        elif number in texts:
            texts[number] = value.decode(errors="replace")
        elif number in (5, 6):
            times[number] = _timestamp(value)
    return Vertex(texts[1], texts[3], cached, times.get(5), times.get(6), texts[7])


def _output(message: bytes) -> Output:
    vertex, content, at, stream = "", b"", None, 1
    for number, value in fields(message):
        if number == 3 and isinstance(value, int):
            stream = value
        elif isinstance(value, int):
            continue
        elif number == 1:
            vertex = value.decode(errors="replace")
        elif number == 2:
            at = _timestamp(value)
        elif number == 4:
            content = value
    return Output(vertex, content, at, stream)


def _timestamp(message: bytes) -> datetime:
    """A ``google.protobuf.Timestamp``, to the microsecond."""
    seconds, nanos = 0, 0
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            seconds = value
        elif number == 2 and isinstance(value, int):
            nanos = value
    if seconds >= 1 << 63:  # an int64, in two's complement
        seconds -= 1 << 64
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise ValueError(f"no such time: {seconds} s, {nanos} ns") from error
