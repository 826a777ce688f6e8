"""An image read from a stream: what engines export, ``docker save`` archives, OCI layouts.

Every layout that engines write is taken, in whatever order its members come (the index is
last in most): docker's v1 and v1.2 archives (``manifest.json``), OCI layouts (image-layout
v1.1: ``index.json``, ``blobs/``), both in one, layers plain or compressed, links between
members. The stream is read once and nothing is written.

What is checked: each layer's content against the configuration's diff ID, each blob against
the digest in its name.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from drift.errors import SnapshotError
from drift.oci import DiffId, Digest
from drift.snapshot.beside import BackgroundHash, beside, read_ahead
from drift.snapshot.layer import Capture, read_layer
from drift.snapshot.legacy import LegacyLayers
from drift.snapshot.model import Layer, Layers
from drift.snapshot.observe import Observer, unobserved
from drift.snapshot.stream import (
    MAGIC,
    ByteSource,
    chunks_of,
    decompressed,
    digest_of,
    is_compressed,
)
from drift.snapshot.tar import BLOCK, Header, content_of, is_tar, members

DOCUMENT_LIMIT = 16 << 20  # one JSON document of an archive
DOCUMENTS_LIMIT = 128 << 20  # all of them
MEMBERS_LIMIT = 100_000  # an image of 1,000 layers has 4,000
ENTRIES_LIMIT = 8_000_000  # of all layers together; 40,000 files take 25 MB
_ALGORITHMS = ("sha256", "sha512")  # those that OCI registers (descriptor.md)


@dataclass(slots=True)
class Contents:
    """What an archive held: small documents, layers' diff IDs, and links between members.

    ``parsed`` are the manifests of the layers that were not known before.
    """

    name: str
    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, DiffId] = field(default_factory=dict)
    sizes: dict[DiffId, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    parsed: dict[DiffId, Layer] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)  # sound blobs of other kinds, and why

    def forget(self, name: str) -> None:
        """A member that comes again: what it was before is no more, as where one is extracted."""
        for known in (self.documents, self.layers, self.links, self.unread):
            known.pop(name, None)

    def member(self, name: str) -> str:
        """A member's own name, links between members followed."""
        for _ in range(8):
            if name not in self.links:
                break
            name = self.links[name]
        return name

    def document(self, name: str) -> bytes:
        """A document of the archive.

        Raises:
            SnapshotError: the archive does not hold it.
        """
        try:
            return self.documents[self.member(name)]
        except KeyError:
            raise SnapshotError(
                f"{self.name}: {name} is missing", hint="the archive is incomplete; save it again"
            ) from None


def read_archive(
    stream: IO[bytes],
    name: str,
    layers: Layers,
    capture: Capture,
    expected: Sequence[DiffId] = (),
    *,
    base: Collection[DiffId] = (),
    observer: Observer | None = None,
) -> Contents:
    """Read an archive up to its end marker; its layers' manifests go to ``layers``.

    ``expected`` are the diff IDs of the image where they are known beforehand: a layer that
    they let us recognise by its name, and whose manifest is kept, is hashed but not parsed.
    The ``observer`` looks into the files of the others, but not of those of the ``base``.

    Raises:
        SnapshotError: not an image archive, or a corrupt, truncated or absurd one.
    """
    outer = ByteSource(read_ahead(chunks_of(stream)), name)
    packed = is_compressed(outer.peek(MAGIC))
    if packed:
        outer = ByteSource(decompressed(outer), name)
    if not is_tar(outer.peek(BLOCK)):
        raise SnapshotError(
            f"{name}: not an image archive",
            hint="make one with `docker save`, or give an OCI layout",
        )
    with beside(layers.put) as keep:
        reader = ArchiveReader(
            name, layers, capture, expected, base=base, observer=observer, keep=keep
        )
        for header in members(outer):
            reader.add(header, outer)
    for _ in outer.rest() if packed else ():
        pass  # the checksum of what was packed comes last
    return reader.contents


