"""What a run would build, why, and what it would cost; nothing is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drift.builds import Build, Role
from drift.config.model import Config
from drift.nightly.experiment import NIGHTLY_REASON
from drift.nightly.job import chosen
from drift.store.store import Store


@dataclass(frozen=True, slots=True)
class PlannedBuild:
    """A build to come. ``seconds`` and ``bytes`` (on the engine's disk, above the base) are
    what the last one took, None where there was none."""

    image: str
    role: Role
    reason: str
    seconds: float | None
    bytes: int | None


def plan(config: Config, store: Store, names: Sequence[str] = ()) -> list[PlannedBuild]:
    """The builds of the next run, in the fleet's order.

    Raises:
        ConfigError: a name is not configured.
    """
    return [_planned(image.name, store) for image in chosen(config, names)]


def _planned(name: str, store: Store) -> PlannedBuild:
    last = next((build for build in store.builds(name, Role.NIGHTLY) if build.ok), None)
    return PlannedBuild(
        image=name,
        role=Role.NIGHTLY,
        reason=NIGHTLY_REASON,
        seconds=last.seconds if last else None,
        bytes=_size(last) if last else None,
    )


def _size(build: Build) -> int | None:
    if build.snapshot is None:
        return None
    return sum(layer.size for layer in build.snapshot.layers if not layer.base)
