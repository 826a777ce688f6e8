"""The engine: the one thing that the rest of drift asks about images and builds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from drift.engine import build as builds
from drift.engine import (
    census,
    disk,
    export,
    fetched,
    identity,
    images,
    leavings,
    pull,
    registry,
)
from drift.engine.census import InUse
from drift.engine.connection import Connection
from drift.engine.leavings import CacheRecord, Cleanup
from drift.engine.model import (
    BuildRequest,
    BuildResult,
    DiskSpace,
    InspectedImage,
    Progress,
    PulledImage,
)
from drift.oci import Digest, Platform
from drift.source.model import EngineIdentity


class Engine:
    """One container engine. Safe to use from several threads; close it, or use ``with``.

    Every method raises :class:`drift.errors.EngineError` where the engine cannot be
    reached, refuses or fails; what else a method promises stands with the function that
    it delegates to.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    def connect(cls, host: str | None = None) -> Self:
        """Reach the engine at ``host`` (drift.toml's), else the one the docker CLI would.

        Raises:
            EngineError: it cannot be reached, refuses us, or is too old.
        """
        return cls(Connection.open(host))

    def close(self) -> None:
        """Close every connection; requests under way in other threads fail."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def _system(self) -> Mapping[str, Any]:
        """``/info``, as it was when it was first asked for."""
        with self.connection.failures("asking what it is"):
            found: Mapping[str, Any] = self.connection.client.info()
        return found

    @cached_property
    def _advertised_builder(self) -> str | None:
        client = self.connection.client
        with self.connection.failures("asking for its builder"):
            answer = client.get(f"{client.base_url}/_ping", timeout=30)
        return answer.headers.get("Builder-Version")

    def identity(self, builder: str) -> EngineIdentity:
        """What the engine is, for the inputs of a build that ``builder`` makes."""
        return identity.identify(self.connection.version, self._system, builder)

    def choose_builder(self, setting: str, needs_buildkit: str | None) -> str:
        """See :func:`drift.engine.identity.choose_builder`."""
        return identity.choose_builder(
            setting,
            needs_buildkit,
            version=self.connection.version,
            advertised=self._advertised_builder,
            environment=os.environ,
        )

    def pull(self, reference: str, platform: Platform | None, policy: str) -> PulledImage:
        """See :func:`drift.engine.pull.pull`."""
        return pull.pull(self.connection, reference, platform, policy)

    def digest_in_registry(self, reference: str) -> Digest | None:
        """See :func:`drift.engine.registry.digest_in_registry`."""
        return registry.digest_in_registry(self.connection, reference)

    def local_image(self, reference: str, platform: Platform | None = None) -> PulledImage | None:
        """See :func:`drift.engine.pull.local_image`."""
        return pull.local_image(self.connection, reference, platform)

    def build(
        self,
        request: BuildRequest,
        *,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> BuildResult:
        """See :func:`drift.engine.build.build`."""
        client = self.connection.client
        return builds.build(client, request, on_progress=on_progress, cancelled=cancelled)

    def inspect(self, reference: str) -> InspectedImage | None:
        """An image by reference or ID, None where the engine has no such image."""
        return images.inspect(self.connection, reference)

    def export(self, image: str) -> AbstractContextManager[BinaryIO]:
        """See :func:`drift.engine.export.export`."""
        return export.export(self.connection, image)

    def tag(self, image: str, reference: str) -> None:
        """Give an image one of drift's own references."""
        images.tag(self.connection, image, reference)

    def remove(self, reference: str) -> bool:
        """Take one of drift's own references away; False where there was none."""
        return images.remove(self.connection, reference)

    def own_references(self) -> tuple[str, ...]:
        """All references in the engine that are drift's own, sorted."""
        return images.own_references(self.connection)

    def images_in_use(self) -> InUse:
        """The engine's images, and those that a container stands on right now."""
        return census.images_in_use(self.connection)

    def containers_labelled(self, label: str) -> tuple[str, ...]:
        """The ids of containers, running or not, that have a label."""
        return census.containers_labelled(self.connection, label)

    def remove_nameless_images(self, image_ids: Iterable[str], since: datetime) -> Cleanup:
        """See :func:`drift.engine.leavings.remove_nameless_images`."""
        return leavings.remove_nameless_images(self.connection, image_ids, since)

    def remove_superseded_bases(self, image_ids: Iterable[str]) -> Cleanup:
        """See :func:`drift.engine.leavings.remove_superseded_bases`."""
        return leavings.remove_superseded_bases(self.connection, image_ids)

    def cache_records(self) -> Mapping[str, CacheRecord]:
        """BuildKit's cache as it stands, by id."""
        return leavings.cache_records(self.connection)

    def prune_own_cache(
        self,
        before: Collection[str],
        windows: Collection[tuple[datetime, datetime]],
        steps: Collection[str],
    ) -> Cleanup:
        """Remove what drift's builds left in BuildKit's cache: see :func:`leavings.own_cache`."""
        after = self.cache_records()
        return leavings.prune_cache(
            self.connection, leavings.own_cache(before, after, windows, steps)
        )

    def forget_urls(self, urls: Collection[str]) -> tuple[str, ...]:
        """See :func:`drift.engine.fetched.forget_urls`."""
        return fetched.forget_urls(self.connection, urls)

    @property
    def data_root(self) -> Path | None:
        """The directory of the engine's data, on the engine's machine; None where not told."""
        root = self._system.get("DockerRootDir")
        return Path(root) if root else None

    def disk(self) -> DiskSpace | None:
        """Free and total bytes where the engine keeps images, None where it cannot be known."""
        with self.connection.failures("asking for its disk space"):
            system = self.connection.client.info()
        return disk.disk_space(self.connection.endpoint, system, self._layer_directories())

    def _layer_directories(self) -> tuple[str, ...]:
        """Where a few of its layers lie, as the engine tells it."""
        with self.connection.failures("listing images"):
            some = self.connection.client.images(quiet=True)[:3]
        found = [images.document(self.connection, image) or {} for image in some]
        drivers = [(one.get("GraphDriver") or {}).get("Data") or {} for one in found]
        return tuple(driver["UpperDir"] for driver in drivers if driver.get("UpperDir"))
