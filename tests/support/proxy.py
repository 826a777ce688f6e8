"""The engine's socket on a loopback port, plain or with TLS, as a user would forward it."""

from __future__ import annotations

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
