"""Engine-side inputs that differ between the two nights: engine, builder, frontend, host."""

from __future__ import annotations

from dataclasses import dataclass

from drift.attribute.model import Kind
from drift.attribute.sides import Sides
from drift.source.model import Base, EngineIdentity

# What most likely shows in an image comes first.
_INPUTS = (
    ("builder", Kind.BUILDER),
    ("name", Kind.ENGINE),
    ("version", Kind.ENGINE),
    ("storage_driver", Kind.ENGINE),
    ("platform", Kind.ENGINE),
    ("kernel", Kind.ENGINE),
    ("cpus", Kind.ENGINE),
)


@dataclass(frozen=True, slots=True)
class MovedTool:
    """One engine-side input that differs; ``subject`` is the engine's input or the frontend."""

    kind: Kind
    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        own = any(self.subject == name for name, _ in _INPUTS)
        what = f"the engine's {self.subject}" if own else f"the frontend {self.subject}"
        return f"{what} changed: {self.before} → {self.after}"


def moved_tools(sides: Sides) -> tuple[MovedTool, ...]:
    """The engine-side inputs that differ, the likeliest cause first."""
    if sides.before_inputs is None or sides.after_inputs is None:
        return ()
    frontends = (_frontend(then, now) for then, now in sides.moved_frontends)
    engines = moved_engine(sides.before_inputs.engine, sides.after_inputs.engine)
    return (*(moved for moved in frontends if moved), *engines)


def moved_engine(before: EngineIdentity, after: EngineIdentity) -> tuple[MovedTool, ...]:
    """What of the engine and its host differs."""
    return tuple(
        MovedTool(kind, name, str(getattr(before, name)), str(getattr(after, name)))
        for name, kind in _INPUTS
        if getattr(before, name) != getattr(after, name)
    )


def _frontend(then: Base | None, now: Base | None) -> MovedTool | None:
    shown = now or then
    if shown is None:
        return None
    before, after = (base.identity if base else "none" for base in (then, now))
    return MovedTool(Kind.BUILDER, shown.reference, before, after)
