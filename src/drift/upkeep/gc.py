"""``drift gc`` of others' things: look, plan, and carry out what the configuration allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial

from drift.config.model import Config, Upkeep
from drift.engine.engine import Engine
from drift.engine.registry import registry_has
from drift.store.store import Store
from drift.store.uses import ImageUse
from drift.upkeep.candidates import Asked, Looking
from drift.upkeep.model import Census
from drift.upkeep.plan import Plan, make_plan
from drift.upkeep.reading import read_written, take_census
from drift.upkeep.sweep import Done, sweep


def has_rules(rules: Upkeep) -> bool:
    """Whether the configuration lets anything of others' be removed."""
    off = (None, False)
    return any(
        rule not in off
        for rule in (
            rules.dangling,
            rules.images_unused,
            rules.keep_tags,
            rules.containers_stopped,
            rules.build_cache,
        )
    )


def plan_gc(engine: Engine, store: Store, config: Config, named: Sequence[str] = ()) -> Plan:
    """What ``[upkeep]`` lets go now. What is in use is noted on the way.

    Raises:
        Error: the engine or the store fails.
    """
    found = take_census(engine.connection)
    looking = Looking(
        census=found,
        rules=config.upkeep,
        uses=watch(store, found),
        now=datetime.now(UTC),
        asked=_asking(engine, config.upkeep),
        named=named,
    )
    return make_plan(looking, engine.disk())


def apply_gc(engine: Engine, plan: Plan) -> list[Done]:
    """Carry a plan out; see :func:`drift.upkeep.sweep.sweep`."""
    return list(sweep(engine.connection, plan, engine.disk))


def watch(store: Store, found: Census) -> dict[str, ImageUse]:
    """Note what is in use, and give what is known with it."""
    present = [image.id for image in found.images]
    store.watch_images(found.engine, present, found.used_images(), datetime.now(UTC))
    return store.image_uses(found.engine)


def tidies(rules: Upkeep) -> bool:
    """Whether a run cleans others' things before it builds."""
    return rules.nightly and has_rules(rules)


def tidy(engine: Engine, store: Store, config: Config, say: Callable[[str], None]) -> None:
    """Clean others' things before a run builds. To be called under the store's lease."""
    for done in apply_gc(engine, plan_gc(engine, store, config)):
        one = done.removal.candidate
        name = ", ".join(one.names) or one.id
        if done.why_not is None:
            say(f"removed the {one.kind} {name}: {one.why}")
        elif done.removal.expected:
            say(f"not removed: {name} ({done.why_not})")


def _asking(engine: Engine, rules: Upkeep) -> Asked:
    """The engine, and through it the registries; each reference is asked for once."""
    connection = engine.connection
    return Asked(
        written=lambda container: read_written(connection, container, rules.discard),
        registry_has=cache(partial(registry_has, connection)),
    )