class ArchiveReader:
    """Takes an archive's members one by one; new layers are kept by ``keep``."""

    def __init__(
        self,
        name: str,
        layers: Layers,
        capture: Capture,
        expected: Sequence[DiffId] = (),
        *,
        base: Collection[DiffId] = (),
        observer: Observer | None = None,
        keep: Callable[[Layer], None] | None = None,
    ) -> None:
        self.contents = Contents(name)
        self._layers = layers
        self._keep = keep or layers.put
        self._capture = capture
        self._base = frozenset(base)
        self._observer = observer
        self._expected = {diff_id.encoded: diff_id for diff_id in expected}
        self._legacy = LegacyLayers(expected)
        self._document_bytes = 0
        self._members = 0
        self._entries = 0

    def add(self, header: Header, source: ByteSource) -> None:
        """Take the member in that ``source`` stands at."""
        self._members += 1
        if self._members > MEMBERS_LIMIT:
            raise SnapshotError(f"{self.contents.name}: more members than any image archive has")
        member = posixpath.normpath(header.name)
        self.contents.forget(member)
        if header.kind == "2":
            target = posixpath.join(posixpath.dirname(member), header.link)
            self.contents.links[member] = posixpath.normpath(target)
        elif header.kind == "1":
            self.contents.links[member] = posixpath.normpath(header.link)
        elif header.kind == "0":
            self._content(member, header.size, content_of(header, source))

    def _content(self, member: str, size: int, source: ByteSource) -> None:
        start = source.peek(min(size, BLOCK))
        # A layer of no bytes is an empty one (moby issue 18170).
        if not size or is_tar(start) or is_compressed(start):
            self._layer(member, size, source)
        elif size <= DOCUMENT_LIMIT:
            self._document(member, source.exactly(size))
        else:
            self._other(member, size, source)

    def _other(self, member: str, size: int, source: ByteSource) -> None:
        """A blob that is no part of an image: an attestation, an artifact."""
        claimed = _blob_digest(member)
        if claimed is None or digest_of(source.slices(size), claimed.algorithm) != claimed:
            raise SnapshotError(
                f"{self.contents.name}: {member} is neither a layer nor a document, or damaged"
            )
        self.contents.unread[member] = f"it is neither a layer nor a document, of {size} bytes"

    def _document(self, member: str, content: bytes) -> None:
        self._document_bytes += len(content)
        if self._document_bytes > DOCUMENTS_LIMIT:
            raise SnapshotError(f"{self.contents.name}: more documents than any image has")
        claimed = _blob_digest(member)
        if claimed is not None and digest_of([content], claimed.algorithm) != claimed:
            raise SnapshotError(f"{self.contents.name}: {member} is not what its name says")
        self.contents.documents[member] = content
        self._legacy.learn(member, content)

    def _layer(self, member: str, size: int, source: ByteSource) -> None:
        title = f"{self.contents.name}: {member}"
        claimed = _blob_digest(member)
        blob = hashlib.new(claimed.algorithm if claimed is not None else "sha256")
        if is_compressed(source.peek(min(size, MAGIC))):
            unsound: SnapshotError | None = None
            layer_size, diff_id = 0, None
            with BackgroundHash() as hashing:
                packed = ByteSource(hashing.watch(blob, source.slices(size)), title)
                try:
                    layer_size, diff_id = self._parsed(decompressed(packed), title, self._observer)
                except SnapshotError as error:
                    unsound = error
                for _ in packed.rest():
                    pass
            digest = Digest.from_hash(blob)
            if diff_id is None:
                self._refuse(member, digest, unsound)
                return
        else:
            layer_size = size
            if claimed is None or claimed.algorithm == "sha256":
                digest = diff_id = self._plain(member, source.slices(size), title)
            else:
                with BackgroundHash() as hashing:
                    watched = hashing.watch(blob, source.slices(size))
                    diff_id = self._plain(member, watched, title)
                digest = Digest.from_hash(blob)
        if claimed is not None and digest != claimed:
            raise SnapshotError(f"{title}: its content is not what its name says")
        self.contents.layers[member] = diff_id
        self.contents.sizes[diff_id] = layer_size

    def _refuse(self, member: str, digest: Digest, error: SnapshotError | None) -> None:
        """A blob that is what its name says may be something else than a layer."""
        if error is None or digest != _blob_digest(member):
            raise error or SnapshotError(f"{self.contents.name}: {member} cannot be read")
        self.contents.unread[member] = error.message

    def _plain(self, member: str, chunks: Iterator[bytes | memoryview], title: str) -> DiffId:
        known = self._known(member)
        if known not in self._layers:
            _, diff_id = self._parsed(
                chunks, title, None if known in self._base else self._observer
            )
            return diff_id
        diff_id = DiffId(digest_of(chunks))
        if diff_id != known:
            raise SnapshotError(f"{title}: its content is not the layer that its name says")
        return diff_id

    def _parsed(
        self, chunks: Iterator[bytes | memoryview], title: str, observer: Observer | None
    ) -> tuple[int, DiffId]:
        layer = read_layer(chunks, title, self._capture, observer)
        self._entries += len(layer.entries)
        if self._entries > ENTRIES_LIMIT:
            raise SnapshotError(f"{self.contents.name}: more files than drift reads of one archive")
        plain = unobserved(layer)  # what was learned is the store's: it need not stay in memory
        self._keep(plain if layer.diff_id in self._base else layer)
        self.contents.parsed[layer.diff_id] = plain
        return layer.size, layer.diff_id

    def _known(self, member: str) -> DiffId | None:
        """The diff ID that a member's name gives away, if it is one of those expected."""
        encoded = posixpath.basename(member).removesuffix(".tar")
        return self._expected.get(encoded) or self._legacy.diff_id(member)


def _blob_digest(member: str) -> Digest | None:
    """The digest in a blob's name (OCI image-layout), or in that of docker's own layout."""
    parts = member.split("/")
    if len(parts) == 3 and parts[0] == "blobs" and parts[1] in _ALGORITHMS:
        algorithm, encoded = parts[1:]
    elif len(parts) == 1:
        algorithm, encoded = "sha256", parts[0].removesuffix(".json").removesuffix(".tar")
    else:
        return None
    try:
        return Digest(f"{algorithm}:{encoded}")
    except ValueError:
        return None
