"""A gRPC server on one connection that is already there, on top of :mod:`h2`.

Just what a BuildKit session calls: unary methods, and methods that exchange messages both
ways. Requests come from the engine and are bounded: a message of more than 4 MiB (gRPC's
own default) ends its call. Responses respect the peer's flow control, however large.

Specification: gRPC over HTTP/2 (``PROTOCOL-HTTP2.md``), RFC 9113.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

import h2.config
import h2.connection
import h2.events
import h2.exceptions

_LARGEST_MESSAGE = 4 * 1024 * 1024
_PREFIX = 5  # compressed flag, and the length as four bytes

UNKNOWN, NOT_FOUND, RESOURCE_EXHAUSTED = 2, 5, 8
FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL = 9, 12, 13


class CallError(Exception):
    """A method's answer is a status: a code other than 0, and a message for the peer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Exchange(Protocol):
    """The server's side of a method that exchanges messages both ways."""

    def take(self, message: bytes) -> None:
        """The peer's next message."""

    def end(self) -> None:
        """The peer sends no more, or the call is over."""


Unary = Callable[[bytes], bytes]
Send = Callable[[bytes | None], None]
Streaming = Callable[[Mapping[str, str], Send], Exchange]


@dataclass(slots=True)
class _Call:
    path: str
    headers: Mapping[str, str]
    exchange: Exchange | None = None
    received: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    status: tuple[int, str] | None = None  # to be sent when nothing is unsent


class GrpcServer:
    """Answers the calls that come in on one connection.

    ``send`` writes bytes to the connection; :meth:`receive` is fed what comes from it, by one
    thread. Streaming methods may send from threads of their own.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        unary: Mapping[str, Unary],
        streaming: Mapping[str, Streaming],
    ) -> None:
        self._send = send
        self._unary = unary
        self._streaming = streaming
        self._calls: dict[int, _Call] = {}
        self._lock = threading.RLock()
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )

    def start(self) -> None:
        """Send the server's preface."""
        with self._lock:
            self._h2.initiate_connection()
            self._write()

    def receive(self, content: bytes) -> bool:
        """Take in bytes from the connection; False when the peer has ended it.

        Raises:
            ValueError: the peer does not speak HTTP/2.
        """
        with self._lock:
            try:
                events = self._h2.receive_data(content)
            except h2.exceptions.ProtocolError as error:
                self._write()
                raise ValueError(f"not HTTP/2: {error}") from error
            alive = True
            for event in events:
                alive = self._handle(event) and alive
            self._flush()
            return alive

    def close(self) -> None:
        """End every call."""
        with self._lock:
            for stream in list(self._calls):
                self._drop(stream)

    def _handle(self, event: h2.events.Event) -> bool:
        match event:
            case h2.events.RequestReceived(stream_id=stream, headers=headers):
                self._begin(stream, {str(name): str(value) for name, value in headers or ()})
            case h2.events.DataReceived(stream_id=stream, data=content):
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                self._guarded(stream, lambda: self._take(stream, content or b""))
            case h2.events.StreamEnded(stream_id=stream):
                self._guarded(stream, lambda: self._ended(stream))
            case h2.events.StreamReset(stream_id=stream):
                self._drop(stream)
            case h2.events.ConnectionTerminated():
                return False
        return True

    def _begin(self, stream: int, headers: Mapping[str, str]) -> None:
        call = self._calls[stream] = _Call(headers.get(":path", ""), headers)
        self._h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        if call.path in self._streaming:
            self._guarded(stream, lambda: self._open(stream, call))
        elif call.path not in self._unary:
            call.status = (UNIMPLEMENTED, f"drift does not serve {call.path}")

    def _open(self, stream: int, call: _Call) -> None:
        call.exchange = self._streaming[call.path](
            call.headers, lambda message: self._send_message(stream, message)
        )

    def _take(self, stream: int, content: bytes) -> None:
        call = self._calls.get(stream)
        if call is None or call.status is not None:
            return
        call.received += content
        if call.exchange is not None:
            while (message := _next_message(call.received)) is not None:
                call.exchange.take(message)
        else:
            _message_size(call.received)

    def _ended(self, stream: int) -> None:
        call = self._calls.get(stream)
        if call is None or call.status is not None:
            return
        if call.exchange is not None:
            call.exchange.end()
            return
        message = _next_message(call.received)
        if message is None:
            raise CallError(INTERNAL, "the request is truncated")
        call.unsent += _framed(self._unary[call.path](message))
        call.status = (0, "")

    def _guarded(self, stream: int, action: Callable[[], None]) -> None:
        """A failure ends its call, not the connection."""
        try:
            action()
        except CallError as failed:
            self._fail(stream, failed.code, failed.message)
        except (OSError, ValueError):
            self._fail(stream, INTERNAL, "the call could not be served")

    def _fail(self, stream: int, code: int, message: str) -> None:
        call = self._calls.get(stream)
        if call is not None:
            call.unsent.clear()
            call.status = (code, message)

    def _send_message(self, stream: int, message: bytes | None) -> None:
        """From a streaming method: a message, or None to end the call well."""
        with self._lock:
            call = self._calls.get(stream)
            if call is None or call.status is not None:
                return
            if message is None:
                call.status = (0, "")
            else:
                call.unsent += _framed(message)
            self._flush()

    def _flush(self) -> None:
        """Send what the peer's flow control lets through."""
        for stream, call in list(self._calls.items()):
            try:
                self._flush_call(stream, call)
            except h2.exceptions.ProtocolError:  # the stream or the connection is closed
                self._drop(stream)
        self._write()

    def _flush_call(self, stream: int, call: _Call) -> None:
        while call.unsent:
            window = self._h2.local_flow_control_window(stream)
            size = min(window, self._h2.max_outbound_frame_size, len(call.unsent))
            if size <= 0:
                return
            self._h2.send_data(stream, bytes(call.unsent[:size]))
            del call.unsent[:size]
        if call.status is not None:
            code, message = call.status
            trailers = [("grpc-status", str(code)), ("grpc-message", quote(message, safe=" "))]
            self._h2.send_headers(stream, trailers, end_stream=True)
            self._drop(stream)

    def _drop(self, stream: int) -> None:
        call = self._calls.pop(stream, None)
        if call is not None and call.exchange is not None:
            call.exchange.end()

    def _write(self) -> None:
        content = self._h2.data_to_send()
        if content:
            self._send(content)


def _framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


def _message_size(received: bytearray) -> int | None:
    """The length of the first message, None where it is not known yet."""
    if len(received) < _PREFIX:
        return None
    if received[0]:
        raise CallError(UNIMPLEMENTED, "compressed messages are not supported")
    size = int.from_bytes(received[1:_PREFIX], "big")
    if size > _LARGEST_MESSAGE or len(received) > 2 * _LARGEST_MESSAGE:
        raise CallError(RESOURCE_EXHAUSTED, "the message is too large")
    return size


def _next_message(received: bytearray) -> bytes | None:
    """Take the first whole message off, None where there is none yet."""
    size = _message_size(received)
    if size is None or len(received) < _PREFIX + size:
        return None
    message = bytes(received[_PREFIX : _PREFIX + size])
    del received[: _PREFIX + size]
    return message
