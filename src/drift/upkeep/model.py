"""What an engine holds, in plain values: containers, images, and who names whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drift.engine.leavings import CacheRecord


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a container. ``name`` is a volume's, None for binds and tmpfs; ``options``
    are a bind's SELinux label and propagation, as ``-v`` has them."""

    type: str
    name: str | None
    source: str
    destination: str
    writable: bool
    options: tuple[str, ...] = ()

    @property
    def anonymous(self) -> bool:
        """Whether it is a volume that nobody named: the engine gives 64 hexadecimal digits."""
        name = self.name or ""
        return self.type == "volume" and len(name) == 64 and set(name) <= set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Container:
    """A container. ``names_others`` are the containers, by id or name, that it names in
    VolumesFrom, Links and its namespaces; without the first, ``stands_on``: it cannot be started
    without those. ``made`` are paths that the engine may have made in its file system. A time
    is None where the engine has none."""

    id: str
    name: str
    image_id: str
    image: str
    state: str
    created_at: datetime | None
    finished_at: datetime | None
    restart: str
    auto_remove: bool
    labels: Mapping[str, str]
    names_others: tuple[str, ...]
    mounts: tuple[Mount, ...]
    size: int
    started_at: datetime | None = None
    stands_on: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        return self.state in ("created", "exited", "dead")

    @property
    def of_swarm(self) -> bool:
        """Whether it is a swarm task: swarm itself makes and removes it."""
        return "com.docker.swarm.task.id" in self.labels

    @property
    def of_compose(self) -> bool:
        """Whether it is a compose project's: compose finds it by its labels, whatever its name."""
        return "com.docker.compose.project" in self.labels

    @property
    def stopped_at(self) -> datetime | None:
        """The later of Created and FinishedAt: one that never ran has only the first."""
        return max((at for at in (self.created_at, self.finished_at) if at), default=None)


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """A layer of an image: its chain ID, and its size where the history tells it."""

    chain: str
    size: int | None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image. ``digests`` are the names ``REPOSITORY@DIGEST`` that it came or went by."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    created_at: datetime | None
    tagged_at: datetime | None
    labels: Mapping[str, str]
    layers: tuple[ImageLayer, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """All that an engine holds, as it was at one moment."""

    engine: str
    containers: tuple[Container, ...] = ()
    images: tuple[StoredImage, ...] = ()
    cache: Mapping[str, CacheRecord] = field(default_factory=dict)

    def used_images(self) -> frozenset[str]:
        """The images that a container, running or not, stands on."""
        return frozenset(container.image_id for container in self.containers)
