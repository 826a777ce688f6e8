"""``drift explain``: the causes of an image's night, since when they stand, and where else."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from drift.cli import output
from drift.cli.explained import explanation
from drift.cli.opening import configuration, filled_store, look_for
from drift.cli.options import DEFAULT_CONFIG, ConfigOption
from drift.cli.options import night as night_option

NAME = "explain"
EXAMPLES = """\b
Examples:
  drift explain web                             every cause of the newest night
  drift explain web /usr/lib/libssl.so.3        why this path differs, and when it did before
  drift explain web openssl                     why this package differs
  drift explain web --night 2026-11-20          an earlier night
"""


def command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image's name in drift.toml.")],
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH|PACKAGE", help="A path, a package's name or purl, a cause's subject."
        ),
    ] = None,
    night: Annotated[
        date | None,
        typer.Option(
            "--night",
            metavar="DATE",
            parser=night_option,
            help="Of this night (YYYY-MM-DD); the newest without it.",
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say why an image differs, or one path or package of it.

    It tells from the store since when, by which instruction and evidence, which other images
    saw the same, and what was built to tell.
    """
    settings = configuration(config)
    with filled_store(settings) as store:
        look_for(image, settings, store)
        told = list(explanation(store, image, subject, night))
    output.write("".join(f"{output.inert(line)}\n" for line in told))
