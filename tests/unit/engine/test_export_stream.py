"""An export's body, read from a socket whose other end writes as engines do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.engine import transport

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-tar\r\n\r\n"


class Served:
    """A unix socket that answers one request with these pieces, and then hangs up or waits."""

    def __init__(self, directory: Path, pieces: list[bytes], *, ends: bool = True) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        path = directory / f"{len(list(directory.iterdir()))}.sock"
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.api = docker.APIClient(f"unix://{path}", version="1.41")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(pieces, ends), daemon=True)
        self._thread.start()

    def _serve(self, pieces: list[bytes], ends: bool) -> None:
        client, _ = self.listener.accept()
        with client:
            while b"\r\n\r\n" not in client.recv(1 << 16):
                pass
            for piece in pieces:
                client.sendall(piece)
            if not ends:
                self._over.wait(20)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.listener.close()


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


def _read(served: Served, size: int, timeout: float = 60) -> Iterator[bytes]:
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", timeout))
        while piece := body.read(size):
            yield piece


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=3000), max_size=8),
    size=st.integers(1, 5000),
    with_head=st.booleans(),
)
def test_each_read_gives_what_it_asks_for(
    sockets: Path, pieces: list[bytes], size: int, with_head: bool
) -> None:
    whole = b"".join(pieces)
    sent = [HEAD + whole[:700], whole[700:]] if with_head else [HEAD, *pieces]
    read = list(_read(Served(sockets, sent), size))
    assert b"".join(read) == whole
    assert all(len(piece) <= size for piece in read)
    if not with_head:
        assert sum(len(piece) < size for piece in read) <= 2, "what came with the head, the last"


def test_a_buffer_is_filled(sockets: Path) -> None:
    served = Served(sockets, [HEAD + b"ab", *[b"x" * 1000] * 100])
    buffer, counts = bytearray(60_000), []
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", 60))
        while count := body.readinto(buffer):
            counts.append(count)
    assert sum(counts) == 100_002
    assert 60_000 in counts


def test_a_body_of_a_known_length_ends_there(sockets: Path) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    assert list(_read(Served(sockets, [head + b"abcdef"], ends=False), 10)) == [b"abc"]


def test_silence_is_no_end(sockets: Path) -> None:
    reading = _read(Served(sockets, [HEAD, b"abc"], ends=False), 10, timeout=1)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        list(reading)
    assert time.monotonic() - began < 10


def test_who_waits_is_woken(sockets: Path) -> None:
    served = Served(sockets, [HEAD, b"abc"], ends=False)
    found: list[bytes] = []
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", 600))
        waiting = threading.Thread(target=lambda: found.append(body.read(10)), daemon=True)
        waiting.start()
        time.sleep(0.3)
        exchange.sever()
        waiting.join(5)
        assert not waiting.is_alive()
    assert found == [b"abc"]
