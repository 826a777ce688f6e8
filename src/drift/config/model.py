"""The configuration as the rest of drift sees it: checked, absolute, in plain types.

The attributes mirror drift.toml. Durations are seconds, sizes are bytes, and paths are
absolute. What a key means, and its default, is said once: in :mod:`drift.config.document`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from drift.oci import Platform, Reference


@dataclass(frozen=True, slots=True)
class Engine:
    host: str | None
    builder: str
    jobs: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Store:
    """``url`` is SQLAlchemy's; a path in it is absolute."""

    url: str = field(repr=False)
    keep_nights: int
    keep_images: int
    keep_contexts: int


@dataclass(frozen=True, slots=True)
class Probe:
    enabled: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class Report:
    directory: Path
    url: str | None
    contents: bool
    keep: float


@dataclass(frozen=True, slots=True)
class Policy:
    """``fail_on`` holds origins and statuses, ``tolerate`` kinds."""

    fail_on: tuple[str, ...]
    tolerate: tuple[str, ...]
    baseline: str


@dataclass(frozen=True, slots=True)
class Accept:
    """One known change; ``until`` is the last day on which it is accepted."""

    subject: str
    after: str | None
    until: date
    reason: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Paths that are left out of the comparison, as a gitignore pattern."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Secret:
    """Exactly one of ``file`` and ``env`` says where the value is; it is read for a build only."""

    id: str
    file: Path | None
    env: str | None


@dataclass(frozen=True, slots=True)
class Image:
    """What is built, from where, how.

    ``context`` is as written; ``context_path`` is its directory, None where it is a git URL.
    ``revision`` belongs to a git URL; for a directory it is None, whatever the file says.
    ``ignore`` holds the image's own rules; the fleet's are in :attr:`Config.ignore`.
    """

    name: str
    tags: tuple[Reference, ...]
    context: str
    context_path: Path | None
    revision: str | None
    dockerfile: str
    target: str | None
    platform: Platform | None
    args: Mapping[str, str] = field(repr=False)
    volatile_args: tuple[str, ...]
    secrets: tuple[Secret, ...]
    ssh: tuple[str, ...]
    pull: str
    control: str
    network: str
    extra_hosts: tuple[str, ...]
    shm_size: int | None
    ignore: tuple[Ignore, ...]


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """How much of a disk is to be free: exactly one of bytes and percent (0 to 100) is set."""

    bytes: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class BuildCache:
    """What is removed of the build cache; None is no limit."""

    unused: float | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What may be cleaned and restarted; False and None are off."""

    dangling: bool
    images_unused: float | None
    keep_tags: int | None
    containers_stopped: float | None
    build_cache: BuildCache | None
    keep: tuple[str, ...]
    until_free: FreeSpace | None
    nightly: bool
    upgrade: tuple[str, ...]
    discard: tuple[str, ...]
    watch: float
    backup: bool


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    security: str
    user: str | None
    password: str | None = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Exactly one of ``mail`` (not empty), ``webhook`` and ``url`` is given.

    ``line`` is where the entry stands in the file: addresses may be secret, a line is not.
    """

    mail: tuple[str, ...]
    webhook: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    url: str | None = field(repr=False)
    when: tuple[str, ...]
    images: tuple[str, ...]
    attach: bool
    repeat: bool
    line: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """One drift.toml. ``path`` is the file, ``root`` its directory, both absolute.

    ``masked`` holds what must not be shown: every value that came from a ``${VARIABLE}``,
    the SMTP password and the webhooks' secrets. See :class:`drift.masking.Mask`.
    """

    path: Path
    root: Path
    engine: Engine
    store: Store
    probe: Probe
    report: Report
    policy: Policy
    accept: tuple[Accept, ...]
    ignore: tuple[Ignore, ...]
    images: tuple[Image, ...]
    upkeep: Upkeep
    smtp: Smtp | None
    notify: tuple[Notify, ...]
    heartbeat: Heartbeat | None
    masked: tuple[str, ...] = field(repr=False)
