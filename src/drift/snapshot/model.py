"""The values that a snapshot is made of.

Paths are absolute (``/usr/bin/env``), decoded as UTF-8 with undecodable bytes kept as
surrogates (PEP 383): no two paths of an image fall together. They are escaped for people
and programs only at the edge, by :func:`printable_path`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from drift.oci import DiffId, Digest, ImageConfig


class EntryType(StrEnum):
    """What a layer's entry is. The last three never stand in a merged tree."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER = "character-device"
    BLOCK = "block-device"
    FIFO = "fifo"
    HARDLINK = "hardlink"
    WHITEOUT = "whiteout"  # ``path`` is what it removes from the layers below
    OPAQUE = "opaque"  # ``path`` is the directory whose lower content it hides


class Entry(NamedTuple):
    """One entry of a layer or of a merged tree; a tuple, as one is made for every file.

    ``mode`` is masked with ``0o7777``; ``mtime`` is in nanoseconds since the epoch;
    ``digest`` is that of a regular file's content; ``link`` is a symlink's target as
    written, or the absolute path of a hard link's target; ``device`` is (major, minor).
    ``xattrs`` is sorted by name; values are hexadecimal.
    """

    path: str
    type: EntryType
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    digest: Digest | None = None
    link: str | None = None
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NormalForm:
    """A file's content without what two builds of the same inputs may differ in.

    ``name`` is the form's (see :mod:`drift.snapshot.forms`); two files are the same in normal
    form where names and digests are equal.
    """

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's manifest, in the order of its tar stream.

    ``size`` is that of the uncompressed tar stream in bytes. ``captured`` holds the
    content of the few files that cataloguers read (package databases), by path;
    ``uncaptured`` names those that were wanted and too large, with the reason.

    ``forms`` holds the normal forms of the files that have one, ``parts`` 64-bit digests of
    the parts of files that may be noisy (lines of a text, content-defined chunks of another
    file), sorted, ``symbols`` the names that shared libraries export, sorted; all by path,
    and only for layers above the base. ``texts`` are small text files by path, by whose
    digests the store keeps them once. A path that is not there is one of which nothing is
    known (:mod:`drift.snapshot.observe` says when).
    """

    diff_id: DiffId
    size: int
    entries: tuple[Entry, ...]
    captured: Mapping[str, bytes] = field(default_factory=dict)
    uncaptured: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, NormalForm] = field(default_factory=dict)
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)


class Layers(Protocol):
    """Where layer manifests are kept by diff ID: the store, or memory."""

    def __contains__(self, diff_id: object) -> bool: ...

    def get(self, diff_id: DiffId) -> Layer:
        """The layer's manifest. Raises KeyError where it is not kept."""
        ...

    def put(self, layer: Layer) -> None:
        """Keep a layer's manifest; the same again changes nothing."""
        ...


class LayersInMemory:
    """:class:`Layers` that last as long as the process."""

    def __init__(self) -> None:
        self._layers: dict[DiffId, Layer] = {}

    def __contains__(self, diff_id: object) -> bool:
        return diff_id in self._layers

    def get(self, diff_id: DiffId) -> Layer:
        return self._layers[diff_id]

    def put(self, layer: Layer) -> None:
        self._layers.setdefault(layer.diff_id, layer)


@dataclass(frozen=True, slots=True)
class Instruction:
    """The Dockerfile instruction that made a layer: stage name or number, 1-based line, text."""

    stage: str
    line: int
    text: str

    @property
    def is_run(self) -> bool:
        """Whether it is a RUN, in whatever case it is written."""
        return self.text[:3].upper() == "RUN"

    @property
    def is_trigger(self) -> bool:
        """Whether it is the ONBUILD trigger of a base."""
        return self.text[:7].upper() == "ONBUILD"


@dataclass(frozen=True, slots=True)
class LayerDescriptor:
    """A layer's place in an image: its identity, and where it came from.

    ``base`` is true for layers that the base image brought. ``instruction`` is None for
    those, and where it could not be told.
    """

    diff_id: DiffId
    size: int
    base: bool = False
    instruction: Instruction | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package.

    ``purl`` is the package URL without version and qualifiers (``pkg:deb/debian/openssl``);
    ``location`` tells copies apart where an ecosystem allows several (a dist-info's or a
    package.json's directory), and is empty where there is one database. ``files`` are the
    paths that the database gives to it, as in the merged tree, without directories that
    hold other files (packages share those); ``digests`` the vendor's own
    digests of some of them (``md5:…``, ``sha1:…``, ``sha256:…``). ``integrity`` is what the
    database says of the package as a whole, as its vendor made it: two packages of one
    version with another integrity are not the same bytes. None: the database says nothing.
    """

    purl: str
    version: str
    location: str = ""
    files: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    integrity: str | None = None


@dataclass(frozen=True, slots=True)
class Packages:
    """All packages of an image; ``unknown`` gives, by purl type, why a database was not read.

    An ecosystem that is in ``unknown`` may still have items: those that could be read.
    """

    items: tuple[Package, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Package]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one image holds. The layers' manifests lie in a :class:`Layers`."""

    image_id: Digest
    config: ImageConfig
    layers: tuple[LayerDescriptor, ...]
    packages: Packages = field(default_factory=Packages)


def printable_path(path: str) -> str:
    """A path as reports write it: bytes that are not UTF-8 as ``\\xNN``, a backslash doubled.

    Different paths stay different.
    """
    return (
        path.replace("\\", "\\\\")
        .encode("utf-8", "surrogateescape")
        .decode("utf-8", "backslashreplace")
    )
