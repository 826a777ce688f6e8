"""A gRPC client, made with h2 as well, talks to the server over a pair of queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.engine.grpc import NOT_FOUND, CallError, GrpcServer, Send, Unary


class Echo:
    """Gives every message back in capitals."""

    def __init__(self, headers: Mapping[str, str], send: Send) -> None:
        self.send = send
        self.prefix = headers.get("prefix", "").encode()

    def take(self, message: bytes) -> None:
        self.send(self.prefix + message.upper())

    def end(self) -> None:
        self.send(None)


def refuse(request: bytes) -> bytes:
    raise CallError(NOT_FOUND, "no: nothing")


def broken(request: bytes) -> bytes:
    raise OSError("secret detail")


class Peer:
    """The engine's side: one connection, any number of calls."""

    def __init__(self, unary: Mapping[str, Unary], window: int = 65535) -> None:
        self.sent: list[bytes] = []
        self.server = GrpcServer(self.sent.append, unary, {"/Echo": Echo})
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.received: dict[int, bytes] = {}
        self.trailers: dict[int, dict[str, str]] = {}
        self.server.start()
        self.pump()

    def pump(self) -> None:
        """Carry bytes both ways until neither side has more to say."""
        while (there := self.h2.data_to_send()) or self.sent:
            if there:
                self.server.receive(there)
            back, self.sent[:] = b"".join(self.sent), []
            for event in self.h2.receive_data(back) if back else ():
                self.handle(event)

    def handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.DataReceived(stream_id=stream, data=content):
                self.received[stream] = self.received.get(stream, b"") + (content or b"")
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
            case h2.events.TrailersReceived(stream_id=stream, headers=headers):
                self.trailers[stream] = {str(name): str(value) for name, value in headers or ()}

    def call(
        self, path: str, body: bytes, *, end: bool = True, headers: tuple[tuple[str, str], ...] = ()
    ) -> int:
        stream = self.h2.get_next_available_stream_id()
        own = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x")]
        self.h2.send_headers(stream, [*own, *headers])
        self.h2.send_data(stream, body, end_stream=end)
        self.pump()
        return stream


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000), st.integers(500, 70_000))
def test_a_response_of_any_length_gets_through_any_window(length: int, window: int) -> None:
    peer = Peer({"/Give": lambda request: request * length}, window)

    stream = peer.call("/Give", framed(b"x"))

    assert peer.received.get(stream, b"") == framed(b"x" * length)
    assert peer.trailers[stream]["grpc-status"] == "0"


@pytest.mark.parametrize(
    ("path", "method", "status", "message"),
    [
        ("/Missing", refuse, "12", "drift does not serve %2FMissing"),
        ("/Refuse", refuse, "5", "no%3A nothing"),
        ("/Refuse", broken, "13", "the call could not be served"),
    ],
)
def test_a_call_that_fails_has_a_status(
    path: str, method: Callable[[bytes], bytes], status: str, message: str
) -> None:
    peer = Peer({"/Refuse": method})

    stream = peer.call(path, framed(b""))

    assert peer.trailers[stream] == {"grpc-status": status, "grpc-message": message}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", "13"),
        (framed(b"long")[:-1], "13"),
        (b"\x01\x00\x00\x00\x00", "12"),
        (b"\x00\xff\xff\xff\xff", "8"),
    ],
)
def test_a_malformed_request_ends_its_call_only(body: bytes, status: str) -> None:
    peer = Peer({"/Give": lambda request: request})

    bad, good = peer.call("/Give", body), peer.call("/Give", framed(b"ok"))

    assert peer.trailers[bad]["grpc-status"] == status
    assert peer.received[good] == framed(b"ok")


def test_messages_go_both_ways_however_they_are_cut() -> None:
    peer = Peer({})
    stream = peer.call(
        "/Echo", framed(b"one") + framed(b"tw")[:6], end=False, headers=(("prefix", ">"),)
    )
    assert peer.received[stream] == framed(b">ONE")

    peer.h2.send_data(stream, b"o", end_stream=True)
    peer.pump()

    assert peer.received[stream] == framed(b">ONE") + framed(b">TO")
    assert peer.trailers[stream]["grpc-status"] == "0"


def test_what_is_not_http2_is_a_value_error() -> None:
    server = GrpcServer(lambda content: None, {}, {})
    server.start()

    with pytest.raises(ValueError, match="not HTTP/2"):
        server.receive(b"GET / HTTP/1.1\r\n\r\n" * 10)
