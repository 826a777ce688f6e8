"""An engine in memory, for faults that cannot be had from a real one at will."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from drift.engine.census import InUse
from drift.engine.leavings import Cleanup
from drift.engine.model import BuildRequest, BuildResult, DiskSpace, InspectedImage, PulledImage
from drift.engine.pull import PullError, PullFailure
from drift.errors import EngineError
from drift.oci import DiffId, Digest, Platform
from drift.source.model import EngineIdentity
from support.images import config_of, diff_id, docker_archive, file, tar

BASE = tar([file("bin/sh", "#!")])
APP = tar([file("app", "1")])
BASE_ID = Digest.of(b"base")


@dataclass
class Faulty:
    """An engine whose answers a test chooses; it holds nothing that could be cleaned."""

    free: int = 1 << 40
    layers: tuple[bytes, ...] = (BASE, APP)
    bases_used: Mapping[str, Digest] = field(default_factory=dict)
    pull_error: PullFailure | None = None
    local: PulledImage | None = None
    build_error: EngineError | None = None
    exported: Callable[[bytes], bytes] = bytes
    builds: int = 0

    def identity(self, builder: str) -> EngineIdentity:
        return EngineIdentity("docker", "1", "1.41", builder, "linux/amd64")

    def choose_builder(self, setting: str, needs_buildkit: str | None) -> str:
        return "classic"

    def disk(self) -> DiskSpace:
        return DiskSpace(self.free, 1 << 40)

    def pull(self, reference: str, platform: Platform | None, policy: str) -> PulledImage:
        if self.pull_error:
            raise PullError(self.pull_error, f"{reference} cannot be pulled")
        return PulledImage(reference, BASE_ID, BASE_ID, (DiffId(diff_id(BASE)),), 1)

    def local_image(self, reference: str, platform: Platform | None = None) -> PulledImage | None:
        return self.local

    def build(self, request: BuildRequest, **_: Any) -> BuildResult:
        self.builds += 1
        if self.build_error:
            raise self.build_error
        return BuildResult(Digest.of(b"x"), "log", (), datetime.now(UTC), 1.0, self.bases_used)

    def inspect(self, reference: str) -> InspectedImage:
        diff_ids = tuple(DiffId(diff_id(layer)) for layer in self.layers)
        return InspectedImage(Digest.of(config_of(self.layers)), (reference,), (), diff_ids, 1)

    @contextmanager
    def export(self, image: str) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.exported(tar(docker_archive(self.layers))))

    def remove(self, reference: str) -> bool:
        return True

    def cache_records(self) -> tuple[str, ...]:
        return ()

    def own_references(self) -> tuple[str, ...]:
        return ()

    def containers_labelled(self, label: str) -> tuple[str, ...]:
        return ()

    def images_in_use(self) -> InUse:
        return InUse("faulty", frozenset(), frozenset())

    def remove_nameless_images(self, image_ids: Iterable[str], since: datetime) -> Cleanup:
        return Cleanup()

    def prune_own_cache(self, *_: object) -> Cleanup:
        return Cleanup()

    def remove_superseded_bases(self, image_ids: Iterable[str]) -> Cleanup:
        return Cleanup()
