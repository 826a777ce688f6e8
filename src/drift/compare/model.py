"""Differences: facts, without a reason. Always from baseline (before) to candidate (after)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drift.oci import DiffId
from drift.snapshot.model import Entry, Instruction


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    METADATA_ONLY = "metadata_only"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path of the merged tree that differs.

    ``fields`` names what differs (``content``, ``type``, ``link``, ``mode``, ``owner``,
    ``xattrs``, ``device``, ``mtime``). ``before_layer`` and ``after_layer`` are the indexes
    of the layers that decide the path on either side, None where it is not there; then
    ``removing_layer`` is the one that took it away on that side, None where none did.
    ``before_source`` and ``after_source`` are the paths in those layers (see
    :class:`drift.snapshot.tree.Node`).
    """

    path: str
    change: Change
    fields: tuple[str, ...]
    before: Entry | None
    after: Entry | None
    before_layer: int | None = None
    after_layer: int | None = None
    removing_layer: int | None = None
    before_source: str | None = None
    after_source: str | None = None

    @property
    def layer(self) -> int:
        """The layer that decides the path: the candidate's, or the baseline's if removed."""
        layer = self.after_layer if self.after_layer is not None else self.before_layer
        return layer if layer is not None else 0

    @property
    def bytes(self) -> int:
        """The larger side's size."""
        return max((side.size for side in (self.before, self.after) if side), default=0)


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that differs; versions are None where it is not there.

    Where several copies are installed, a version lists them all, joined by ``", "``.
    """

    purl: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A field of the image configuration that differs, e.g. ``Env.PATH``, ``Cmd``."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A position in the stack of layers where the diff IDs differ."""

    index: int
    before: DiffId | None
    after: DiffId | None
    size: int
    instruction: Instruction | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences of two snapshots.

    ``files`` holds added, removed and modified paths sorted by path; ``metadata_only`` the
    paths that differ in nothing but mtime. ``ignored`` and ``shadowed`` are counts.
    ``packages_unknown`` gives, by purl type, why packages could not be compared.
    """

    layers: tuple[LayerChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    metadata_only: tuple[FileChange, ...] = ()
    ignored: int = 0
    shadowed: int = 0
    packages: tuple[PackageChange, ...] = ()
    packages_unknown: Mapping[str, str] = field(default_factory=dict)
    config: tuple[ConfigChange, ...] = ()

    @property
    def identical(self) -> bool:
        """Same diff IDs and configuration."""
        return not self.layers and not self.config
