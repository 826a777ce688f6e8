"""Web servers on loopback ports of their own: the part that they share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], **attributes: object) -> Iterator[int]:
    """Serve until the context is left, without a line on stderr for each request; the port.

    ``attributes`` are the handler's in this server alone.
    """

    def silent(*_: object) -> None:
        pass

    own = type("Handler", (handler,), {"log_message": silent, **attributes})
    with ThreadingHTTPServer(("127.0.0.1", 0), own) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    """A loopback port on which nobody listens, for the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
