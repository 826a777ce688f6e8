"""Pages of old runs, removed."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

_STARTED = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+")


def remove_older(directory: Path, keep: float, now: str) -> None:
    """Remove the pages of runs that began more than ``keep`` seconds before ``now``.

    A run's id says when it began; a directory whose name does not is not a run's, and stays.
    """
    oldest = datetime.fromisoformat(now).astimezone(UTC) - timedelta(seconds=keep)
    for place in (directory / "runs").glob("*"):
        found = _STARTED.fullmatch(place.name)
        if found is None or place.is_symlink():
            continue
        began = datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if began < oldest:
            shutil.rmtree(place, ignore_errors=True)
