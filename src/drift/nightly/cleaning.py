"""What a run leaves in the engine and in the store, taken away at its end.

Only drift's own is touched: images under its own references, what its builds left beside
them, and bases that it pulled and that their tag has left. A failure to clean is said and
never fails the run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from drift.builds import Role
from drift.config.model import Config
from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.engine.leavings import Cleanup
from drift.errors import EngineError, Error
from drift.nightly.rounds import Built
from drift.nightly.watch import Watcher
from drift.source.model import Base
from drift.store.store import Store

_ALL = 1_000_000
_CLOCKS_APART = timedelta(seconds=5)


class Cleaning:
    """Watches a run's builds, and cleans when the context is left, however it is left."""

    def __init__(self, engine: Engine, store: Store, config: Config, watcher: Watcher) -> None:
        self._engine, self._store, self._config = engine, store, config
        self._watcher = watcher
        self._cache_before: frozenset[str] = frozenset()
        self._windows: list[tuple[datetime, datetime]] = []
        self._steps: list[str] = []
        self._left_images: list[str] = []
        self.bases: list[Base] = []

    def __enter__(self) -> Self:
        self._cache_before = frozenset(self._engine.cache_records())
        return self

    def saw(self, built: Built) -> None:
        """Remember what a build may have left."""
        build = built.build
        started, ended = build.started_at, build.started_at + timedelta(seconds=build.seconds)
        self._windows.append((started - _CLOCKS_APART, ended + _CLOCKS_APART))
        self._steps.extend(built.steps)
        self._left_images.extend(built.left_images)
        self.bases.extend(build.inputs.bases if build.inputs else ())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._try(self._clean_builds)
        if error is None:
            self._try(self._clean_images)

    def _clean_builds(self) -> None:
        self._say(self._engine.remove_nameless_images(self._left_images))
        if self._windows and self._steps:
            found = self._engine.prune_own_cache(self._cache_before, self._windows, self._steps)
            self._say(found)

    def _clean_images(self) -> None:
        for failed in clean(self._engine, self._store, self._config, self._superseded()):
            self._watcher.says(failed)

    def _superseded(self) -> list[str]:
        """Bases that an earlier night pulled and whose tag now names another image."""
        current = {used.reference: used.image_id for used in self.bases}
        return [
            base.image_id
            for image in self._config.images
            for build in self._store.builds(image.name, Role.NIGHTLY)
            for earlier in (build.inputs.bases if build.inputs else ())
            if earlier.digest
            and current.get(earlier.reference, earlier.image_id) != earlier.image_id
        ]

    def _say(self, cleanup: Cleanup) -> None:
        for name, reason in cleanup.kept.items():
            self._watcher.says(f"not removed: {name} ({reason})")

    def _try(self, clean: Callable[[], None]) -> None:
        try:
            clean()
        except Error as error:
            self._watcher.says(f"cleaning up was cut short: {error.message}")


def clean(
    engine: Engine, store: Store, config: Config, superseded: Collection[str] = ()
) -> list[str]:
    """Remove what drift need not keep, in the engine and in the store.

    Images of builds beyond ``keep_images`` and of runs that were replaced or killed lose
    drift's reference, and go with it where nothing else names them; ``superseded`` are ids
    of bases to go. Then the store forgets what is older than ``keep_nights``. To be called
    under the store's lease. Returns a sentence for each thing that could not be removed.
    """
    failed: list[str] = []
    for reference in sorted(_own(engine, store) - _kept(store, config)):
        try:
            engine.remove(reference)
        except EngineError as error:
            failed.append(f"not removed: {reference} ({error.message})")
    cleanup = engine.remove_superseded_bases(superseded)
    failed += [f"not removed: {name} ({reason})" for name, reason in cleanup.kept.items()]
    settings = config.store
    store.prune(datetime.now(UTC).date(), settings.keep_nights, settings.keep_contexts)
    return failed


def _own(engine: Engine, store: Store) -> set[str]:
    """drift's references in the engine that builds of this store made, killed runs' too.

    Another store's may stand beside them; their runs are not known here.
    """
    runs = tuple(f"{run.id}-" for run in store.runs(limit=_ALL))
    return {
        reference
        for reference in engine.own_references()
        if reference.rpartition(":")[2].startswith(runs)
    }


def _kept(store: Store, config: Config) -> set[str]:
    """The references of the builds whose images stay."""
    return {
        own_reference(image.name, build.id)
        for image in config.images
        for build in store.builds(image.name)
        if build.id not in set(store.expired_builds(image.name, config.store.keep_images))
    }
