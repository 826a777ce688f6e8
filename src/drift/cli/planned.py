"""What ``drift check --plan`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift.cli import output
from drift.cli.opening import store_to_read
from drift.cli.options import Format
from drift.errors import EngineError

if TYPE_CHECKING:
    from drift.config import Config
    from drift.engine.engine import Engine
    from drift.nightly.plan import Plan, PlannedBuild

_CERTAIN = "certain"
_A_TENTH = 3.0  # seconds: what is rounded to 0.1 minutes and more


def show_plan(
    config: Config, names: Sequence[str], form: Format, file: Path | None, night: date | None
) -> None:
    """Print what a run would build and why, with what it is expected to take.

    Raises:
        Error: the plan cannot be made, or written.
    """
    from drift.nightly.plan import plan

    with store_to_read(config) as store, _engine(config) as (engine, problem):
        found = plan(config, store, engine, names, night or datetime.now(UTC).date())
    notes = ([problem] if problem else []) + list(found.notes)
    text = _json(found, notes) if form is Format.JSON else _text(found, notes)
    output.deliver(text, file, exact=form is Format.JSON)


@contextmanager
def _engine(config: Config) -> Iterator[tuple[Engine | None, str | None]]:
    """The engine, or why there is none: a plan does without."""
    from drift.engine.engine import Engine

    try:
        engine = Engine.connect(config.engine.host)
    except EngineError as error:
        yield None, f"whether a replay is due is not known: {error.message}"
        return
    with engine:
        yield engine, None


def _json(plan: Plan, notes: Sequence[str]) -> str:
    """``seconds`` and ``bytes`` are those of the certain builds, ``at_most`` those of all."""
    listed = [
        {
            "image": build.image,
            "role": build.role.value,
            "reason": build.reason,
            "seconds": build.seconds,
            "bytes": build.bytes,
            "certain": build.chance == _CERTAIN,
            "chance": build.chance.value,
        }
        for build in plan.builds
    ]
    document = {
        "builds": listed,
        **_totals(certain(plan)),
        "at_most": _totals(plan.builds),
        "notes": notes,
    }
    return json.dumps(document, indent=2) + "\n"


def _text(plan: Plan, notes: Sequence[str]) -> str:
    rows: list[tuple[Any, ...]] = [("IMAGE", "ROLE", "CHANCE", "MINUTES", "DISK", "REASON")]
    rows += [
        (b.image, b.role.value, b.chance.value, _minutes(b.seconds), _size(b.bytes), b.reason)
        for b in plan.builds
    ]
    rows.append(_total_row("total", certain(plan)))
    if len(certain(plan)) < len(plan.builds):
        rows.append(_total_row("at most", plan.builds))
    unknown = sum(build.seconds is None for build in plan.builds)
    said = [f"{unknown} not in the totals: no earlier build to judge by."] if unknown else []
    said += [f"note: {note}" for note in notes]
    lines = "".join(f"{output.inert(line)}\n" for line in said)
    return output.table(rows) + (f"\n{lines}" if lines else "")


def _total_row(name: str, builds: Sequence[PlannedBuild]) -> tuple[Any, ...]:
    totals = _totals(builds)
    counted = f"{len(builds)} build{'' if len(builds) == 1 else 's'}"
    return name, counted, "", _minutes(totals["seconds"]), _size(totals["bytes"]), ""


def certain(plan: Plan) -> list[PlannedBuild]:
    """The builds that are made whatever comes out."""
    return [build for build in plan.builds if build.chance == _CERTAIN]


def _totals(builds: Sequence[PlannedBuild]) -> dict[str, float | None]:
    return {
        "seconds": total([build.seconds for build in builds]),
        "bytes": total([build.bytes for build in builds]),
    }


def total(values: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds / 60:.1f}" if seconds >= _A_TENTH else "<0.1"


def _size(size: float | None) -> str:
    from drift.report.words import size as in_words

    return "?" if size is None else in_words(int(size))
