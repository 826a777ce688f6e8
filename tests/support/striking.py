"""A socket before an engine's that strikes after the n-th call that changes something.

The engine has done what was asked; whoever asked never hears of it. That is where a killed
program, or an engine that goes down, leaves the most doubt.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_CHANGES = re.compile(r"(POST|PUT|DELETE|PATCH) (?:/v[\d.]+)?(/\S*?)(?:\?\S*)? HTTP/1")
_CHANGES_NOTHING = re.compile(r".*/wait$|/auth$|.*/exec$|/exec/")

Strike = Callable[[int], None]


def kill(pid: int) -> None:
    """The strike that ends the program that asked, as losing power would."""
    os.kill(pid, signal.SIGKILL)


@dataclass
class Striking:
    """``calls`` are those that changed something, in order. ``strike`` is called once, with the
    caller's process id, after the call number ``at`` (from 1), or after the first that holds the
    text ``at``. ``early`` strikes once the engine was asked; ``heard`` lets the answer through."""

    host: str
    engine: str
    strike: Strike
    at: int | str
    early: bool = False
    heard: bool = False
    calls: list[str] = field(default_factory=list)
    struck: bool = False
    failed: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, head: bytes) -> bool:
        """Note a request by its head; whether it is the one."""
        found = _CHANGES.match(head.decode("latin-1"))
        if not found or _CHANGES_NOTHING.match(found[2]):
            return False
        with self._lock:
            self.calls.append(f"{found[1]} {found[2]}")
            due = (
                self.at in self.calls[-1]
                if isinstance(self.at, str)
                else (len(self.calls) == self.at)
            )
            if not due or self.struck:
                return False
            self.struck = True
            return True


@contextmanager
def striking(
    engine: str,
    place: Path,
    at: int | str,
    strike: Strike = kill,
    *,
    early: bool = False,
    heard: bool = False,
) -> Iterator[Striking]:
    """Listen in ``place`` for an engine's ``unix://`` host; a strike has ended when this does."""
    path = place / f"p{len(list(place.iterdir()))}.sock"
    found = Striking(f"unix://{path}", engine.removeprefix("unix://"), strike, at, early, heard)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, found), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield found
        if found.struck:
            assert found.done.wait(120), "the strike did not end"
            if found.failed:
                raise found.failed
    finally:
        listener.close()
        path.unlink()


def _serve(client: socket.socket, found: Striking) -> None:
    """One connection: requests are read head by head, answers are copied as they come."""
    with suppress(OSError), client, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(found.engine)
        due = threading.Event()
        back = threading.Thread(target=_answers, args=(engine, client, found, due), daemon=True)
        back.start()
        with client.makefile("rb") as asked:
            while head := _head(asked.readline):
                hit = found.count(head)
                if hit and not found.early:
                    due.set()  # before the answer can come
                engine.sendall(head)
                for block in _body(head, asked.read, asked.readline):
                    engine.sendall(block)
                if hit and found.early:
                    _do(found, client)
        engine.shutdown(socket.SHUT_WR)
        back.join()


def _answers(
    engine: socket.socket, client: socket.socket, found: Striking, due: threading.Event
) -> None:
    with suppress(OSError):
        while block := engine.recv(1 << 16):
            if due.is_set():
                due.clear()
                _do(found, client)
            client.sendall(block)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _do(found: Striking, client: socket.socket) -> None:
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid = struct.unpack("3i", credentials)[0]
    try:
        if found.strike is kill:  # first: a program that is hung up on may end by itself
            found.strike(pid)
        if not found.heard:
            client.shutdown(socket.SHUT_RDWR)
        if found.strike is not kill:
            found.strike(pid)
    except Exception as error:  # told in the test's own thread
        found.failed = error
    finally:
        found.done.set()


def _head(readline: Callable[[], bytes]) -> bytes:
    lines = []
    while line := readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _body(
    head: bytes, read: Callable[[int], bytes], readline: Callable[[], bytes]
) -> Iterator[bytes]:
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    if length:
        left = int(length[1])
        while left and (block := read(min(left, 1 << 16))):
            left -= len(block)
            yield block
    elif re.search(rb"(?im)^transfer-encoding: *chunked", head):
        size = -1
        while size:
            line = readline()
            size = int(line.split(b";")[0], 16)
            yield line + read(size + 2)
