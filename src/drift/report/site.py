"""The report directory: a page and a document for each run, the newest at the top.

::

    reports/index.html, drift.json        the newest run
    reports/runs/RUN/index.html, drift.json, IMAGE.ROLE.log
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from drift.errors import ReportError
from drift.report import as_json, html
from drift.report.escape import visible
from drift.report.places import is_log_path, run_directory


def write(document: dict[str, Any], directory: Path, logs: Mapping[str, str]) -> Path:
    """Write a run's pages, and the newest run's if it is that; returns the run's page.

    ``logs`` maps a build's id to its log; a build that it lacks has no log file. Each file
    is there whole or not at all, and logs before the page that links to them.

    Raises:
        ReportError: a name could lead out of the directory, or it cannot be written.
    """
    run = document["run"]
    try:
        place = directory / run_directory(run["id"])
        files = {directory / path: text for path, text in _logs(document, logs)}
    except ValueError as error:
        raise ReportError(f"the report names an unsafe file: {error}") from error
    available = frozenset(logs)
    text = as_json.render(document)
    files[place / "drift.json"] = text
    files[place / "index.html"] = html.render(document, root="../../", logs=available)
    if _is_newest(run, directory / "drift.json"):
        files[directory / "drift.json"] = text
        files[directory / "index.html"] = html.render(document, root="", logs=available)
    for path, content in files.items():
        _write(path, content)
    return place / "index.html"


def _logs(document: dict[str, Any], logs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    inside = f"{run_directory(document['run']['id'])}/"
    for image in document["images"]:
        for build in image["builds"]:
            if build["build"] in logs:
                if not is_log_path(build["log"]) or not build["log"].startswith(inside):
                    raise ValueError(visible(str(build["log"])))
                yield build["log"], logs[build["build"]]


def _is_newest(run: Mapping[str, Any], newest: Path) -> bool:
    """False where the directory already shows a later night or run."""
    try:
        shown = json.loads(newest.read_bytes())["run"]
        return bool((shown["night"], shown["started_at"]) <= (run["night"], run["started_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return True  # nothing there, or nothing that a report could be read from


def _write(path: Path, text: str) -> None:
    """Replace a file at once: readers see the old one or the new one, never a half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".drift-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)  # made private by mkstemp; a web server has to read it
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)  # there only where something went wrong
    except OSError as error:
        raise ReportError(
            f"cannot write the report {path}: {error.strerror or error}",
            hint="check that [report] directory exists, is writable and has space left",
        ) from error
