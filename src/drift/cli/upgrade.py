"""``drift upgrade``: running containers made anew on newer images, without losing data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli import output
from drift.cli.exits import FLAGGED
from drift.cli.opening import configuration, store_to_read
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption
from drift.cli.signals import stoppable
from drift.errors import EngineError

if TYPE_CHECKING:
    from drift.config import Config
    from drift.engine.engine import Engine
    from drift.upkeep.choosing import Wishes
    from drift.upkeep.transaction import Outcome
    from drift.upkeep.upgrading import Next, Upgrade

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
    from drift.upkeep.recovery import recover, roll_back
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
        back = recover(engine, settings.upkeep.watch, output.say)
        if rollback:
            for name in named:
                if name.removeprefix("/") not in back:
                    roll_back(engine.connection, name, output.say)
            return
        found = _planned(engine, settings, wishes, pull or apply)
        done = []
        if apply:
            done = apply_upgrades(engine.connection, found, settings.upkeep, hold, output.say)
    if format is Listing.JSON:
        documents = [_document(one, done) for one in found]
        output.write(json.dumps(documents, indent=2) + "\n", exact=True)
    else:
        output.write("".join(f"{output.inert(line)}\n" for line in _text(found, done, hold)))
    if apply and (any(one.refused for one in found) or any(one.why for one in done)):
        raise typer.Exit(FLAGGED)


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


def _document(one: Upgrade, done: Collection[Outcome]) -> dict[str, Any]:
    made = one.next
    outcome = _outcome(one, done)
    return {
        "container": one.running.container.name,
        "image": one.running.reference,
        "from": one.running.container.image_id,
        "to": one.running.image_id,
        "chosen_by": one.chosen_by,
        "ready": one.ready,
        "refused": list(one.refused),
        "left": one.left or None,
        "difference": one.running.said,
        "settings": list(made.settings) if made else [],
        "moved": [
            {"field": m.field, "before": m.before, "after": m.after}
            for m in (made.carried.moved if made else ())
        ],
        "binds": list(made.mounting.binds) if made else [],
        "mounts": [dict(mount) for mount in made.mounting.mounts] if made else [],
        "lost": list(made.mounting.lost) if made else [],
        "going_back": list(one.back),
        "dependents": [other.container.name for other in one.joined],
        "upgraded": outcome is not None and outcome.why is None,
        "went_back": outcome.why if outcome else None,
    }


def _outcome(one: Upgrade, done: Collection[Outcome]) -> Outcome | None:
    return next((o for o in done if o.name == one.running.container.name), None)


def _text(found: list[Upgrade], done: Collection[Outcome], hold: bool) -> Iterator[str]:
    if not found:
        yield "No running container is chosen: name one, or see [upkeep] upgrade."
    for one in found:
        yield f"{one.running.container.name} ({one.running.reference})"
        if one.left:
            yield f"  {one.left}"
            continue
        yield f"  {one.running.said}"
        yield from (f"  refused: {why}" for why in one.refused)
        if one.next is not None:
            yield from _changes(one.next)
        yield from (f"  {line}" for line in one.back)
        if one.joined:
            yield f"  made anew with it: {', '.join(o.container.name for o in one.joined)}"
        outcome = _outcome(one, done)
        if outcome is not None:
            yield f"  {_ended(outcome, hold)}"
        elif one.ready:
            yield "  ready: --apply upgrades it"


def _ended(outcome: Outcome, hold: bool) -> str:
    if outcome.why:
        return f"went back: {outcome.why}"
    held = f"; {outcome.name}.drift-held is kept, stopped, for a day" if hold else ""
    return f"upgraded{held}"


def _changes(made: Next) -> Iterator[str]:
    if made.settings:
        yield f"  its own settings go over: {', '.join(made.settings)}"
    for moved in made.carried.moved:
        yield f"  {moved.field}: {_value(moved.before)} → {_value(moved.after)}"
    for bind in made.mounting.binds:
        yield f"  mount: {bind}"
    for mount in made.mounting.mounts:
        yield f"  {mount.get('Type')}: {mount.get('Source', '')} at {mount.get('Target')}"
    yield from (f"  lost: what is in the tmpfs {path}" for path in made.mounting.lost)


def _value(value: object) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
