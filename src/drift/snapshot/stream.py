"""Chunks of bytes as a stream that is read exactly, without copying what can be sliced."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, cast

import zstandard

from drift.errors import SnapshotError
from drift.oci import Digest

CHUNK = 4 << 20  # large, as each one changes hands between threads

BOMB_SIZE = 1 << 30  # below 1 GiB of output any ratio is harmless
BOMB_RATIO = 200  # real layers stay below 100; gzip itself ends at 1032, zstd does not
_PIECE = 1 << 16  # handed to zlib at once: it copies what a member's end leaves over
_ZSTD_WINDOW = 1 << 27  # what the zstd command line accepts without --long

_ZSTD_HEADER = 18  # bytes at most
# Compressible: its frame does not hold it as it is, so that none of it can be taken for it.
_ZSTD_END = b"\x00\xffdrift: the end\xff\x00" * 8

_XZ_MEMORY = 128 << 20  # bytes; what xz -9 makes takes 65 MiB

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_XZ_MAGIC = b"\xfd7zXZ\0"
_BZIP2_MAGIC = b"BZh"
MAGIC = 6  # bytes of the longest of them


class TruncatedError(SnapshotError):
    """The stream ended before what it had promised."""


class ByteSource:
    """A stream made of chunks; every read is exact or raises :class:`TruncatedError`."""

    def __init__(self, chunks: Iterator[bytes | memoryview], name: str) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._position = 0
        self._earlier = 0  # bytes in chunks before the current one
        self.name = name

    @property
    def consumed(self) -> int:
        """How many bytes have been read."""
        return self._earlier + self._position

    def _advance(self) -> bool:
        """Take the next chunk that holds anything; False at the end of the stream."""
        for chunk in self._chunks:
            view = memoryview(chunk)
            if len(view):
                self._earlier += len(self._chunk)
                self._chunk, self._position = view, 0
                return True
        return False

    def slices(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes as views into the chunks they arrived in."""
        while size:
            available = len(self._chunk) - self._position
            if not available:
                if not self._advance():
                    raise TruncatedError(f"{self.name}: truncated, {size} bytes are missing")
                continue
            taken = min(available, size)
            start = self._position
            self._position += taken
            size -= taken
            yield self._chunk[start : start + taken]

    def whole(self, size: int) -> bytes | memoryview:
        """The next ``size`` bytes in one piece, which is not copied where they lie in one."""
        end = self._position + size
        if end <= len(self._chunk):
            piece = self._chunk[self._position : end]
            self._position = end
            return piece
        return b"".join(self.slices(size))

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes, as one piece."""
        end = self._position + size
        if end <= len(self._chunk):
            piece = bytes(self._chunk[self._position : end])
            self._position = end
            return piece
        return b"".join(self.slices(size))

    def digest(self, size: int) -> Digest:
        """The digest of the next ``size`` bytes, which are passed over."""
        end = self._position + size
        if end <= len(self._chunk):
            state = hashlib.sha256(self._chunk[self._position : end])
            self._position = end
            return Digest.from_hash(state)
        return digest_of(self.slices(size))

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        end = self._position + size
        if end <= len(self._chunk):
            self._position = end
            return
        for _ in self.slices(size):
            pass

    def peek(self, size: int) -> bytes:
        """Up to ``size`` bytes from here, which stay unread; fewer only at the end."""
        while len(self._chunk) - self._position < size:
            kept, read = self._chunk[self._position :], self.consumed
            following = next((chunk for chunk in self._chunks if len(chunk)), None)
            if following is None:
                break
            self._chunk = memoryview(b"".join((kept, following)))
            self._position, self._earlier = 0, read
        return bytes(self._chunk[self._position : self._position + size])

    def at_end(self) -> bool:
        """True where nothing is left."""
        return self._position == len(self._chunk) and not self._advance()

    def rest(self) -> Iterator[memoryview]:
        """All that is left."""
        while not self.at_end():
            start, self._position = self._position, len(self._chunk)
            yield self._chunk[start:]


def digest_of(chunks: Iterable[bytes | memoryview], algorithm: str = "sha256") -> Digest:
    """The digest of some chunks."""
    state = hashlib.new(algorithm)
    for chunk in chunks:
        state.update(chunk)
    return Digest.from_hash(state)


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """A file's content in large chunks."""
    while chunk := stream.read(CHUNK):
        yield chunk


def is_compressed(start: bytes) -> bool:
    """Whether a stream that starts so is compressed, in a way that engines read."""
    return start.startswith((GZIP_MAGIC, ZSTD_MAGIC, _XZ_MAGIC, _BZIP2_MAGIC))


def decompressed(source: ByteSource) -> Iterator[bytes | memoryview]:
    """The content of a gzip, zstd, xz, bzip2 or plain stream, told apart by its first bytes.

    Raises:
        SnapshotError: corrupt or truncated data, or a decompression bomb.
    """
    magic = source.peek(MAGIC)
    for start, reader in _READERS.items():
        if magic.startswith(start):
            return _bounded(source, reader(source))
    return source.rest()


