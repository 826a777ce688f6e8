"""``drift gc``: drift's own leavings, taken away now; others' things, planned, then removed."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli import output
from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption
from drift.cli.unfinished import say_unfinished

if TYPE_CHECKING:
    from drift.config import Config
    from drift.engine.engine import Engine
    from drift.store.store import Store

NAME = "gc"
EXAMPLES = """\b
Examples:
  drift gc                   what keep_images, keep_nights need not keep; the plan for the rest
  drift gc --apply           carry the plan of [upkeep] out
  drift gc --apply 'app:*'   these images may go although no registry has them
"""
_RUNS = 100_000


@dataclass(frozen=True, slots=True)
class Own:
    """What was removed of drift's own, and a sentence for each thing that was not."""

    images: int
    nights: int
    failed: tuple[str, ...]


def command(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Globs of images that [upkeep] may remove for good."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry out the plan for what is not drift's own.")
    ] = False,
    format: ListingOption = Listing.TEXT,  # noqa: A002 - the option's name
) -> None:
    """Remove what drift left; plan what else [upkeep] lets go.

    Each run removes drift's own leavings at its end. What others made is only touched with
    --apply, and only by the rules of [upkeep] in drift.toml; volumes never.
    """
    from drift.cli.swept import as_json, as_text
    from drift.engine.engine import Engine
    from drift.store.store import Store
    from drift.upkeep.gc import apply_gc, has_rules, plan_gc
    from drift.upkeep.recovery import let_expired_go

    settings = configuration(config)
    with ExitStack() as opened:
        ruled = has_rules(settings.upkeep)
        store = Store.open(settings.store.url) if ruled else filled_store(settings)
        opened.enter_context(store)
        engine = opened.enter_context(Engine.connect(settings.engine.host))
        opened.enter_context(store.exclusive(0.0, output.say))
        say_unfinished(engine)
        let_expired_go(engine, output.say)
        own = _own(engine, store, settings)
        plan = plan_gc(engine, store, settings, images or ()) if ruled else None
        done = apply_gc(engine, plan) if plan is not None and apply else None
        after = engine.disk() if done is not None else None
    for sentence in own.failed:
        output.say(f"drift: {sentence}")
    if format is Listing.JSON:
        output.write(json.dumps(as_json(own, plan, done, after), indent=2) + "\n", exact=True)
    else:
        output.write(as_text(own, plan, done, after))


def _own(engine: Engine, store: Store, settings: Config) -> Own:
    from drift.nightly.cleaning import clean

    before, nights = engine.own_references(), _nights(store)
    today = datetime.now(UTC).date()
    newest = next((run.night for run in store.runs(1)), today)
    failed = clean(engine, store, settings, min(newest, today))
    images = len(set(before) - set(engine.own_references()))
    return Own(images, len(nights - _nights(store)), tuple(failed))


def _nights(store: Store) -> set[date]:
    return {run.night for run in store.runs(_RUNS)}
