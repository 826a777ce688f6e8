"""The engine's socket on a loopback port, plain or with TLS, as a user would forward it."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def forwarded(socket_path: str, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Forward ``127.0.0.1:PORT``, which this gives, to a unix socket."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, socket_path, tls)).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _serve(client: socket.socket, socket_path: str, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError), client:
        plain = tls.wrap_socket(client, server_side=True) if tls else client
        with plain, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(socket_path)
            back = threading.Thread(target=_copy, args=(engine, plain))
            back.start()
            _copy(plain, engine)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def smaller_host(engine: str) -> Iterator[str]:
    """The engine of a unix socket as if its host had one CPU; gives ``tcp://HOST:PORT``.

    It says so (``/info``) and gives builds no more (``cpusetcpus``).
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as behind:
            behind.connect(engine.removeprefix("unix://"))
            back = threading.Thread(target=_copy_edited, args=(behind, client, _FEWER_CPUS))
            back.start()
            _copy_edited(client, behind, _ONE_CPU)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,)).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


_ONE_CPU = (re.compile(rb"^(POST \S*/build\?)", re.MULTILINE), rb"\1cpusetcpus=0&")
# The same length, so that the message's stays true.
_FEWER_CPUS = (re.compile(rb'"NCPU":\d\b'), b'"NCPU":1')


def _copy_edited(
    source: socket.socket, target: socket.socket, edit: tuple[re.Pattern[bytes], bytes]
) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(edit[0].sub(edit[1], block))
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
