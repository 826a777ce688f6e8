"""How ``drift upgrade`` tells its plan, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drift.report.words import short

if TYPE_CHECKING:
    from drift.upkeep.held import Held, WentBack
    from drift.upkeep.transaction import Outcome
    from drift.upkeep.upgrading import Next, Upgrade


def as_json(
    found: Sequence[Upgrade], done: Collection[Outcome], held: Mapping[str, Held]
) -> list[dict[str, Any]]:
    """The documents of ``--format json``, one for each container."""
    return [_document(one, done, held) for one in found]


def _document(one: Upgrade, done: Collection[Outcome], held: Mapping[str, Held]) -> dict[str, Any]:
    made, name = one.next, one.running.container.name
    outcome = _outcome(one, done)
    return {
        "container": name,
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
        "held": held_document(held.get(name)),
    }


def held_document(one: Held | None) -> dict[str, str] | None:
    """What ``--hold`` keeps of a container, and until when."""
    if one is None:
        return None
    return {"container": one.name, "image_id": one.image_id, "until": one.until.isoformat()}


def held_text(one: Held) -> str:
    """``web.drift-held is kept until 2026-11-27 02:10 UTC``."""
    return f"{one.name} is kept until {one.until:%Y-%m-%d %H:%M} UTC"


def back_as_json(done: Sequence[WentBack]) -> list[dict[str, Any]]:
    """The documents of ``--rollback --format json``, one for each container."""
    return [
        {"container": o.name, "image": o.reference, "from": o.before, "to": o.now} for o in done
    ]


def back_as_text(done: Sequence[WentBack]) -> Iterator[str]:
    """The same for people."""
    for one in done:
        yield f"{one.name} ({one.reference})"
        yield f"  runs {short(one.now)} again"


def as_text(
    found: Sequence[Upgrade], done: Collection[Outcome], held: Mapping[str, Held]
) -> Iterator[str]:
    """Lines for people."""
    if not found:
        yield "No running container is chosen: name one, or list it in [upkeep] upgrade."
    for one in found:
        yield f"{one.running.container.name} ({one.running.reference})"
        yield from (f"  {line}" for line in _lines(one, _outcome(one, done)))
        kept = held.get(one.running.container.name)
        if kept is not None:
            yield f"  {held_text(kept)}"


def _lines(one: Upgrade, outcome: Outcome | None) -> Iterator[str]:
    if one.left:
        yield one.left
        return
    yield one.running.said
    yield from (f"refused: {why}" for why in one.refused)
    if one.next is not None:
        yield from _changes(one.next)
    yield from one.back
    if one.joined:
        yield f"made anew with it: {', '.join(o.container.name for o in one.joined)}"
    if outcome is not None:
        yield f"went back: {outcome.why}" if outcome.why else "upgraded"
    elif one.ready:
        yield "ready: --apply upgrades it"


def _outcome(one: Upgrade, done: Collection[Outcome]) -> Outcome | None:
    return next((o for o in done if o.name == one.running.container.name), None)


def _changes(made: Next) -> Iterator[str]:
    if made.settings:
        yield f"its own settings go over: {', '.join(made.settings)}"
    for moved in made.carried.moved:
        yield f"{moved.field}: {_value(moved.before)} → {_value(moved.after)}"
    for bind in made.mounting.binds:
        yield f"mount: {bind}"
    for mount in made.mounting.mounts:
        yield f"{mount.get('Type')}: {mount.get('Source', '')} at {mount.get('Target')}"
    yield from (f"lost: what is in the tmpfs {path}" for path in made.mounting.lost)


def _value(value: object) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
