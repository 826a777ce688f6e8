"""``drift diff``: any two images compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli.exits import of_document
from drift.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    Format,
    FormatOption,
    FullOption,
    OutputOption,
)
from drift.cli.output import check_output, say
from drift.cli.rendering import Wanted, emit

if TYPE_CHECKING:
    from drift.oci import Platform

NAME = "diff"
EXAMPLES = """\b
Examples:
  drift diff app:1 app:2                        two images in the engine
  drift diff app:1 app.tar                      an image and its `docker save` archive
  docker save app:2 | drift diff app.tar -      what comes through a pipe
  drift diff old.tar#app:1 layout/ --platform linux/arm64
  drift diff 20261122T021500Z-7f3a1c-web-nightly web:prod

\b
Exit codes: 0 identical or equivalent, 1 different, 2 one could not be read whole.
"""


def command(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE", help="An image reference, build id or archive; - is stdin."
        ),
    ],
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="What it is compared with.")
    ],
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    output: OutputOption = None,
    full: FullOption = False,
    platform: Annotated[
        str | None,
        typer.Option("--platform", metavar="OS/ARCH", help="Which image of an archive."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Compare any two images.

    Each is a reference in the engine, a build's id, a saved archive or an OCI layout.
    """
    from drift.cli.pair import Pair
    from drift.report.document import diff_document

    check_output(output)
    with Pair(config, _platform(platform), lambda note: say(f"drift: note: {note}")) as pair:
        document = diff_document(pair.compare(baseline, candidate))
    emit(document, Wanted(format, output, full))
    raise typer.Exit(of_document(document))


def _platform(text: str | None) -> Platform | None:
    from drift.oci import Platform

    try:
        return Platform.parse(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--platform'") from None
