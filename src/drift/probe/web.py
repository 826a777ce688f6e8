"""One unconditional GET (RFC 9110): no validator, no cache, no credentials, no cookies."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import requests
import urllib3

from drift import __version__
from drift.oci import Digest
from drift.probe.answer import Answer
from drift.probe.limits import Limits
from drift.probe.listing import ACCEPTED, listed
from drift.probe.members import members_of
from drift.source.model import RemoteKind

_GONE = frozenset({404, 410})
_CHUNK = 1 << 18
_REDIRECTS = 10
_HEADERS = {
    "User-Agent": f"drift/{__version__} (reproducibility check of container images)",
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # what is served, not a form of it for the way
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
}


class _Session(requests.Session):
    """Proxies and certificates as the environment says, but no ``.netrc``; no cookies."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = lambda request: request
        self.headers = requests.structures.CaseInsensitiveDict(_HEADERS)
        self.max_redirects = _REDIRECTS

    def rebuild_auth(
        self,
        prepared_request: requests.PreparedRequest,
        response: requests.Response,  # noqa: ARG002 - the library's own signature
    ) -> None:
        # Called for each redirect, after the library has put in what it remembers.
        for name in ("Authorization", "Cookie"):
            prepared_request.headers.pop(name, None)


class _TooMuch(Exception):  # noqa: N818 (an answer's end, not a fault of ours)
    """The answer goes beyond a limit."""


def ask(url: str, limits: Limits, kind: RemoteKind = RemoteKind.FETCH) -> Answer:
    """What a URL serves: its content's digest, size, and the files in it if it is an archive.

    Of an index, what it lists.

    Ends in time whatever the server does: one that sends a byte now and then, even before its
    answer begins, is left to a thread that ends with the connection, or with the process.
    """
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(_ask(url, limits, kind)), daemon=True)
    thread.start()
    thread.join(limits.timeout * (limits.patience + 1))
    late = Answer(datetime.now(UTC), problem="its content did not arrive in time")
    return answers[0] if answers else late


def _ask(url: str, limits: Limits, kind: RemoteKind) -> Answer:
    at = datetime.now(UTC)
    try:
        with _Session() as session, closing(_get(session, url, limits, kind)) as response:
            if response.status_code != 200:
                words = f"{response.status_code} {response.reason or ''}".strip()
                gone = response.status_code in _GONE
                return Answer(at, problem=f"the server answered {words}", gone=gone)
            if kind.is_index:
                return _read_index(response, kind, limits, at)
            return _read(response, url, limits, at)
    except (requests.RequestException, urllib3.exceptions.HTTPError, _TooMuch) as error:
        return Answer(at, problem=_sentence(error))
    except (OSError, ValueError) as error:  # a host name that cannot be encoded, among others
        return Answer(at, problem=f"it could not be asked: {type(error).__name__}")


def _get(
    session: requests.Session, url: str, limits: Limits, kind: RemoteKind
) -> requests.Response:
    accepted = {"Accept": ACCEPTED[kind]} if kind.is_index else None
    return session.get(url, stream=True, timeout=limits.timeout, headers=accepted)


def _read(response: requests.Response, url: str, limits: Limits, at: datetime) -> Answer:
    content = _Content(response, limits, limits.size)
    chunks = content.chunks()
    members = members_of(chunks, url, limits, content.deadline)
    for _ in chunks:  # what no archive was read from
        pass
    return Answer(at, Digest.from_hash(content.state), content.size, members)


def _read_index(
    response: requests.Response, kind: RemoteKind, limits: Limits, at: datetime
) -> Answer:
    content = _Content(response, limits, limits.page)
    page = bytearray()
    for chunk in content.chunks():
        page += chunk if content.size <= limits.read else b""
    told = listed(kind, bytes(page), limits.members) if content.size == len(page) else {}
    return Answer(at, Digest.from_hash(content.state), content.size, listed=told)


class _Content:
    """A response's body as it is read: its digest and size so far."""

    def __init__(self, response: requests.Response, limits: Limits, largest: int) -> None:
        self.state = hashlib.sha256()
        self.size = 0
        self.deadline = limits.deadline()
        self._response, self._largest = response, largest
        self._expected = response.headers.get("Content-Length", "")

    def chunks(self) -> Iterator[bytes]:
        """The body; raises where it is cut short, or beyond the limits."""
        while chunk := self._response.raw.read(_CHUNK, decode_content=False):
            self.state.update(chunk)
            self.size += len(chunk)
            if self.size > self._largest:
                raise _TooMuch(f"its content is larger than {self._largest} bytes")
            if time.monotonic() > self.deadline:
                raise _TooMuch("its content did not arrive in time")
            yield chunk
        if self._expected.isdigit() and int(self._expected) != self.size:
            raise _TooMuch("its content was cut short")


def _sentence(error: Exception) -> str:
    """What went wrong, in words that are the same each night."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (_TooMuch, str(error)),
        (requests.TooManyRedirects, f"it redirects more than {_REDIRECTS} times"),
        (requests.exceptions.SSLError, "its certificate or TLS was not accepted"),
        (requests.exceptions.ProxyError, "the proxy did not let us through"),
        (requests.Timeout, "it did not answer in time"),
        (urllib3.exceptions.TimeoutError, "it did not answer in time"),
        (requests.exceptions.InvalidSchema, "it redirects to what is no web address"),
        (requests.ConnectionError, _connection(error)),
        (urllib3.exceptions.ProtocolError, "its content was cut short"),
    )
    for kind, sentence in kinds:
        if isinstance(error, kind):
            return sentence
    return f"it could not be asked: {type(error).__name__}"


def _connection(error: Exception) -> str:
    words = str(error)
    if "NameResolution" in words or "getaddrinfo" in words or "resolve" in words:
        return "its name could not be resolved"
    return "no connection could be made to it"
