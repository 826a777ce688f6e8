"""Three nights of the demo's fleet, checked by ``drift check`` as a user would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from drift.demo.failure import DemoError
from drift.demo.promise import Night, broken_promises
from drift.demo.world import NEW, OLD, PACKAGE, World, world
from drift.engine.engine import Engine

Say = Callable[[str], None]


def run(
    directory: Path,
    engine: Engine,
    say: Say,
    *,
    reports: Path | None = None,
    base: Path | None = None,
    builder: str = "auto",
) -> Path:
    """Show three real nights: the first, a quiet one, and one on which the world moved.

    All that it makes lies under ``directory`` (the reports under ``reports``, by default in
    it); of an earlier demo only the registry's content is used again. ``base`` is a root
    file system for the base image, made there where no registry gives one. ``say`` is given
    each line. Returns the last night's page.

    Raises:
        DemoError: the world cannot be made here, or a night did not come out as promised.
        EngineError: the engine fails.
    """
    _require_loopback(engine)
    directory = directory.resolve()
    place = (reports or directory / "reports").resolve()
    for old in (directory / "fleet", directory / "www", place):
        shutil.rmtree(old, ignore_errors=True)
    with world(
        engine,
        directory,
        reports=place,
        base=base or directory / "base.tar",
        builder=builder,
        say=say,
    ) as made:
        nights = _nights(made, place, say)
    mistakes = list(broken_promises(*nights))
    if mistakes:
        raise DemoError("the nights did not come out as promised: " + "; ".join(mistakes))
    page = place / "index.html"
    say("")
    say(f"Report: {page}")
    say(f"JSON:   {place / 'drift.json'}")
    return page


def _nights(made: World, reports: Path, say: Say) -> tuple[Night, Night, Night]:
    today = datetime.now(UTC).date()
    first, quiet, moved = (today - timedelta(days=days) for days in (2, 1, 0))
    _title(say, "The first night: there is nothing to compare with yet")
    one = _check(made, first, reports, say)
    _title(say, "A quiet night: everything is built again, nothing moved")
    two = _check(made, quiet, reports, say)
    _title(say, f"{PACKAGE} {OLD} is now {NEW}, the base's tag is pushed anew, a URL serves more")
    made.moves()
    return one, two, _check(made, moved, reports, say)


def _title(say: Say, text: str) -> None:
    say("")
    say(f"== {text}")


def _check(made: World, night: date, reports: Path, say: Say) -> Night:
    """Run ``drift check`` in a process of its own, for one night."""
    arguments = ["check", "--as-of", night.isoformat()]
    say(f"$ drift {' '.join(arguments)}")
    with subprocess.Popen(
        [sys.executable, "-m", "drift", *arguments],
        cwd=made.fleet,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        for line in process.stdout or ():
            say(line.rstrip("\n"))
    code = process.returncode
    say(f"(exit code {code})")
    if code not in (0, 1):
        raise DemoError(f"drift check exited {code}", hint="what it said stands above")
    return Night(code, _report(reports / "drift.json", night))


def _report(path: Path, night: date) -> Any:
    """The document that a night left; never an earlier night's."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        shown = document["run"]["night"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DemoError(f"drift check left no report at {path}: {error!r}") from error
    if shown != night.isoformat():
        raise DemoError(f"{path} shows {shown}, not {night}")
    return document


def _environment() -> dict[str, str]:
    """Ours, without what would make CI print annotations for the demo's nights."""
    left_out = ("GITHUB_STEP_SUMMARY",)
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _require_loopback(engine: Engine) -> None:
    if engine.connection.endpoint.scheme != "unix" or sys.platform != "linux":
        raise DemoError(
            f"the engine at {engine.connection.endpoint.host} is not on this machine's loopback",
            hint="run the demo on Linux, beside an engine that listens on a unix socket",
        )
