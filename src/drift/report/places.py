"""Where a report's files lie, relative to the report directory; forward slashes always."""

from __future__ import annotations

import re

from drift.builds import Role

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LOG = re.compile(r"runs/[A-Za-z0-9][A-Za-z0-9._-]{0,127}/[a-z0-9][a-z0-9._-]{0,127}\.log")


def run_directory(run: str) -> str:
    """The directory of one run.

    Raises:
        ValueError: the id could lead out of the report directory.
    """
    if _SAFE.fullmatch(run) is None:
        raise ValueError(f"not a run id that can name a directory: {run!r}")
    return f"runs/{run}"


def log_path(run: str, image: str, role: Role, attempt: int) -> str:
    """The log of an image's build; ``attempt`` counts from 1 within the role."""
    again = f".{attempt}" if attempt > 1 else ""
    return f"runs/{run}/{image}.{role.value}{again}.log"


def is_log_path(path: object) -> bool:
    """True for what :func:`log_path` gives: safe as a link, and as a file to write."""
    return isinstance(path, str) and _LOG.fullmatch(path) is not None
