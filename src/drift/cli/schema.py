"""``drift schema``: the published JSON Schemas."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from drift.cli import output

NAME = "schema"
EXAMPLES = """\b
Examples:
  drift schema config > drift.schema.json   for an editor that knows TOML schemas
  drift schema report                       what drift.json holds
"""


class Subject(StrEnum):
    """What has a schema."""

    CONFIG = "config"
    REPORT = "report"


def command(
    subject: Annotated[
        Subject, typer.Argument(metavar="config|report", help="drift.toml, or the JSON report.")
    ],
) -> None:
    """Print the JSON Schema of drift.toml or of the report."""
    from drift.config.schema import config_schema
    from drift.report.schema import report_schema

    document = config_schema() if subject is Subject.CONFIG else report_schema()
    output.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", exact=True)
