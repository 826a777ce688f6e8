"""``drift upgrade``: running containers made anew on newer images, without losing data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli import output
from drift.cli.exits import FLAGGED
from drift.cli.opening import configuration, store_to_read
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption
from drift.cli.signals import stoppable
from drift.cli.upgraded import as_json, as_text, back_as_json, back_as_text
from drift.errors import EngineError

if TYPE_CHECKING:
    from drift.config import Config
    from drift.engine.engine import Engine
    from drift.upkeep.choosing import Wishes
    from drift.upkeep.marks import Group
    from drift.upkeep.upgrading import Upgrade

NAME = "upgrade"
EXAMPLES = """\b
Examples:
  drift upgrade --pull            the plan for the containers of [upkeep] upgrade
  drift upgrade --apply           pull, compare, and restart those that differ
  drift upgrade --apply web       one by its name
  drift upgrade --apply --hold web; drift upgrade --rollback web

\b
Exit codes: 0 all that was chosen is current or was upgraded, 1 one was refused or went back,
2 it could not be done.
"""


def command(
    containers: Annotated[
        list[str] | None, typer.Argument(metavar="CONTAINER", help="Containers, by name or id.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry out the plan; pulls newer images.")
    ] = False,
    pull: Annotated[
        bool, typer.Option("--pull", help="Pull newer images and compare their content.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="FIELD", help="Keep an inherited setting, as Env.MODE."),
    ] = None,
    accept_risk: Annotated[
        bool, typer.Option("--accept-risk", help="Take unexplained changes, of named containers.")
    ] = False,
    accept_volumes: Annotated[
        bool, typer.Option("--accept-volumes", help="Take an image with other VOLUME paths.")
    ] = False,
    allow_major: Annotated[
        bool,
        typer.Option("--allow-major", help="Take a major step of the main program."),
    ] = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep the old container, stopped, for a day.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to the container that --hold kept.")
    ] = False,
    format: ListingOption = Listing.TEXT,  # noqa: A002 - the option's name
) -> None:
    """Restart containers on newer images, without losing data.

    Without --apply the plan is shown. Only what differs in content is restarted, and whatever
    could lose data is refused with its reason. Containers are chosen by name, by [upkeep]
    upgrade, or by the label drift.upgrade=true that the image itself does not carry. What an
    interrupted upgrade left is put right first.
    """
    from drift.engine.engine import Engine
    from drift.upkeep.alone import alone
    from drift.upkeep.choosing import Wishes
    from drift.upkeep.held import held
    from drift.upkeep.recovery import recover
    from drift.upkeep.transaction import apply_upgrades

    settings = configuration(config)
    named = tuple(containers or ())
    if rollback and (apply or hold or not named):
        raise typer.BadParameter(
            "--rollback takes the names of containers, without --apply or --hold"
        )
    wishes = Wishes(named, tuple(keep or ()), accept_risk, accept_volumes, allow_major, hold)
    with ExitStack() as opened:
        opened.enter_context(stoppable())
        engine = opened.enter_context(Engine.connect(settings.engine.host))
        opened.enter_context(alone(engine.connection))
        back = list(recover(engine, settings.upkeep.watch, output.say))
        if rollback:
            _roll_back(engine, named, back, format)
            return
        found = _planned(engine, settings, wishes, pull or apply)
        done = []
        if apply:
            done = apply_upgrades(engine.connection, found, settings.upkeep, hold, output.say)
        kept = held(engine)
    _write(format, as_json(found, done, kept), as_text(found, done, kept))
    if apply and (any(one.refused for one in found) or any(one.why for one in done)):
        raise typer.Exit(FLAGGED)


def _write(format: Listing, documents: Sequence[Any], lines: Iterable[str]) -> None:  # noqa: A002
    if format is Listing.JSON:
        output.write(json.dumps(documents, indent=2) + "\n", exact=True)
    else:
        output.write("".join(f"{output.inert(line)}\n" for line in lines))


def _roll_back(
    engine: Engine,
    named: Collection[str],
    back: list[Group],
    format: Listing,  # noqa: A002
) -> None:
    """Those that an interrupted rollback left are back already, and so is what went back with
    another."""
    from drift.upkeep.held import went_back
    from drift.upkeep.recovery import roll_back

    for name in named:
        done = {pair.member.name for group in back for pair in group.pairs}
        if name.removeprefix("/") not in done:
            back.append(roll_back(engine.connection, name, output.say))
    told = went_back(back)
    _write(format, back_as_json(told), back_as_text(told))


def _planned(engine: Engine, settings: Config, wishes: Wishes, pull: bool) -> list[Upgrade]:
    """The plan; the store is closed with it, as it may be in what is upgraded."""
    from drift.upkeep.content import Reader
    from drift.upkeep.running import Looker
    from drift.upkeep.upgrading import plan_upgrades

    with store_to_read(settings) as store:
        looker = Looker(engine, store, settings.images, pull, True, Reader(engine, store))
        found = plan_upgrades(engine, settings, looker, wishes)
    _check_named(wishes.named, found)
    return found


def _check_named(named: Collection[str], found: list[Upgrade]) -> None:
    from drift.upkeep.reading import names

    for name in named:
        if not any(names(one.running.container, name) for one in found):
            raise EngineError(f"no container {name!r} is running", hint="`drift ps` lists them")
