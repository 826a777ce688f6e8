"""A web server of a test's own: it serves what the test says, and remembers what was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

from support.serving import serving


class Web:
    """``pages`` maps a path to its content, to (status, headers, content), or to what writes it."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for _, asked, _ in self.requests)


Page = bytes | tuple[int, Mapping[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]


class _Handler(BaseHTTPRequestHandler):
    web: Web
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        web = self.web
        with web.lock:
            web.requests.append((self.command, self.path, dict(self.headers)))
            web.at_once += 1
            web.most_at_once = max(web.most_at_once, web.at_once)
        try:
            with suppress(OSError):
                self._answer(web.pages.get(self.path.partition("?")[0], (404, {}, b"")))
        finally:
            with web.lock:
                web.at_once -= 1

    do_HEAD = do_GET  # noqa: N815 - the name that http.server asks for

    def _answer(self, page: Page) -> None:
        if callable(page):
            self.close_connection = True
            page(self)
            return
        status, headers, content = page if isinstance(page, tuple) else (200, {}, page)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@contextmanager
def running_web() -> Iterator[Web]:
    """A server on a loopback port of its own."""
    web = Web()
    with serving(_Handler, web=web) as port:
        web.url = f"http://127.0.0.1:{port}"
        yield web
