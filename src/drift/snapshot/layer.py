"""One layer's tar stream read into its manifest (OCI image-spec ``layer.md``).

Each byte is read once: for the layer's diff ID in a background thread, and for the digest
of the file that it belongs to, which for large files has a thread of its own. Nothing is kept
but the manifest and the few small files that cataloguers ask for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drift.errors import SnapshotError
from drift.oci import DiffId, Digest
from drift.snapshot.beside import BackgroundHash
from drift.snapshot.forms import START
from drift.snapshot.model import Entry, EntryType, Layer
from drift.snapshot.observe import LARGEST, Look, Observation, Observer
from drift.snapshot.stream import BOMB_RATIO, BOMB_SIZE, ByteSource
from drift.snapshot.tar import Header, absolute, content_of, members

MANIFEST_LIMIT = 1 << 30  # estimated memory of one layer's manifest; 40,000 files take 25 MB
_ENTRY_WEIGHT = 400  # bytes that an entry takes beside its strings
CAPTURED_LIMIT = 256 << 20  # captured content of one layer
_LARGE = 256 << 10  # bytes of a file whose hashing is worth a change of hands

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_FILE = EntryType.FILE
_TYPES = {
    "0": _FILE,
    "1": EntryType.HARDLINK,
    "2": EntryType.SYMLINK,
    "3": EntryType.CHARACTER,
    "4": EntryType.BLOCK,
    "5": EntryType.DIRECTORY,
    "6": EntryType.FIFO,
}


@dataclass(frozen=True, slots=True)
class Capture:
    """Which files' content is kept: a quick test of the path, and the largest size in bytes.

    Those ``guarded`` are not kept where an observer hides what they hold.
    """

    wanted: Callable[[str], bool]
    largest: int
    guarded: Callable[[str], bool] = lambda _path: False


def nothing_captured() -> Capture:
    """No content is kept."""
    return Capture(wanted=lambda _path: False, largest=0)


def read_layer(
    chunks: Iterator[bytes | memoryview],
    name: str,
    capture: Capture,
    observer: Observer | None = None,
) -> Layer:
    """Read an uncompressed layer to its end; an ``observer`` looks into its files.

    Raises:
        SnapshotError: the stream is truncated, damaged or absurd.
    """
    whole = hashlib.sha256()
    with BackgroundHash() as hashing, BackgroundHash() as large:
        source = ByteSource(hashing.watch(whole, chunks), name)
        reading = _Reading(source, capture, Observation(observer) if observer else None, large)
        for header in members(source):
            reading.add(header)
        for _ in source.rest():
            pass  # padding belongs to the diff ID too
    layer = Layer(
        diff_id=DiffId.from_hash(whole),
        size=source.consumed,
        entries=reading.finished(),
        captured=reading.captured,
        uncaptured=reading.uncaptured,
    )
    return reading.observation.on(layer) if reading.observation else layer


class _Reading:
    """A layer's manifest while it is read."""

    def __init__(
        self,
        source: ByteSource,
        capture: Capture,
        observation: Observation | None,
        large: BackgroundHash,
    ) -> None:
        self._source = source
        self._large = large
        self._unfinished: dict[int, hashlib._Hash] = {}  # by the entry's index
        self._capture = capture
        self.observation = observation
        self._weight = 0
        self._captured_size = 0
        self._expanded = 0  # bytes of sparse files, holes included
        self._entries: list[Entry] = []
        self.captured: dict[str, bytes] = {}
        self.uncaptured: dict[str, str] = {}

    def add(self, header: Header) -> None:
        """Take one member in; its content, if any, is read."""
        path = absolute(header.name, self._source.name)
        if path == "/" or header.kind == "g":
            return
        entry = self._entry(header, path) if "/.wh." not in path else self._whiteout(header, path)
        if entry is not None:
            self._entries.append(entry)
            self._weigh(entry)

    def finished(self) -> tuple[Entry, ...]:
        """The layer's entries, once the large files have been hashed."""
        for index, state in self._unfinished.items():
            digest = Digest.from_hash(state)
            self._entries[index] = self._entries[index]._replace(digest=digest)
        return tuple(self._entries)

    def _whiteout(self, header: Header, path: str) -> Entry | None:
        parent, _, base = path.rpartition("/")
        entry = self._marker(parent, base) if base.startswith(_WHITEOUT) else None
        if entry is None and "/.wh..wh." not in path:  # AUFS's own files are no content
            return self._entry(header, path)
        return entry

    def _marker(self, parent: str, base: str) -> Entry | None:
        if base == _OPAQUE:
            return Entry(path=parent or "/", type=EntryType.OPAQUE)
        if base.startswith(".wh..wh."):
            return None
        removed = base.removeprefix(_WHITEOUT)
        if removed in ("", ".", ".."):
            raise SnapshotError(f"{self._source.name}: an invalid whiteout: {parent}/{base}")
        return Entry(path=f"{parent}/{removed}", type=EntryType.WHITEOUT)

    def _entry(self, header: Header, path: str) -> Entry:
        kind = _TYPES.get(header.kind)
        if kind is None:
            raise SnapshotError(
                f"{self._source.name}: {path!r} has the unknown tar type {header.kind!r}"
            )
        size, digest, link, device = 0, None, None, None
        if kind is _FILE:
            size, digest = header.size, self._content(path, header)
        elif kind is EntryType.SYMLINK:
            link = header.link
        elif kind is EntryType.HARDLINK:
            link = absolute(header.link, self._source.name)
        elif header.kind in "34":
            device = header.device
        # By position: there is an entry for each file, and names take time.
        return Entry(
            path,
            kind,
            header.mode,
            header.uid,
            header.gid,
            header.mtime,
            size,
            digest,
            link,
            device,
            _xattrs(header) if header.xattrs else (),
        )

    def _content(self, path: str, header: Header) -> Digest | None:
        """Read a file's content; the digest of all of it, None where that is unfinished."""
        size, source = header.size, content_of(header, self._source)
        if header.pieces is not None:
            self._expand(size)
        captured = self._captured(path, size, source) if self._capture.wanted(path) else None
        observation = self.observation
        look = None
        if observation is not None:
            look = self._look(observation, path, header, captured, source)
        if captured is not None and observation and self._capture.guarded(path):
            self._guard(path, observation.hides(captured))
        if observation is None or look is None:
            return self._digest(size, source) if captured is None else Digest.of(captured)
        content = source.whole(size) if captured is None else captured
        digest = Digest.of(content)
        observation.take(path, look, content, digest)
        return digest

    def _expand(self, size: int) -> None:
        """Count a sparse file: all of a layer's together are bounded as well."""
        self._expanded += size
        if self._expanded > BOMB_SIZE and self._expanded > BOMB_RATIO * self._source.consumed:
            raise SnapshotError(f"{self._source.name}: sparse files of {self._expanded} bytes")

    def _digest(self, size: int, source: ByteSource) -> Digest | None:
        if size < _LARGE:
            return source.digest(size)
        state = self._unfinished[len(self._entries)] = hashlib.sha256()
        for piece in source.slices(size):
            self._large.update(state, piece)
        return None

    def _guard(self, path: str, hidden: bool) -> None:
        if hidden:
            self.uncaptured[path] = "it holds a value that must not be kept"
            del self.captured[path]

    def _look(
        self,
        observation: Observation,
        path: str,
        header: Header,
        captured: bytes | None,
        source: ByteSource,
    ) -> Look | None:
        """What to learn of a file, by its start."""
        size = header.size
        start = source.peek(min(size, START)) if captured is None else captured[:START]
        if size <= LARGEST:
            return observation.look(path, header.mode, size, start)
        observation.look_at_large(path, start)
        return None

    def _captured(self, path: str, size: int, source: ByteSource) -> bytes | None:
        """The content that a cataloguer wants, which is kept; None where it is too large."""
        room = min(self._capture.largest, CAPTURED_LIMIT - self._captured_size)
        if size > room:
            self.uncaptured[path] = f"{size} bytes are more than drift reads of a package database"
            self.captured.pop(path, None)
            return None
        content = source.exactly(size)
        self._captured_size += size
        self.captured[path] = content
        self.uncaptured.pop(path, None)
        return content

    def _weigh(self, entry: Entry) -> None:
        self._weight += _ENTRY_WEIGHT + len(entry.path) + len(entry.link or "")
        if entry.xattrs:
            self._weight += sum(len(name) + len(value) for name, value in entry.xattrs)
        if self._weight > MANIFEST_LIMIT:
            raise SnapshotError(
                f"{self._source.name}: more files than drift reads in one layer "
                f"({len(self._entries)} so far)"
            )


def _xattrs(header: Header) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value.encode("utf-8", "surrogateescape").hex())
        for name, value in sorted(header.xattrs.items())
    )
