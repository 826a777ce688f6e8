"""``drift check``: the nightly job, from drift.toml to the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli.exits import of_document
from drift.cli.opening import configuration, store_to_read
from drift.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    Format,
    FormatOption,
    FullOption,
    OutputOption,
    night,
)
from drift.cli.output import check_output, say
from drift.cli.planned import show_plan
from drift.cli.progress import watching
from drift.cli.rendering import Wanted, dockerfiles, emit
from drift.cli.telling import tell_of, tell_of_upgrades, told_if_undone, undelivered_in_words
from drift.cli.unfinished import say_unfinished

if TYPE_CHECKING:
    from drift.config import Config
    from drift.nightly.job import Night

NAME = "check"
EXAMPLES = """\b
Examples:
  drift check                          the whole fleet
  drift check web api --jobs 4         two images, four builds at once
  drift check --plan                   what would be built, and how long it takes
  drift check --format json | jq .summary
  drift check --format github          in a workflow: annotations and a step summary
  drift check --against origin/main    what this tree changes, for a pull request

\b
Exit codes: 0 nothing flagged, 1 something flagged, 2 the check could not be done, or
nothing is flagged but an image is unknown.
"""


def command(
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE", help="All without it.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    output: OutputOption = None,
    full: FullOption = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="Builds at once.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be built and why; build nothing.")
    ] = False,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            parser=night,
            help="The night's name (YYYY-MM-DD); today in UTC without it.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REVISION",
            help="Build that revision and this tree, and compare; nothing is recorded.",
        ),
    ] = None,
) -> None:
    """Build the images, compare them with the last good night, report.

    The report says what changed, and why; it is also written as pages into report.directory.
    """
    names = images or []
    _check_together(plan, against, as_of, format)
    check_output(output)
    settings = configuration(config)
    if plan:
        show_plan(settings, names, format, output, as_of)
        return
    wanted = Wanted(format, output, full)
    if against is not None:
        night = _against(settings, against, names, jobs)
        emit(night.document, wanted, dockerfiles(settings))
    else:
        with told_if_undone(settings, as_of):
            night = _tonight(settings, names, as_of, jobs)
        try:
            _publish(settings, night, wanted)
        finally:
            tell_of(settings, night.document)
            tell_of_upgrades(settings, night.document)
    raise typer.Exit(of_document(night.document))


def _check_together(plan: bool, against: str | None, as_of: date | None, chosen: Format) -> None:
    if plan and against is not None:
        raise typer.BadParameter("--plan and --against do not go together")
    if plan and chosen not in (Format.TEXT, Format.JSON):
        raise typer.BadParameter("--plan is written as text or json")
    if against is not None and as_of is not None:
        raise typer.BadParameter("--against records no night that --as-of could name")


def _tonight(config: Config, names: Sequence[str], night: date | None, jobs: int | None) -> Night:
    from drift.engine.engine import Engine
    from drift.nightly.job import alone, check, chosen
    from drift.store.store import Store
    from drift.upkeep.gc import tidies, tidy

    chosen(config, names)  # a name that is wrong is said before an engine is asked for
    with (
        Engine.connect(config.engine.host) as engine,
        Store.open(config.store.url) as store,
        watching() as watcher,
    ):
        say_unfinished(engine)
        if tidies(config.upkeep):
            with alone(store, watcher):
                tidy(engine, store, config, watcher.says)
        return check(config, engine, store, watcher, names=names, night=night, jobs=jobs)


def _against(config: Config, revision: str, names: Sequence[str], jobs: int | None) -> Night:
    from drift.engine.engine import Engine
    from drift.nightly.against import against
    from drift.nightly.job import chosen

    chosen(config, names)
    with (
        Engine.connect(config.engine.host) as engine,
        store_to_read(config) as store,
        watching() as watcher,
    ):
        return against(config, engine, store, watcher, revision, names=names, jobs=jobs)


def _publish(config: Config, night: Night, wanted: Wanted) -> None:
    """Write the site and then the report; the report comes out though the site can't."""
    from drift.publish import site
    from drift.report.document import trim
    from drift.store.store import Store

    try:
        shown = trim(night.document, full=wanted.full)
        with Store.open(config.store.url) as store:
            notices = list(undelivered_in_words(store.undelivered()))
            page = site.write(shown, night.logs, store, config, notices)
    finally:
        emit(night.document, wanted, dockerfiles(config))
    here = Path.cwd()
    say(f"drift: the page is {page.relative_to(here) if page.is_relative_to(here) else page}")
