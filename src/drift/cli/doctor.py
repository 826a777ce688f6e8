"""``drift doctor``: is everything there that a night needs, and how to mend what is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from drift.cli import output
from drift.cli.exits import CANNOT
from drift.cli.options import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from drift.cli.examination import Finding

NAME = "doctor"
EXAMPLES = """\b
Examples:
  drift doctor               works without a drift.toml too
  drift doctor && drift check

\b
Exit codes: 0 a night can begin, 2 something fails.
"""
_COLOURS = {"ok": "32", "warn": "33", "fail": "31"}


def command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check that all is there that a night needs.

    Configuration, store, git, engine, builder, disk space, secrets, who is told, and the report
    directory are looked at.
    """
    from drift.cli.examination import FAIL, examine

    failed = []
    for finding in examine(config, optional=config == DEFAULT_CONFIG):
        output.write("".join(f"{line}\n" for line in _lines(finding)))
        if finding.state == FAIL:
            failed.append(finding.of)
    if failed:
        output.say(f"drift: not ready: {', '.join(failed)}")
        raise typer.Exit(CANNOT)


def _lines(finding: Finding) -> Iterator[str]:
    mark = f"{finding.state:<4}"
    if output.is_coloured(sys.stdout):
        mark = f"\x1b[{_COLOURS[finding.state]}m{mark}\x1b[0m"
    first, *rest = finding.said.splitlines() or [""]
    yield f"{mark}  {finding.of:<8} {output.inert(first)}"
    yield from (f"{'':15}{output.inert(line)}" for line in rest)
    if finding.mend:
        yield f"{'':15}→ {output.inert(finding.mend)}"
