"""``drift gc``: drift's own leavings, taken away now."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from drift.cli import output
from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption

if TYPE_CHECKING:
    from drift.store.store import Store

NAME = "gc"
EXAMPLES = """\b
Examples:
  drift gc                   images and nights beyond keep_images and keep_nights
"""
_RUNS = 100_000


def command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove what drift itself left behind and need not keep.

    Each run does this at its end. Only drift's own images are touched.
    """
    from drift.engine.engine import Engine
    from drift.nightly.cleaning import clean
    from drift.report.words import counted

    settings = configuration(config)
    with (
        filled_store(settings) as store,
        Engine.connect(settings.engine.host) as engine,
        store.exclusive(0.0, output.say),
    ):
        before, nights = engine.own_references(), _nights(store)
        today = datetime.now(UTC).date()
        newest = next((run.night for run in store.runs(1)), today)
        for sentence in clean(engine, store, settings, min(newest, today)):
            output.say(f"drift: {sentence}")
        images = len(set(before) - set(engine.own_references()))
        nights -= _nights(store)
    output.write(
        f"Removed {counted(images, 'image')} of drift's own from the engine, "
        f"and {counted(len(nights), 'night')} from the store.\n"
    )


def _nights(store: Store) -> set[date]:
    return {run.night for run in store.runs(_RUNS)}
