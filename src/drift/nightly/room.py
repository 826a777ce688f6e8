"""Whether a run fits on the engine's disk: asked before it begins, not learned from a full one.

What a night takes is read from the last nights. A run that may not fit is warned of, and
what need not stay is removed; a run that does not fit even so is refused. Where the disk
cannot be seen, nothing is said and nothing guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from drift.builds import Build, Role
from drift.config.model import Image
from drift.engine.engine import Engine
from drift.engine.model import DiskSpace
from drift.errors import EngineError
from drift.nightly.rounds import LEAST_FREE
from drift.nightly.watch import Watcher
from drift.report.words import size
from drift.store.store import Store

LOOKED_AT = 7  # nights


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a run takes on the engine's disk beside its bases.

    ``certain`` is tonight's builds as they were last, and the one image that the engine
    stages whole while it is read; ``likely`` is the largest of the last nights, its replays
    and controls too, with an image staged for every job. ``unknown`` are images that no
    night has built.
    """

    certain: int
    likely: int
    unknown: tuple[str, ...] = ()


def needed(store: Store, fleet: Sequence[Image], jobs: int) -> Need:
    """What the last nights say that the fleet will take."""
    certain = likely = 0
    whole: list[int] = []
    unknown: list[str] = []
    for image in fleet:
        built = [build for build in store.builds(image.name) if build.ok]
        last = next((build for build in built if build.role is Role.NIGHTLY), None)
        if last is None:
            unknown.append(image.name)
            continue
        certain += _above_base(last)
        likely += max(_of_nights(built).values())
        whole.append(sum(layer.size for layer in last.result.layers))
    staged = sorted(whole, reverse=True)[: max(jobs, 1)]
    return Need(certain + sum(staged[:1]), likely + sum(staged), tuple(unknown))


def _of_nights(built: Sequence[Build]) -> dict[date, int]:
    """What each of the last nights built of an image, all roles together."""
    nights = sorted({build.night for build in built}, reverse=True)[:LOOKED_AT]
    return {
        night: sum(_above_base(build) for build in built if build.night == night)
        for night in nights
    }


def _above_base(build: Build) -> int:
    return sum(layer.size for layer in build.result.layers if not layer.base)


def shortage(space: DiskSpace | None, wanted: int) -> int:
    """Bytes that are missing for ``wanted`` and the margin that every build leaves; 0: none."""
    return 0 if space is None else max(0, wanted + LEAST_FREE - space.free)


def make_room(engine: Engine, need: Need, watcher: Watcher, clean: Callable[[], None]) -> None:
    """See that a run fits, cleaning where it may not.

    Raises:
        EngineError: it does not fit, whatever is cleaned; nothing was begun.
    """
    space = engine.disk()
    if space is None or not shortage(space, need.likely):
        return
    watcher.says(
        f"the engine's disk may not hold this run: {size(space.free)} are free, and it takes "
        f"up to {size(need.likely)} with {size(LEAST_FREE)} to spare; cleaning first"
    )
    clean()
    space = engine.disk()
    if space is not None and shortage(space, need.certain):
        raise EngineError(
            f"this run does not fit on the engine's disk: {size(space.free)} are free, and its "
            f"builds take {size(need.certain)} with {size(LEAST_FREE)} to spare",
            hint="free some: `drift gc` shows what may go ([upkeep] in drift.toml), or lower "
            "[store] keep_images",
        )
