"""``drift ps``: what runs, and whether something newer is there that differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli import output
from drift.cli.opening import configuration, store_to_read
from drift.cli.options import DEFAULT_CONFIG, ConfigOption, Listing, ListingOption
from drift.cli.telling import tell_of_newer
from drift.cli.unfinished import say_unfinished
from drift.cli.upgraded import held_document, held_text

if TYPE_CHECKING:
    from drift.config import Config
    from drift.engine.engine import Engine
    from drift.store.store import Store
    from drift.upkeep.held import Held
    from drift.upkeep.running import Running

NAME = "ps"
EXAMPLES = """\b
Examples:
  drift ps                   which containers run an image that is not the newest
  drift ps --pull            pull what is newer, and say what differs in it
"""
_SHORT = 12  # digits, as docker shows them


def command(
    pull: Annotated[
        bool, typer.Option("--pull", help="Pull newer images and compare their content.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    format: ListingOption = Listing.TEXT,  # noqa: A002 - the option's name
) -> None:
    """List what runs, and what is newer.

    The newest image is the registry's, or last night's own build of an image whose `tags` in
    drift.toml name it. Containers are not touched.
    """
    from drift.engine.engine import Engine
    from drift.upkeep.content import Reader
    from drift.upkeep.held import held
    from drift.upkeep.running import Looker

    with ExitStack() as opened:
        settings, store = _opened(config, opened)
        host = settings.engine.host if settings else None
        engine = opened.enter_context(Engine.connect(host))
        say_unfinished(engine)
        fleet = settings.images if settings else ()
        looker = Looker(engine, store, fleet, pull, pull, Reader(engine, store))
        found, kept = list(looker.all()), held(engine)
        if settings is not None:
            _watch(engine, store)
            tell_of_newer(settings, store, found)
    if format is Listing.JSON:
        output.write(
            json.dumps([_document(one, kept) for one in found], indent=2) + "\n", exact=True
        )
    else:
        output.write(_text(found, kept))


def _opened(path: Path, opened: ExitStack) -> tuple[Config | None, Store]:
    """drift.toml and its store; neither need be there."""
    from tempfile import TemporaryDirectory

    from drift.store.store import Store

    if path == DEFAULT_CONFIG and not path.exists():
        nowhere = opened.enter_context(TemporaryDirectory(prefix="drift-"))
        return None, opened.enter_context(Store.open(f"sqlite:///{nowhere}/drift.db"))
    settings = configuration(path)
    return settings, opened.enter_context(store_to_read(settings))


def _watch(engine: Engine, store: Store) -> None:
    seen = engine.images_in_use()
    store.watch_images(seen.engine, seen.present, seen.used, datetime.now(UTC))


def _document(one: Running, kept: Mapping[str, Held]) -> dict[str, Any]:
    difference = one.difference
    return {
        "container": one.container.name,
        "id": one.container.id,
        "image": one.reference,
        "image_id": one.container.image_id,
        "digest": one.digest,
        "newest": one.newest,
        "state": one.state.value,
        "said": one.said,
        "days_behind": one.days,
        "packages": difference.packages if difference else None,
        "risks": dict(difference.risks) if difference else {},
        "causes": [
            {
                "kind": cause.kind.value,
                "subject": cause.subject,
                "before": cause.before,
                "after": cause.after,
                "risk": list(cause.risk),
            }
            for cause in (difference.causes if difference else ())
        ],
        "held": held_document(kept.get(one.container.name)),
    }


def _text(found: list[Running], kept: Mapping[str, Held]) -> str:
    from drift.report.words import short

    if not found:
        return "No container runs.\n"
    rows = [
        (
            one.container.name,
            short(one.reference),
            _digits(one.digest or one.container.image_id),
            _digits(one.newest or ""),
            _said(one, kept.get(one.container.name)),
        )
        for one in found
    ]
    return output.table([("CONTAINER", "IMAGE", "RUNS", "NEWEST", ""), *rows])


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_SHORT]


def _said(one: Running, kept: Held | None) -> str:
    return f"{one.said}; {held_text(kept)}" if kept else one.said
