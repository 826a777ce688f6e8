"""``drift report``: a stored run, told again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli.opening import configuration, filled_store
from drift.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    Format,
    FormatOption,
    FullOption,
    OutputOption,
)
from drift.cli.output import check_output, say
from drift.cli.rendering import Wanted, dockerfiles, emit
from drift.cli.telling import undelivered_in_words
from drift.errors import StoreError

if TYPE_CHECKING:
    from drift.config import Config
    from drift.store.queries import StoredRun
    from drift.store.store import Store

NAME = "report"
EXAMPLES = """\b
Examples:
  drift report                              the newest run
  drift report 2026-11-22 --format html -o night.html
  drift report --format json | jq .summary
  drift report --site                       the pages again, where they were lost
"""
_RUNS = 100_000


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or a night as YYYY-MM-DD.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    output: OutputOption = None,
    full: FullOption = False,
    site: Annotated[
        bool, typer.Option("--site", help="Write what report.directory lacks, from the store.")
    ] = False,
) -> None:
    """Print the report of a stored run, the newest without RUN."""
    from drift.report.document import stored_document

    if site and run is not None:
        raise typer.BadParameter("--site writes the pages of all runs: name none")
    check_output(output)
    settings = configuration(config)
    if site:
        _write_site(settings, full)
        return
    with filled_store(settings) as store:
        document = stored_document(_stored(store, run))
        undelivered = store.undelivered()
    emit(document, Wanted(format, output, full), dockerfiles(settings))
    for line in undelivered_in_words(undelivered):
        say(f"drift: {line}")


def _write_site(settings: Config, full: bool) -> None:
    """Write the pages of every stored run that are not there, and those of the fleet."""
    from drift.publish.site import write_anew

    with filled_store(settings) as store:
        page = write_anew(store, settings, full=full)
    if page is None:
        raise StoreError("no run has finished yet", hint="`drift check` records one")
    say(f"drift: the page is {page}")


def _stored(store: Store, run: str | None) -> StoredRun:
    """The run that is meant.

    Raises:
        StoreError: there is none.
    """
    found = store.run(run)
    if found is None and run is not None:
        of_night = (s.id for s in store.runs(_RUNS) if str(s.night) == run and s.finished_at)
        named = next(of_night, None)
        found = store.run(named) if named else None
    if found is None:
        what = "no run has finished yet" if run is None else f"no run {run!r} is stored"
        raise StoreError(what, hint="`drift history` lists the nights that are")
    return found
