"""GitHub's answers: what they say of a request, and whether it may be tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from drift.errors import PublishError
from drift.report.escape import visible

_SECONDARY = 60.0  # seconds: what GitHub asks to wait where it names no time
_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class UnsureError(PublishError):
    """A request may have been carried out, or not: its answer was lost."""


class MissingError(PublishError):
    """404 or 410: there is no such thing, or the token must not see it."""


class ForbiddenError(PublishError):
    """403: the token must not do this."""


class InvalidError(PublishError):
    """422: it cannot be so; of what is to be made, mostly that it is there already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``body`` is its JSON, None where it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


def limited(answer: Answer, now: float) -> float | None:
    """Seconds to wait, None where the answer is not that of a rate limit."""
    if answer.status not in (403, 429):
        return None
    after = answer.headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - now)
    said = _message(answer).lower()
    return _SECONDARY if answer.status == 429 or "rate limit" in said else None


def read(response: requests.Response, limit: int) -> bytes:
    """A response's body. Raises PublishError where it is larger than ``limit`` bytes."""
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise PublishError(f"an answer of GitHub is larger than {limit} bytes")
    return bytes(content)


def _message(answer: Answer) -> str:
    body = answer.body
    said = body.get("message") if isinstance(body, dict) else None
    return said if isinstance(said, str) else ""


def refused(method: str, path: str, answer: Answer) -> PublishError:
    """The error that an answer stands for."""
    said = visible(_message(answer))[:200]
    message = f"GitHub refused {method} {path}: {answer.status} {said}".rstrip()
    hints = {
        401: "the token is not valid",
        403: "the job's permissions lack what this needs (issues: write, pull-requests: write)",
        404: "check the repository's name, and what the token may read",
        410: "issues are turned off in this repository",
    }
    if answer.status in _REDIRECTS:
        return PublishError(message, hint="the repository has another name now")
    kind = _KINDS.get(answer.status, PublishError)
    return kind(message, hint=hints.get(answer.status))


_KINDS = {403: ForbiddenError, 404: MissingError, 410: MissingError, 422: InvalidError}
