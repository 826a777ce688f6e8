"""``drift gc``: drift's own leavings, taken away now."""

from __future__ import annotations

from datetime import UTC, datetime

from drift.cli import output
from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption

NAME = "gc"
EXAMPLES = """\b
Examples:
  drift gc                   images and nights beyond keep_images and keep_nights
"""


def command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove what drift itself left behind and need not keep.

    Each run does this at its end. Only drift's own images are touched.
    """
    from drift.engine.engine import Engine
    from drift.nightly.cleaning import clean

    settings = configuration(config)
    with (
        filled_store(settings) as store,
        Engine.connect(settings.engine.host) as engine,
        store.exclusive(0.0, output.say),
    ):
        before = engine.own_references()
        today = datetime.now(UTC).date()
        newest = next((run.night for run in store.runs(1)), today)
        for sentence in clean(engine, store, settings, min(newest, today)):
            output.say(f"drift: {sentence}")
        after = engine.own_references()
    gone = len(set(before) - set(after))
    output.write(f"Removed {gone} of drift's references in the engine.\n")
