"""A web server whose pages a test moves at will, and which tells nobody that they moved.

Every page always has the same ETag and date, and a conditional request is answered 304: what
does not ask for the bytes does not see that they changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from support.serving import serving

ETAG = '"always-the-same"'
LAST_MODIFIED = "Sat, 01 Nov 2025 00:00:00 GMT"

# What a page gives: its bytes, or a status; asked with how often builds fetched it before.
Answer = bytes | int
Page = Answer | Callable[[int], Answer]


@dataclass
class Web:
    """``http://127.0.0.1:PORT``; what is at ``pages`` is served, anything else is 404.

    ``fetched`` counts the GET requests of each path that did not come from drift itself.
    """

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    fetched: dict[str, int] = field(default_factory=dict)
    probed: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "") -> str:
        return f"http://{self.address}{path}"

    def serve(self, path: str, page: Page | str) -> str:
        """Serve a page from now on, counted anew; gives its URL."""
        self.pages[path] = page.encode() if isinstance(page, str) else page
        self.fetched[path] = 0
        return self.url(path)

    def remove(self, path: str) -> None:
        del self.pages[path]

    def answer(self, path: str, *, get: bool, ours: bool) -> Answer:
        with self._lock:
            page = self.pages.get(path, 404)
            seen = self.fetched.get(path, 0)
            if get:
                counts = self.probed if ours else self.fetched
                counts[path] = counts.get(path, 0) + 1
        return page(seen) if callable(page) else page


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        self._answer(get=True)

    def do_HEAD(self) -> None:
        self._answer(get=False)

    def _answer(self, *, get: bool) -> None:
        ours = self.headers.get("User-Agent", "").startswith(("drift", "imagedrift"))
        path = self.path.partition("?")[0].replace("/./", "/")  # as apt asks a flat archive
        answer = self.web.answer(path, get=get, ours=ours)
        if isinstance(answer, bytes) and ETAG in self.headers.get("If-None-Match", ""):
            answer = 304
        self.send_response(answer if isinstance(answer, int) else 200)
        body = b"" if isinstance(answer, int) else answer
        if answer != 304:
            self.send_header("Content-Length", str(len(body)))
        if path.endswith("/"):
            self.send_header("Content-Type", "text/html")  # or pip does not read an index
        self.send_header("ETag", ETAG)
        self.send_header("Last-Modified", LAST_MODIFIED)
        self.end_headers()
        if get:
            self.wfile.write(body)


@contextmanager
def running_web() -> Iterator[Web]:
    """Run an empty web server on a free loopback port."""
    web = Web()
    with serving(_Handler, web=web) as port:
        web.port = port
        yield web
