"""A URL that is asked for after each finished run: a monitor that misses it raises the alarm."""

from __future__ import annotations

from drift.publish.attempts import attempt_all
from drift.publish.web import request


def beat(url: str) -> str | None:
    """Ask for the URL, three times at most; None, or why no try was answered."""
    [error] = attempt_all([lambda timeout: request(url, "GET", timeout)])
    return error