def _bounded(source: ByteSource, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, as long as they are not absurdly more than what was read for them."""
    start = source.consumed
    produced = 0
    for chunk in chunks:
        produced += len(chunk)
        if produced > BOMB_SIZE and produced > BOMB_RATIO * (source.consumed - start):
            raise SnapshotError(
                f"{source.name}: decompression bomb, over {BOMB_RATIO} times its compressed size",
                hint="drift does not read such a layer; rebuild the image without it.",
            )
        yield chunk


def _gunzipped(source: ByteSource) -> Iterator[bytes]:
    """The content of one or more gzip members (RFC 1952); zero padding may follow."""
    decoder = zlib.decompressobj(wbits=31)
    for piece in _pieces(source.rest()):
        pending: bytes | memoryview = piece
        while len(pending):
            if decoder.eof:
                if pending[0] == 0 and not bytes(pending).strip(b"\0"):
                    break
                decoder = zlib.decompressobj(wbits=31)
            try:
                yield decoder.decompress(pending, CHUNK)
            except zlib.error as error:
                raise SnapshotError(f"{source.name}: corrupt gzip data: {error}") from error
            pending = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    if not decoder.eof:
        raise TruncatedError(f"{source.name}: truncated gzip data")


def _pieces(chunks: Iterator[memoryview]) -> Iterator[memoryview]:
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


class _Readable:
    """A :class:`ByteSource` with the ``read`` that zstandard asks for, and an end of ours.

    The end follows the last bytes in one piece: a frame's header that is cut is forgotten
    by the library where a new frame begins a piece.
    """

    def __init__(self, source: ByteSource, end: bytes) -> None:
        self._pieces, self._end = source.rest(), end
        self._kept = b""
        self.ended = False

    def read(self, _size: int = -1) -> bytes:
        # The wanted size is a hint: zstandard accepts more, and asks again after less.
        for piece in self._pieces:
            whole = b"".join((self._kept, piece))
            self._kept = whole[-_ZSTD_HEADER:]
            if len(whole) > _ZSTD_HEADER:
                return whole[:-_ZSTD_HEADER]
        last, self._kept = (b"" if self.ended else self._kept + self._end), b""
        self.ended = True
        return last


def _unzstd(source: ByteSource) -> Iterator[bytes]:
    """The content of one or more zstd frames (RFC 8878).

    The library does not tell a stream that ends within a frame from one that ends after it.
    So a frame of our own is put behind it: what it holds comes out only after whole frames.
    """
    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    readable = _Readable(source, zstandard.compress(_ZSTD_END))
    reader = context.stream_reader(cast(IO[bytes], readable), read_across_frames=True)
    kept = b""  # the end of what was read, which may be of our own frame
    while True:
        try:
            chunk = reader.read(CHUNK)
        except zstandard.ZstdError as error:
            if readable.ended:  # our frame was taken for what is missing
                raise TruncatedError(f"{source.name}: truncated zstd data, or corrupt") from error
            raise SnapshotError(f"{source.name}: corrupt zstd data: {error}") from error
        if not chunk:
            break
        whole = kept + chunk
        yield whole[: -len(_ZSTD_END)]
        kept = whole[-len(_ZSTD_END) :]
    if kept != _ZSTD_END:
        raise TruncatedError(f"{source.name}: truncated zstd data")


def _unxz(source: ByteSource) -> Iterator[bytes]:
    """The content of one or more xz streams (the .xz file format 1.2)."""
    return _unpacked(
        source, "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    )


def _bunzip2(source: ByteSource) -> Iterator[bytes]:
    """The content of one or more bzip2 streams."""
    return _unpacked(source, "bzip2", bz2.BZ2Decompressor)


def _unpacked(
    source: ByteSource, name: str, new: Callable[[], lzma.LZMADecompressor | bz2.BZ2Decompressor]
) -> Iterator[bytes]:
    """The content of streams one after another; zero padding may stand behind each."""
    decoder = new()
    for piece in _pieces(source.rest()):
        pending = bytes(piece)
        while pending or not (decoder.eof or decoder.needs_input):
            if decoder.eof:
                pending = pending.lstrip(b"\0")
                if not pending:
                    break
                decoder = new()
            try:
                yield decoder.decompress(pending, CHUNK)
            except (lzma.LZMAError, OSError, EOFError) as error:
                raise SnapshotError(f"{source.name}: corrupt {name} data: {error}") from error
            pending = decoder.unused_data
    if not decoder.eof:
        raise TruncatedError(f"{source.name}: truncated {name} data")


_READERS: dict[bytes, Callable[[ByteSource], Iterator[bytes]]] = {
    GZIP_MAGIC: _gunzipped,
    ZSTD_MAGIC: _unzstd,
    _XZ_MAGIC: _unxz,
    _BZIP2_MAGIC: _bunzip2,
}
