"""What is asked of an engine, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from drift.builds import Failure
from drift.oci import DiffId, Digest


@dataclass(frozen=True, slots=True)
class PulledImage:
    """An image in the engine. ``digest`` is the registry's, None where it came from none.

    ``environment`` and ``directory`` are what it sets for instructions that stand on it.
    """

    reference: str
    image_id: Digest
    digest: Digest | None
    diff_ids: tuple[DiffId, ...]
    history_length: int
    onbuild: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"


@dataclass(frozen=True, slots=True)
class SecretMount:
    """A secret served to ``RUN --mount=type=secret,id=…``. Its value is never kept or shown."""

    id: str
    file: Path | None = None
    env: str | None = None


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build: never pulling (bases were pulled before), and without cache.

    A ``cached`` one takes its steps from the cache: a stage of an image that was just built.
    ``context`` opens the canonical context tar anew each time it is called.
    ``dockerfile`` is the name inside the context tar. ``tag`` is drift's own reference for
    the image. ``builder`` is ``buildkit`` or ``classic``. ``session`` opens a BuildKit session
    even where there are no ``secrets`` and no ``ssh``: mounts that are optional need one too.
    """

    context: Callable[[], IO[bytes]]
    dockerfile: str
    tag: str
    builder: str
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: str | None = None
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    shm_size: int | None = None
    secrets: tuple[SecretMount, ...] = ()
    ssh: tuple[str, ...] = ()
    session: bool = False
    timeout: float = 3600.0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A step that begins: the ``step``-th of ``steps``, counted from 1, over all stages."""

    step: int
    steps: int
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the builder reported it. Times are None where it does not say.

    ``name`` is the builder's own line (``[runtime 2/5] RUN apt-get …``, ``Step 2/5 : RUN …``).
    """

    name: str
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cached: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build gave: an image or a failure, with the whole log.

    ``bases_used`` maps a reference, as the builder named it, to the digest or image ID that
    the build's output says it used. ``failed_step`` is the name of the step that failed, where
    the builder says which. ``left_images`` are unnamed images that may have stayed in the engine
    beside the result (the classic builder's other stages, and all of a build that failed), as
    IDs that its API takes. They are read from the build's output: see
    :func:`drift.engine.leavings.remove_nameless_images`.
    """

    image_id: Digest | None
    log: str
    steps: tuple[Step, ...]
    started_at: datetime
    seconds: float
    bases_used: Mapping[str, Digest] = field(default_factory=dict)
    failure: Failure | None = None
    failed_step: str | None = None
    left_images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """An image's identity and configuration as the engine tells it."""

    image_id: Digest
    tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    diff_ids: tuple[DiffId, ...]
    size: int


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Free and total bytes of the file system that holds the engine's data."""

    free: int
    total: int
