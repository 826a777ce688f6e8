"""An export's body, read from a socket whose other end writes as engines do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.engine import transport
from drift.engine.connection import Connection
from drift.engine.export import export

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
        self._client, _ = self.listener.accept()
        with self._client as client:
            while b"\r\n\r\n" not in client.recv(1 << 16):
                pass
            with suppress(BrokenPipeError):
                for piece in pieces:
                    client.sendall(piece)
            if not ends:
                self._over.wait(20)

    def hung_up_on(self, wait: float) -> bool:
        """Whether the client closes its end within ``wait`` seconds."""
        self._client.settimeout(wait)
        try:
            return self._client.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.listener.close()


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


PATIENT = 10.0  # a pause that no piece on its way makes


def _read(
    served: Served, size: int, timeout: float = 60, pause: float = PATIENT
) -> Iterator[bytes]:
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", timeout), pause)
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
        body = exchange.rest_of(exchange.get("/images/x/get", 60), PATIENT)
        while count := body.readinto(buffer):
            counts.append(count)
    assert sum(counts) == 100_002
    assert 60_000 in counts


def test_a_body_of_a_known_length_ends_there(sockets: Path) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    assert list(_read(Served(sockets, [head + b"abcdef"], ends=False), 10)) == [b"abc"]


def test_silence_is_no_end(sockets: Path) -> None:
    reading = _read(Served(sockets, [HEAD, b"abc"], ends=False), 10, timeout=1, pause=0.1)
    began = time.monotonic()
    assert next(reading) == b"abc"
    with pytest.raises(TimeoutError):
        list(reading)
    assert 1 <= time.monotonic() - began < 10


def test_what_has_come_is_given_before_the_engine_hangs_up(sockets: Path) -> None:
    served = Served(sockets, [HEAD, b"abc"], ends=False)
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", 600))
        buffer = bytearray(10)
        began = time.monotonic()
        assert body.readinto(buffer) == 3
        assert time.monotonic() - began < 10


def test_who_waits_is_woken(sockets: Path) -> None:
    served = Served(sockets, [HEAD, b"abc"], ends=False)
    found: list[bytes] = []
    with closing(served), transport.Connection(served.api) as exchange:
        body = exchange.rest_of(exchange.get("/images/x/get", 600), PATIENT)
        waiting = threading.Thread(target=lambda: found.append(body.read(10)), daemon=True)
        waiting.start()
        time.sleep(0.3)
        exchange.sever()
        waiting.join(5)
        assert not waiting.is_alive()
    assert found == [b"abc"]


# --- How an export ends

ARCHIVE = b"\0" * 1024


def _engine(served: Served) -> Connection:
    @contextmanager
    def failures(_doing: str) -> Iterator[None]:
        yield

    return cast(Connection, SimpleNamespace(client=served.api, failures=failures))


def _hearing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "export-end"]


def test_who_has_read_the_archive_does_not_wait_for_the_engine(sockets: Path) -> None:
    with closing(Served(sockets, [HEAD, ARCHIVE], ends=False)) as served:
        with export(_engine(served), "x") as stream:
            assert stream.read(4096) == ARCHIVE
        assert not served.hung_up_on(0.3), "an engine that is cut off logs an error"
        (hearing,) = _hearing()
    hearing.join(10)
    assert not hearing.is_alive()


def test_who_fails_hangs_up(sockets: Path) -> None:
    with closing(Served(sockets, [HEAD, ARCHIVE], ends=False)) as served:
        with pytest.raises(KeyError), export(_engine(served), "x"):
            raise KeyError
        assert served.hung_up_on(10)


def test_who_leaves_early_hangs_up(sockets: Path) -> None:
    with closing(Served(sockets, [HEAD, b"x" * (8 << 20)], ends=False)) as served:
        with export(_engine(served), "x") as stream:
            assert stream.read(10) == b"x" * 10
        assert served.hung_up_on(10)
