"""``drift upgrade``: what an upgrade of running containers would do, and what forbids it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli import output
from drift.cli.opening import configuration, store_to_read
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption
from drift.errors import EngineError

if TYPE_CHECKING:
    from drift.upkeep.upgrading import Upgrade

NAME = "upgrade"
EXAMPLES = """\b
Examples:
  drift upgrade              the containers of [upkeep] upgrade, or with the label
  drift upgrade --pull web   one by its name, with the newest image pulled and compared

\b
This version shows the plan; it stops, makes and removes no container.
"""


def command(
    containers: Annotated[
        list[str] | None, typer.Argument(metavar="CONTAINER", help="Containers, by name or id.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    pull: Annotated[
        bool, typer.Option("--pull", help="Pull newer images and compare their content.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="FIELD", help="An inherited setting that stays as it is."),
    ] = None,
    accept_risk: Annotated[
        bool, typer.Option("--accept-risk", help="Take unexplained changes, of named containers.")
    ] = False,
    accept_volumes: Annotated[
        bool, typer.Option("--accept-volumes", help="Take an image with other VOLUME paths.")
    ] = False,
    format: ListingOption = Listing.TEXT,  # noqa: A002 - the option's name
) -> None:
    """Plan to restart containers on newer images.

    Only what differs in content is planned, and whatever could lose data is refused with its
    reason. Containers are chosen by name, by [upkeep] upgrade, or by the label
    drift.upgrade=true that the image itself does not carry.
    """
    from drift.engine.engine import Engine
    from drift.upkeep.content import Reader
    from drift.upkeep.running import Looker
    from drift.upkeep.upgrading import Wishes, plan_upgrades

    settings = configuration(config)
    wishes = Wishes(tuple(containers or ()), tuple(keep or ()), accept_risk, accept_volumes)
    with ExitStack() as opened:
        store = opened.enter_context(store_to_read(settings))
        engine = opened.enter_context(Engine.connect(settings.engine.host))
        looker = Looker(engine, store, settings.images, pull, True, Reader(engine, store))
        found = plan_upgrades(engine, settings, looker, wishes)
    _check_named(wishes.named, found)
    if format is Listing.JSON:
        output.write(json.dumps([_document(one) for one in found], indent=2) + "\n", exact=True)
    else:
        output.write("".join(f"{output.inert(line)}\n" for line in _text(found)))


def _check_named(named: Collection[str], found: list[Upgrade]) -> None:
    from drift.upkeep.reading import names

    for name in named:
        if not any(names(one.running.container, name) for one in found):
            raise EngineError(f"no container {name!r} is running", hint="`drift ps` lists them")


def _document(one: Upgrade) -> dict[str, Any]:
    mounting = one.mounting
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
        "settings": list(one.settings),
        "moved": [{"field": m.field, "before": m.before, "after": m.after} for m in one.moved],
        "binds": list(mounting.binds) if mounting else [],
        "mounts": [dict(mount) for mount in mounting.mounts] if mounting else [],
        "lost": list(mounting.lost) if mounting else [],
        "dependents": list(one.dependents),
    }


def _text(found: list[Upgrade]) -> Iterator[str]:
    if not found:
        yield "No running container is chosen: name one, or see [upkeep] upgrade."
    for one in found:
        yield f"{one.running.container.name} ({one.running.reference})"
        if one.left:
            yield f"  {one.left}"
            continue
        yield f"  {one.running.said}"
        yield from (f"  refused: {why}" for why in one.refused)
        if one.settings:
            yield f"  its own settings go over: {', '.join(one.settings)}"
        for moved in one.moved:
            yield f"  {moved.field}: {_value(moved.before)} → {_value(moved.after)}"
        if one.mounting is not None:
            for bind in one.mounting.binds:
                yield f"  mount: {bind}"
            for mount in one.mounting.mounts:
                yield f"  {mount.get('Type')}: {mount.get('Source', '')} at {mount.get('Target')}"
            yield from (f"  lost: what is in the tmpfs {path}" for path in one.mounting.lost)
        if one.dependents:
            yield f"  made anew with it: {', '.join(one.dependents)}"


def _value(value: object) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
