"""A connection of our own to the engine, over whatever transport docker-py chose.

docker-py's own requests cannot be interrupted while they wait, nor turned into a raw
stream in both directions by a ``POST``; a build needs the first, a BuildKit session the
second. So the connection is opened by docker-py's adapter (unix, tcp, TLS, ssh), and
HTTP/1.1 is spoken on it with :mod:`http.client`.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import math
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any, Self, TypeVar, cast
from urllib.parse import urlencode, urlsplit

import docker
import requests
import urllib3

T = TypeVar("T")

_CHUNK = 256 * 1024
_BUFFERED = 64 * 1024  # more than a response holds back of its body
_LONGEST_HEAD = 64 * 1024
_PAUSE = 0.05  # seconds of silence after which a read gives what has come


class Connection:
    """One connection to the engine, good for one exchange. Closed when its block is left.

    Raises:
        OSError: the engine cannot be reached (on entering).
    """

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api
        self._http = _new_connection(api)

    def __enter__(self) -> Self:
        self._http.timeout = self._api.timeout
        try:
            self._http.connect()
        except urllib3.exceptions.HTTPError as error:  # urllib3's own are not OSErrors
            raise ConnectionError(str(error)) from error
        self._http.sock.settimeout(None)  # a build is silent for as long as a step is
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sever()
        self._http.close()

    def post(
        self,
        path: str,
        query: Mapping[str, str | tuple[str, ...]],
        body: IO[bytes],
        headers: Mapping[str, str],
        method: str = "POST",
    ) -> http.client.HTTPResponse:
        """Send ``body`` in chunks as it is read, and give the response, its body unread.

        An engine that answers before it has read all of the body is heard.

        Raises:
            OSError: the connection broke.
            http.client.HTTPException: the answer is not HTTP.
        """
        self._send_head(method, path, query, {**headers, "Transfer-Encoding": "chunked"})
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for chunk in _chunks(body):
                self._http.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self._http.send(b"0\r\n\r\n")
        response = http.client.HTTPResponse(self._http.sock, method=method)
        response.begin()
        return response

    def get(
        self, path: str, timeout: float, query: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Ask for ``path``; the response, its body unread and ending with the connection.

        HTTP/1.0 is spoken, so that the body comes as it is: undoing chunks of 32 KiB takes
        longer than reading them. ``timeout``, in seconds, is for each wait.

        Raises:
            OSError: the connection broke.
            http.client.HTTPException: the answer is not HTTP.
        """
        self._http.sock.settimeout(timeout)
        self._http._http_vsn, self._http._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        self._send_head("GET", path, query or {}, {})
        response = http.client.HTTPResponse(self._http.sock, method="GET")
        response.begin()
        return response

    def rest_of(self, response: http.client.HTTPResponse, pause: float = _PAUSE) -> io.RawIOBase:
        """A body to be read to its end; a read gives all that it asks for where that comes.

        Where it ends with the connection, a plain socket is asked for all in one call. Engines
        write 32 KiB at a time: to read each by itself takes the interpreter from the threads
        beside, tens of thousands of times. After ``pause`` seconds of silence a read gives what
        it has: an engine may be long about closing the connection, its last byte sent.
        """
        connected = self._http.sock
        plain = type(connected) is socket.socket  # neither TLS nor docker-py's pipe to `ssh`
        if not plain or response.chunked or response.length is not None:
            return cast(io.RawIOBase, response)
        return _Rest(connected, response.fp.read1(_BUFFERED), pause)

    def upgrade(self, path: str, headers: Mapping[str, str | tuple[str, ...]]) -> None:
        """Turn the connection into a raw stream (``101 Switching Protocols``).

        Raises:
            OSError: the connection broke, or the engine did not agree.
        """
        self._send_head("POST", path, {}, {**headers, "Content-Length": "0"})
        head = bytearray()
        while not head.endswith(b"\r\n\r\n"):  # no byte more: what follows is not HTTP/1.1
            byte = self.receive(1)
            if not byte or len(head) > _LONGEST_HEAD:
                raise ConnectionError("the engine did not answer the upgrade of the connection")
            head += byte
        status = bytes(head).split(b"\r\n", 1)[0].decode("latin-1")
        if " 101 " not in f"{status} ":
            raise ConnectionError(f"the engine refused to upgrade the connection: {status}")

    def receive(self, size: int) -> bytes:
        """Up to ``size`` bytes as soon as there are any; none at the stream's end."""
        ssh = getattr(self._http.sock, "proc", None)
        if ssh is not None:  # docker-py's `ssh` program: its recv() waits for all of `size`
            return cast(bytes, ssh.stdout.read1(size))
        return cast(bytes, self._http.sock.recv(size))

    def send(self, content: bytes) -> None:
        self._http.sock.sendall(content)

    def sever(self) -> None:
        """End the exchange now: whoever waits for it wakes up. Safe from any thread."""
        connected = self._http.sock
        if connected is None:
            return
        try:
            connected.shutdown(socket.SHUT_RDWR)
        except OSError:  # not a connected socket: gone already, or a pipe to `ssh`
            with contextlib.suppress(OSError, ValueError):
                connected.close()

    def _send_head(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | tuple[str, ...]],
        headers: Mapping[str, str | tuple[str, ...]],
    ) -> None:
        target = urlsplit(url_of(self._api, path)).path
        if query:
            target += "?" + urlencode(query, doseq=True)
        configured: dict[str, Any] = getattr(self._api, "_general_configs", {})
        own = configured.get("HttpHeaders") or {}
        self._http.putrequest(method, target, skip_accept_encoding=True)
        self._http.putheader("User-Agent", str(self._api.headers["User-Agent"]))
        for name, value in {**own, **headers}.items():
            for one in value if isinstance(value, tuple) else (value,):
                self._http.putheader(name, str(one))
        self._http.endheaders()


