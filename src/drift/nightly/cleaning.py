"""What a run leaves in the engine and in the store, taken away at its end.

Only drift's own is touched: images under its own references, what its builds left beside
them, and bases that it pulled and that their tag has left. A failure to clean is said and
never fails the run.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

from drift.builds import Role
from drift.config.model import Config
from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.engine.leavings import Cleanup
from drift.errors import EngineError
from drift.nightly.rounds import Built
from drift.nightly.watch import Watcher
from drift.store.store import Store

_ALL = 1_000_000
_CLOCKS_APART = timedelta(seconds=5)


class Leavings:
    """What a run's builds leave beside their images; taken away when the context is left."""

    def __init__(self, engine: Engine, watcher: Watcher) -> None:
        self._engine, self._watcher = engine, watcher
        self._began_at = datetime.now(UTC)
        self._cache_before: frozenset[str] = frozenset()
        self._windows: list[tuple[datetime, datetime]] = []
        self._steps: list[str] = []
        self._images: list[str] = []

    def __enter__(self) -> Self:
        self._began_at = datetime.now(UTC)
        self._cache_before = frozenset(self._engine.cache_records())
        return self

    def saw(self, built: Built) -> None:
        """Remember what a build may have left."""
        build = built.build
        started, ended = build.started_at, built.until or build.ended_at
        self._windows.append((started - _CLOCKS_APART, ended + _CLOCKS_APART))
        self._steps.extend(built.steps)
        self._images.extend(built.left_images)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            since = self._began_at - _CLOCKS_APART
            self._say(self._engine.remove_nameless_images(self._images, since))
            if self._steps:
                before, windows, steps = self._cache_before, self._windows, self._steps
                self._say(self._engine.prune_own_cache(before, windows, steps))
        except EngineError as failed:
            self._watcher.says(f"cleaning up was cut short: {failed.message}")

    def _say(self, cleanup: Cleanup) -> None:
        for name, reason in cleanup.kept.items():
            self._watcher.says(f"not removed: {name} ({reason})")


def clean(
    engine: Engine,
    store: Store,
    config: Config,
    night: date,
    own: Collection[str] | None = None,
) -> list[str]:
    """Remove what drift need not keep, in the engine and in the store.

    Images of builds beyond ``keep_images``, and of runs that were replaced or killed, lose
    drift's reference, and go with it where nothing else names them; so do bases that an
    earlier night pulled, once no tag names them and no kept image stands on them. Then the
    store forgets what is older than ``keep_nights``, counted from ``night``. ``own`` are this
    store's references where they were listed before (see :func:`own_references`). To be
    called under the store's lease. Returns a sentence for each thing that was not removed.
    """
    failed = remove_unkept(engine, store, config, own)
    cleanup = engine.remove_superseded_bases(_superseded(store, config))
    failed += [f"not removed: {name} ({reason})" for name, reason in cleanup.kept.items()]
    store.prune(night, config.store.keep_nights, config.store.keep_contexts)
    return failed


def remove_unkept(
    engine: Engine, store: Store, config: Config, own: Collection[str] | None = None
) -> list[str]:
    """Take drift's reference off every image that no kept build of this store needs."""
    failed = []
    references = own_references(engine, store) if own is None else own
    for reference in sorted(set(references) - _kept(store, config)):
        try:
            engine.remove(reference)
        except EngineError as error:
            failed.append(f"not removed: {reference} ({error.message})")
    return failed


def _superseded(store: Store, config: Config) -> set[str]:
    """Bases that drift pulled, and that neither a kept image nor the newest build stands on."""
    pulled: set[str] = set()
    in_use: set[str] = set()
    for image in config.images:
        expired = frozenset(store.expired_builds(image.name, config.store.keep_images))
        for number, build in enumerate(store.builds(image.name, Role.NIGHTLY)):
            bases = build.inputs.bases if build.inputs else ()
            if number == 0 or (build.ok and build.id not in expired):
                in_use.update(base.image_id for base in bases)
            pulled.update(base.image_id for base in bases if base.digest)
    return pulled - in_use


def own_references(engine: Engine, store: Store) -> set[str]:
    """drift's references in the engine that builds of this store made, killed runs' too.

    Another store's may stand beside them; their runs are not known here. Nor are runs that
    were replaced: list the references before a run is finished.
    """
    runs = tuple(f"{run.id}-" for run in store.runs(limit=_ALL))
    return {
        reference
        for reference in engine.own_references()
        if reference.rpartition(":")[2].startswith(runs)
    }


def _kept(store: Store, config: Config) -> set[str]:
    """The references of the builds whose images stay."""
    kept: set[str] = set()
    for image in config.images:
        expired = frozenset(store.expired_builds(image.name, config.store.keep_images))
        ids = (build.id for build in store.builds(image.name) if build.id not in expired)
        kept.update(own_reference(image.name, build) for build in ids)
    return kept
