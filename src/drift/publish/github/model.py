"""GitHub's objects as drift reads them: the few fields it needs, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drift.errors import PublishError
from drift.publish.github.marker import Marker, read

TITLE = 256  # characters
BODY = 65_536  # characters


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that drift opened."""

    number: int
    open: bool
    marker: Marker
    body: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one issue; a new one where ``number`` is None.

    ``comment`` tells those who follow the issue what is new.
    """

    number: int | None
    body: str | None = None
    title: str | None = None
    open: bool | None = None
    reason: str | None = None
    comment: str | None = None


def issue_of(found: Any, login: str) -> Issue | None:
    """An issue of the API's list, None where it is not drift's own.

    Raises:
        PublishError: the API's answer is not what it documents.
    """
    try:
        if found.get("pull_request") is not None or _login(found) != login:
            return None
        marker = read(found["body"])
        if marker is None:
            return None
        return Issue(int(found["number"]), found["state"] == "open", marker, found["body"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PublishError("GitHub's list of issues is not what it documents") from error


def _login(found: Any) -> str:
    """Who wrote something; a deleted account is nobody."""
    user = found["user"]
    return str(user["login"]) if user else ""


def login_of_comment(found: Any) -> str:
    """Who wrote a comment.

    Raises:
        PublishError: the API's answer is not what it documents.
    """
    try:
        return _login(found)
    except (KeyError, TypeError) as error:
        raise PublishError("GitHub's list of comments is not what it documents") from error