class _Rest(io.RawIOBase):
    """What a socket has still to give, after what was ``held`` back of it."""

    def __init__(self, connected: socket.socket, held: bytes, pause: float) -> None:
        self._socket, self._held = connected, held
        self._patience = connected.gettimeout() or math.inf
        # With a timeout of Python's own a socket gives what is there; the kernel's waits.
        connected.settimeout(None)
        seconds, microseconds = divmod(round(pause * 1e6), 10**6)
        wait = struct.pack("ll", seconds, microseconds)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._held:
            held = self._taken(len(buffer))
            buffer[: len(held)] = held
            return len(held)
        return self._waited(lambda: self._socket.recv_into(buffer, 0, socket.MSG_WAITALL))

    def read(self, size: int = -1, /) -> bytes:
        """As :meth:`readinto`, without the copy that the inherited one makes."""
        if size < 0:
            return self.readall()
        if self._held:
            return self._taken(size)
        return self._waited(lambda: self._socket.recv(size, socket.MSG_WAITALL))

    def _taken(self, size: int) -> bytes:
        held, self._held = self._held[:size], self._held[size:]
        return held

    def _waited(self, receive: Callable[[], T]) -> T:
        """What comes, after as many silences as there is patience for."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return receive()
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError("timed out") from None


def url_of(api: docker.APIClient, path: str) -> str:
    """The URL of an endpoint, with the version that was negotiated."""
    return f"{api.base_url}/v{api.api_version}{path}"


def _new_connection(api: docker.APIClient) -> http.client.HTTPConnection:
    """A connection that is not open yet, made as docker-py's session would make it."""
    url = url_of(api, "/_ping")
    adapter: Any = api.get_adapter(url)  # what follows is what its send() does
    request = requests.Request("GET", url).prepare()
    verify = True if api.verify is None else api.verify
    pool = adapter.get_connection_with_tls_context(request, verify=verify, cert=api.cert)
    adapter.cert_verify(pool, url, verify, api.cert)
    return cast(http.client.HTTPConnection, pool._new_conn())


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    while chunk := body.read(_CHUNK):
        yield chunk
