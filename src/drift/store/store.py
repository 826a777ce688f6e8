"""The store: what drift remembers between nights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from types import TracebackType
from typing import IO, Any, Self

from drift.builds import Build, Role
from drift.errors import StoreError
from drift.oci import Digest
from drift.snapshot.model import Layers
from drift.source.model import EngineIdentity
from drift.store import contexts, deliveries, lease, migrate, queries, records, retention, uses
from drift.store.database import Database, create_directory
from drift.store.deliveries import Delivery
from drift.store.manifests import StoredLayers
from drift.store.queries import ImageNight, Recurring, RunSummary, StoredRun
from drift.store.retention import Pruned
from drift.store.schema import accepted
from drift.store.standing import Standing, standing
from drift.store.uses import ImageUse


class Store:
    """Runs, builds, layer manifests, contexts and the lease, in one database.

    Every method is a transaction of its own and raises :class:`~drift.errors.StoreError`
    where the database fails. An image of a run is written whole or not at all: images that
    a killed run had saved are whole, and count as baselines of the nights to come, but the
    run stays unfinished and replaces nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored_layers = StoredLayers(database)
        self.layers: Layers = self._stored_layers

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a store by its SQLAlchemy URL; make or migrate it where needed.

        Raises:
            StoreError: it can't be read or made, or a newer drift has written it.
        """
        database = Database(url)
        create_directory(database.url)
        try:
            migrate.upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close the store's connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def exclusive(
        self, wait: float, on_wait: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        """One run at a time: see :func:`drift.store.lease.exclusive`."""
        return lease.exclusive(self._database, wait, on_wait)

    # Writing runs

    def begin_run(
        self, run_id: str, night: date, started_at: datetime, engine: EngineIdentity | None
    ) -> None:
        """Record that a run has begun."""
        with self._database.write() as connection:
            records.begin_run(connection, run_id, night, started_at, engine)

    def save_image(
        self,
        run_id: str,
        name: str,
        document: Mapping[str, Any],
        builds: Sequence[Build],
        logs: Mapping[str, str],
        flapped: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Keep all of one image of a run, in one transaction.

        ``document`` is the image's entry in the report, ``logs`` the builds' logs by their
        ids, ``flapped`` the values of the paths in which builds of tonight's inputs differ
        (None: there was no control). The layers' manifests are put in :attr:`layers` before.
        """
        with self._database.write() as connection:
            records.save_image(connection, run_id, name, document, builds, logs, flapped)

    def finish_run(self, run_id: str, finished_at: datetime) -> tuple[str, ...]:
        """End a run; its images replace those of all other runs of its night.

        Returns the ids of the builds that went with them, for their tags in the engine.
        """
        with self._database.write() as connection:
            return records.finish_run(connection, run_id, finished_at)

    def accept(self, image: str, build_id: str, at: datetime, reason: str) -> None:
        """Take a build as the image's accepted baseline.

        Raises:
            StoreError: there is no such successful build of the image.
        """
        build = self.build(build_id)
        if build is None or build.image != image or not build.ok:
            raise StoreError(
                f"{build_id} is no successful build of {image}",
                hint=f"a build's id is RUN-{image}-nightly, with a RUN of `drift history {image}`",
            )
        row = {"image": image, "build": build_id, "at": at, "reason": reason}
        with self._database.write() as connection:
            connection.execute(accepted.insert(), row)

    # Builds

    def baseline(self, image: str, before: date) -> Build | None:
        """The last successful nightly build of a night earlier than ``before``."""
        with self._database.read() as connection:
            return queries.baseline(connection, image, before)

    def baseline_accepted(self, image: str) -> Build | None:
        """The build that was accepted last."""
        with self._database.read() as connection:
            return queries.baseline_accepted(connection, image)

    def build(self, build_id: str) -> Build | None:
        """A build by its id."""
        with self._database.read() as connection:
            return queries.build_by_id(connection, build_id)

    def builds(self, image: str, role: Role | None = None) -> tuple[Build, ...]:
        """An image's builds, of one role or all, newest first."""
        with self._database.read() as connection:
            return queries.builds_of(connection, image, role)

    def controls_of(self, build: Build) -> tuple[Build, ...]:
        """The controls of a nightly build's own run that succeeded, the oldest first."""
        with self._database.read() as connection:
            found = queries.builds_of(connection, build.image, Role.CONTROL)
        return tuple(one for one in reversed(found) if one.run == build.run and one.ok)

    def flapped(self, image: str, before: date) -> dict[str, frozenset[str]]:
        """By path, the values that builds of the same inputs gave on nights before ``before``."""
        with self._database.read() as connection:
            return queries.flapped(connection, image, before)

    def log(self, build_id: str) -> str | None:
        """A build's whole log; None where none is kept."""
        with self._database.read() as connection:
            return queries.log(connection, build_id)

    def registry_digest_seen(self, reference: str) -> bool:
        """Whether any stored build got this base reference from a registry."""
        with self._database.read() as connection:
            return queries.registry_digest_seen(connection, reference)

    # Runs

    def run(self, run_id: str | None = None) -> StoredRun | None:
        """A run with its documents; without an id the newest that has finished."""
        with self._database.read() as connection:
            return queries.run_by_id(connection, run_id)

    def runs(self, limit: int) -> tuple[RunSummary, ...]:
        """The newest runs first; ``finished_at`` is None for those that did not finish."""
        with self._database.read() as connection:
            return queries.run_summaries(connection, limit)

    def history(self, image: str | None, limit: int) -> tuple[ImageNight, ...]:
        """What finished runs said of one image, or of all: the newest night first."""
        with self._database.read() as connection:
            return queries.history(connection, image, limit)

    def calendar(
        self, image: str | None = None, since: date | None = None
    ) -> tuple[ImageNight, ...]:
        """As :meth:`history`, from a night on, and of nights whose documents are forgotten."""
        with self._database.read() as connection:
            return queries.calendar(connection, image, since)

    def recurring(self) -> dict[str, list[Recurring]]:
        """By image, what moved in the nights that are stored: the one seen last first."""
        with self._database.read() as connection:
            return queries.recurring(connection)

    def first_night(self, image: str, origin: str | None, kind: str, subject: str) -> date | None:
        """Since when a cause stands: its first stored night after the last accepted one."""
        with self._database.read() as connection:
            return queries.standing_since(connection, image, origin, kind, subject)

    def standing(self, until: date | None = None) -> Standing:
        """Which events stand after a night, the newest without one: see
        :mod:`drift.store.standing`."""
        with self._database.read() as connection:
            nights = queries.seen_nights(connection, until)
            return standing(nights, queries.accepted_nights(connection))

    # Deliveries

    def told(self, target: str) -> dict[str, str]:
        """What was delivered to a target and still counts: values by items."""
        with self._database.read() as connection:
            return deliveries.told_to(connection, target)

    def delivered(self, delivery: Delivery, items: Mapping[str, str]) -> None:
        """Keep a delivery; where it arrived its target has been told the items."""
        with self._database.write() as connection:
            deliveries.record(connection, delivery, items)

    def let_be_news(self, target: str, items: Collection[str]) -> None:
        """Forget that a target was told these items: they are over."""
        if items:
            with self._database.write() as connection:
                deliveries.forget(connection, target, items)

    def undelivered(self, target: str | None = None) -> tuple[Delivery, ...]:
        """What could not be delivered since something last was, to one target or to any."""
        with self._database.read() as connection:
            return deliveries.failing(connection, target)

    # Texts

    def texts(self, digest: Digest) -> bytes | None:
        """The content of a small text file of a kept layer; None where it is not kept."""
        return self._stored_layers.text(digest)

    def document(self, run_id: str, image: str) -> dict[str, Any] | None:
        """What a run said of one image; None where it holds none."""
        with self._database.read() as connection:
            return queries.image_document(connection, run_id, image)

    def sightings(
        self, origin: str | None, kind: str, subject: str
    ) -> tuple[tuple[str, date], ...]:
        """Each image and night that saw a cause, the oldest night first."""
        with self._database.read() as connection:
            return queries.sightings(connection, origin, kind, subject)

    # Contexts

    def keep_context(self, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Keep a context's bytes, compressed; if it is kept already it counts as used now."""
        contexts.keep(self._database, digest, chunks)

    def touch_context(self, digest: Digest) -> bool:
        """Count a context as used now; whether it is kept at all."""
        return contexts.touch(self._database, digest)

    def open_context(self, digest: Digest) -> IO[bytes] | None:
        """A kept context's bytes, forward only; None where it is not kept."""
        return contexts.open_context(self._database, digest)

    # Images in use

    def image_uses(self, engine: str) -> dict[str, ImageUse]:
        """What is known of an engine's images, by image ID."""
        with self._database.read() as connection:
            return uses.of_engine(connection, engine)

    def watch_images(
        self, engine: str, present: Iterable[str], used: Iterable[str], at: datetime
    ) -> None:
        """Note an engine's images, and those in use: see :func:`drift.store.uses.watch`."""
        with self._database.write() as connection:
            uses.watch(connection, engine, present, used, at)

    # Retention

    def prune(self, today: date, keep_nights: int, keep_contexts_bytes: int) -> Pruned:
        """Forget what is old: see :mod:`drift.store.retention`. To be called under the lease."""
        with self._database.write() as connection:
            return retention.prune(connection, today, keep_nights, keep_contexts_bytes)

    def expired_builds(self, image: str, keep_images: int) -> tuple[str, ...]:
        """Builds whose images need not stay in the engine; ask before :meth:`prune` forgets."""
        with self._database.read() as connection:
            return retention.expired_builds(connection, image, keep_images)
