"""``drift notify``: tell the newest night again to whom it did not reach, or send a test."""

from __future__ import annotations

from typing import Annotated

import typer

from drift.cli import output
from drift.cli.exits import CANNOT
from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption
from drift.cli.telling import page_of
from drift.errors import ConfigError

NAME = "notify"
EXAMPLES = """\b
Examples:
  drift notify --test        a test message to every [[notify]] of drift.toml
  drift notify               what the newest night had to tell and could not deliver

\b
Exit codes: 0 all was delivered, 2 something was not.
"""


def command(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message to every target.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Tell what is new to those who are to be told.

    `drift check` does so at its end. What was told is not told again.
    """
    from drift.publish.tell import tell_run, tell_test
    from drift.report.document import stored_document, trim

    settings = configuration(config)
    if not settings.notify:
        raise ConfigError(f"{config}: nobody is to be told", hint="add a [[notify]] table")
    if test:
        told = tell_test(settings)
    else:
        with filled_store(settings) as store:
            stored = store.run()
            told = []
            if stored is not None:
                document, page = trim(stored_document(stored)), page_of(settings, stored.id)
                told = tell_run(settings, store, document, page)
    for one in told:
        line = f"{'ok' if one.error is None else 'fail':<4}  {one.name}"
        output.write(output.inert(line + (f": {one.error}" if one.error else "")) + "\n")
    if not told:
        output.write("Nothing to tell that has not been told.\n")
    if any(one.error for one in told):
        raise typer.Exit(CANNOT)
