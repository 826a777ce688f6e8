"""Where a report's files lie, relative to the report directory; forward slashes always.

::

    index.html  summary.html  badge.svg  feed.xml  drift.json     the newest run
    latest/index.html, IMAGE.html                                 redirects to it
    images/IMAGE.html                                             an image's nights
    runs/RUN/index.html, drift.json, IMAGE.html, IMAGE.paths-N.js, IMAGE.ROLE.log

What lies in ``runs/`` never changes once it is written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Set
from typing import Any
from urllib.parse import quote

from drift.builds import Role

INDEX = "index.html"
SUMMARY = "summary.html"
BADGE = "badge.svg"
FEED = "feed.xml"
NEWEST = "drift.json"

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


def run_page(run: str) -> str:
    """The page of one run, all its images on it. Raises ValueError as above."""
    return f"{run_directory(run)}/index.html"


def run_document(run: str) -> str:
    """The JSON report of one run. Raises ValueError as above."""
    return f"{run_directory(run)}/drift.json"


def image_page(run: str, image: str) -> str:
    """What a run says of one image. Raises ValueError for unsafe names."""
    return f"{run_directory(run)}/{_page(image)}"


def paths_script(run: str, image: str, number: int) -> str:
    """The data file, from 1, with paths that an image's page has no room for."""
    return f"{run_directory(run)}/{_page(image).removesuffix('.html')}.paths-{number}.js"


def history_page(image: str) -> str:
    """An image's nights. Raises ValueError for unsafe names."""
    return f"images/{_page(image)}"


def latest_page(image: str | None = None) -> str:
    """What always leads to the newest run's page, or to its page of one image."""
    return "latest/index.html" if image is None else f"latest/{_page(image)}"


def cause_anchor(cause: str) -> str:
    """The part of an image's page that tells a cause, by its id; with the ``#``."""
    return f"#cause-{quote(cause, safe='')}"


def path_anchor(path: str) -> str:
    """The row of an image's page that tells a path, as the report writes it; with the ``#``."""
    return f"#path={quote(path, safe='/')}"


def event_anchor(origin: str, kind: str, subject: str) -> str:
    """The line of the index that tells an event, the same every night; with the ``#``."""
    key = "\0".join((origin, kind, subject)).encode("utf-8", "backslashreplace")
    return f"#event-{hashlib.sha256(key).hexdigest()[:12]}"


def log_path(run: str, image: str, role: Role, attempt: int) -> str:
    """The log of an image's build; ``attempt`` counts from 1 within the role."""
    again = f".{attempt}" if attempt > 1 else ""
    return f"runs/{run}/{image}.{role.value}{again}.log"


def is_log_path(path: object) -> bool:
    """True for what :func:`log_path` gives: safe as a link, and as a file to write."""
    return isinstance(path, str) and _LOG.fullmatch(path) is not None


def log_link(build: dict[str, Any], root: str | None, logs: Set[str]) -> str | None:
    """The way to a build's log from a page that is ``root`` away; None where it is not there."""
    linked = root is not None and build["build"] in logs and is_log_path(build["log"])
    return f"{root}{build['log']}" if linked else None


def _page(image: str) -> str:
    """An image's file name; an image may be named ``index``, which is the directory's own."""
    if _SAFE.fullmatch(image) is None:
        raise ValueError(f"not a name that can name a file: {image!r}")
    return "_index.html" if image == "index" else f"{image}.html"
