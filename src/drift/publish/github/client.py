"""GitHub's REST API, patiently: limits are waited for, failures tried again, all of it bounded.

What may be tried again depends on what is known: an answer of "too fast" (403 or 429 of a
primary or secondary rate limit) says that nothing was done; after a 5xx or a lost connection a
POST may have been done all the same, and :class:`UnsureError` leaves it to the caller to look.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from drift import __version__
from drift.errors import PublishError
from drift.publish.github.answers import Answer, UnsureError, limited, read, refused

VERSION = "2022-11-28"
PER_PAGE = 100
PACE = 1.0  # seconds before each change
_TIMEOUT = (10.0, 30.0)  # seconds: to connect, and between bytes
_TRIES = 4
_PATIENCE = 300.0  # seconds, for all waiting of a client
_ANSWER = 32 << 20  # bytes of one answer; a full page of issues is at most a few megabytes
_FAILURES = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(slots=True)
class Client:
    """One repository on GitHub, as one token sees it.

    ``api`` is the address of the API, ``repository`` is ``owner/name``. ``pace`` is the pause
    before each change, which GitHub asks for (seconds).
    """

    api: str
    repository: str
    token: str = field(repr=False)
    pace: float = PACE
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    _waited: float = 0.0
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        # As a function, so that a .netrc does not put another password in its place.
        self._session.auth = self._authorized
        self._session.headers.update(_HEADERS)

    def _authorized(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def get(self, path: str, **query: str) -> Any:
        """An object; ``path`` is relative to the repository, or begins with ``/``.

        Raises:
            MissingError: it is not there.
            PublishError: it could not be had.
        """
        return self._ask("GET", path, query=query).body

    def pages(self, path: str, most: int, **query: str) -> Iterator[Any]:
        """The items of a list, page by page, of at most ``most`` pages.

        GitHub's own links are not followed: they could lead anywhere.
        """
        for page in range(1, most + 1):
            answer = self._ask(
                "GET", path, query={**query, "per_page": str(PER_PAGE), "page": str(page)}
            )
            items = answer.body if isinstance(answer.body, list) else []
            yield from items
            if len(items) < PER_PAGE:
                return

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something.

        Raises:
            UnsureError: it may have been made.
            PublishError: it was not.
        """
        return self._ask("POST", path, body=body).body

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change something; doing it twice does no harm.

        Raises:
            PublishError: it was not changed, or may not have been.
        """
        return self._ask("PATCH", path, body=body).body

    def download(self, path: str, limit: int) -> bytes:
        """What GitHub's storage has behind a redirect; it is asked without the token.

        Raises:
            PublishError: it could not be had, or is larger than ``limit`` bytes.
        """
        answer = self._ask("GET", path)
        place = answer.headers.get("Location", "")
        if answer.status != 302 or urlsplit(place).scheme != urlsplit(self.api).scheme:
            raise PublishError(f"GitHub named no place to download {path} from")
        try:
            with (
                requests.Session() as bare,
                closing(bare.get(place, stream=True, timeout=_TIMEOUT)) as response,
            ):
                if response.status_code != 200:
                    raise PublishError(f"the download of {path} failed: {response.status_code}")
                return read(response, limit)
        except requests.RequestException as error:
            raise PublishError(
                f"the download of {path} failed: {type(error).__name__}"
            ) from None  # the address holds a signature

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        if method != "GET":
            self.sleep(self.pace)
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._once(method, path, query, body)
            except _FAILURES as error:
                self._lost(method, attempt, type(error).__name__)
                continue
            except requests.RequestException as error:
                raise PublishError(f"GitHub cannot be asked: {type(error).__name__}") from None
            if answer.status < 300 or answer.status == 302:
                return answer
            wait = limited(answer, self.clock())
            if wait is not None:
                self._wait(wait * attempt, attempt, "GitHub's rate limit")
            elif answer.status >= 500:
                self._lost(method, attempt, f"GitHub answered {answer.status}")
            else:
                raise refused(method, path, answer)
        raise PublishError(f"GitHub did not answer {method} {path}")  # pragma: no cover

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        place = path if path.startswith("/") else f"/repos/{self.repository}/{path}"
        with closing(
            self._session.request(
                method,
                f"{self.api}{place}",
                params=query,
                json=body,
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        ) as response:
            content = read(response, _ANSWER)
            status, headers = response.status_code, response.headers
        try:
            return Answer(status, headers, json.loads(content or b"null"))
        except (ValueError, RecursionError):
            return Answer(502 if status < 300 else status, headers, None)

    def _lost(self, method: str, attempt: int, why: str) -> None:
        """A failure after which a request may have been done; a POST is not sent again."""
        if method == "POST":
            raise UnsureError(f"{why} to {method}")
        self._wait(2.0 ** (attempt - 1), attempt, why)

    def _wait(self, seconds: float, attempt: int, why: str) -> None:
        if attempt == _TRIES or self._waited + seconds > _PATIENCE:
            raise PublishError(
                f"{why}, and it was not better after {attempt} tries",
                hint=f"it asks to wait {seconds:.0f} s; run the command again later",
            )
        self._waited += seconds
        self.sleep(seconds)


_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": VERSION,
    "User-Agent": f"drift/{__version__}",
}
