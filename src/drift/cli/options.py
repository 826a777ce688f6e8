"""Options that several commands share."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """The formats of a report."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    GITHUB = "github"
    JUNIT = "junit"


class Listing(StrEnum):
    """The formats of a table."""

    TEXT = "text"
    JSON = "json"


def night(text: str) -> date:
    """The name of a night, as an option's value."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"expected a date as YYYY-MM-DD, found {text!r}") from None


DEFAULT_CONFIG = Path("drift.toml")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the report is written.")]
ListingOption = Annotated[Listing, typer.Option("--format", "-f", help="How the table is written.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the report there, not to stdout."),
]
FullOption = Annotated[
    bool,
    typer.Option("--full", help="Every path, those that differ in modification time too."),
]
