"""What ``drift check --plan`` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift.cli import output
from drift.cli.opening import store_to_read
from drift.cli.options import Format

if TYPE_CHECKING:
    from drift.config import Config
    from drift.nightly.plan import PlannedBuild


def show_plan(config: Config, names: Sequence[str], form: Format, file: Path | None) -> None:
    """Print what a run would build and why, with what it is expected to take.

    Raises:
        Error: the plan cannot be made, or written.
    """
    from drift.nightly.plan import plan

    with store_to_read(config) as store:
        builds = plan(config, store, names)
    text = _json(builds) if form is Format.JSON else _text(builds)
    output.deliver(text, file, exact=form is Format.JSON)


def _json(builds: Sequence[PlannedBuild]) -> str:
    listed = [
        {
            "image": build.image,
            "role": build.role.value,
            "reason": build.reason,
            "seconds": build.seconds,
            "bytes": build.bytes,
        }
        for build in builds
    ]
    seconds, size = total([b.seconds for b in builds]), total([b.bytes for b in builds])
    document = {"builds": listed, "seconds": seconds, "bytes": size}
    return json.dumps(document, indent=2) + "\n"


def _text(builds: Sequence[PlannedBuild]) -> str:
    rows: list[tuple[Any, ...]] = [("IMAGE", "ROLE", "MINUTES", "DISK", "REASON")]
    rows += [
        (build.image, build.role.value, _minutes(build.seconds), _size(build.bytes), build.reason)
        for build in builds
    ]
    seconds, size = total([b.seconds for b in builds]), total([b.bytes for b in builds])
    unknown = sum(build.seconds is None for build in builds)
    rows.append(("total", f"{len(builds)}", _minutes(seconds), _size(size), ""))
    note = f"\n{unknown} not in the totals: no earlier build to judge by.\n" if unknown else ""
    return output.table(rows) + note


def total(values: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _minutes(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds / 60:.1f}"


def _size(size: float | None) -> str:
    from drift.report.words import size as in_words

    return "?" if size is None else in_words(int(size))
