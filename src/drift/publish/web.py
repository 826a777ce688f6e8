"""One request, and errors that hold no address."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import requests

from drift.errors import PublishError

_CONNECT = 5.0  # seconds


def request(url: str, method: str, timeout: float, **more: Any) -> None:
    """Ask for a URL, and read nothing of the answer but its status.

    Anything but a 2xx is an error; so is a redirection of what is sent.

    Raises:
        PublishError: it did not arrive; the URL is not in the message.
    """
    try:
        with requests.request(
            method,
            url,
            timeout=(min(_CONNECT, timeout), timeout),
            allow_redirects=method == "GET",
            stream=True,
            **more,
        ) as answer:
            status = answer.status_code
    except (requests.RequestException, ValueError) as error:
        raise PublishError(_reason(error)) from None
    if not 200 <= status < 300:
        raise PublishError(f"the server answered {_status(status)}")


def _status(number: int) -> str:
    """The number with the words that the standard has for it, not the server's."""
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _reason(error: BaseException) -> str:
    """Why no answer came, without the URL that requests and urllib3 put into it."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return f"cannot connect: {found.strerror}"
        inner = next((a for a in found.args if isinstance(a, BaseException)), None)
        reasoned = getattr(found, "reason", None)
        found = inner or (reasoned if isinstance(reasoned, BaseException) else None)
    kind = "TLS failed" if isinstance(error, requests.exceptions.SSLError) else "cannot connect"
    return f"{kind} ({type(error).__name__})"
