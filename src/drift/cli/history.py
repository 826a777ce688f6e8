"""``drift history``: the nights that are stored, and whether the last is too long ago."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli import output
from drift.cli.exits import FLAGGED
from drift.cli.opening import configuration, existing_store, look_for
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption

if TYPE_CHECKING:
    from drift.store.queries import ImageNight
    from drift.store.store import Store

NAME = "history"
EXAMPLES = """\b
Examples:
  drift history              every image, the newest night first
  drift history web          one image
  drift history --stale 36h  exit 1 when no run has finished in the last 36 hours
"""
_RUNS = 100_000


def command(
    image: Annotated[
        str | None, typer.Argument(metavar="IMAGE", help="One image; all without it.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: ListingOption = Listing.TEXT,  # noqa: A002 - the option's name
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Lines at most.")] = 100,
    stale: Annotated[
        str | None,
        typer.Option("--stale", metavar="AGE", help="Exit 1 when no run is younger (36h, 2d)."),
    ] = None,
) -> None:
    """List the nights, and what each said of an image or of all."""
    age = None if stale is None else _age(stale)
    settings = configuration(config)
    nights: tuple[ImageNight, ...] = ()
    newest = None
    with existing_store(settings) or nullcontext() as store:
        if image is not None:
            look_for(image, settings, store)
        if store is not None:
            nights = store.history(image, limit)
            newest = _newest(store, image)
    output.write(_json(nights) if format is Listing.JSON else _text(nights, image))
    if age is not None and (newest is None or datetime.now(UTC) - newest >= age):
        when = f"the newest ended {newest:%Y-%m-%d %H:%M} UTC" if newest else "there is none"
        output.say(f"drift: no run is younger than {stale}: {when}")
        raise typer.Exit(FLAGGED)


def _age(text: str) -> timedelta:
    from drift.config.units import duration

    try:
        return timedelta(seconds=duration(text))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--stale'") from None


def _newest(store: Store, image: str | None) -> datetime | None:
    """When the last run ended, of those that hold the image where one is named."""
    runs = [run for run in store.runs(_RUNS) if run.finished_at]
    if image is not None:
        holding = {night.run for night in store.history(image, _RUNS)}
        runs = [run for run in runs if run.id in holding]
    return max((run.finished_at for run in runs if run.finished_at), default=None)


def _json(nights: Iterable[ImageNight]) -> str:
    listed = [
        {
            "night": night.night.isoformat(),
            "image": night.image,
            "status": night.status,
            "flagged": night.flagged,
            "origins": list(night.origins),
            "run": night.run,
        }
        for night in nights
    ]
    return json.dumps(listed, indent=2) + "\n"


def _text(nights: Iterable[ImageNight], image: str | None) -> str:
    rows = [
        (
            night.night,
            night.image,
            f"{night.status}{' !' if night.flagged else ''}",
            ", ".join(night.origins),
            night.run,
        )
        for night in nights
    ]
    if not rows:
        of_image = f" of {image}" if image else ""
        return output.inert(f"No night{of_image} is stored yet: `drift check` records one.") + "\n"
    return output.table([("NIGHT", "IMAGE", "STATUS", "ORIGINS", "RUN"), *rows])
