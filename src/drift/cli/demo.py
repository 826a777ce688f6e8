"""``drift demo``: real nights of a small fleet, in a world of its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drift.cli import output

NAME = "demo"
EXAMPLES = """\b
Examples:
  drift demo
  drift demo --directory /tmp/demo --builder classic
"""


class Builder(StrEnum):
    """Who builds the demo's images."""

    AUTO = "auto"
    BUILDKIT = "buildkit"
    CLASSIC = "classic"


def command(
    directory: Annotated[
        Path, typer.Option("--directory", metavar="DIR", help="Where its world is made.")
    ] = Path("drift-demo"),
    reports: Annotated[
        Path | None, typer.Option("--reports", metavar="DIR", help="Where its reports go.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="TAR", help="A root file system for its base image."),
    ] = None,
    builder: Annotated[Builder, typer.Option("--builder", help="Who builds.")] = Builder.AUTO,
    host: Annotated[
        str | None, typer.Option("--host", metavar="URL", help="The engine, as in [engine] host.")
    ] = None,
) -> None:
    """Play real nights of a small fleet while its world changes."""
    from drift.demo import run
    from drift.engine.engine import Engine

    with Engine.connect(host) as engine:
        run(directory, engine, _say, reports=reports, base=base, builder=builder.value)


def _say(line: str) -> None:
    output.write(f"{line}\n")
