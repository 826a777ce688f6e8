"""The files of a zip archive, read forwards by its local headers (APPNOTE 6.3, 4.3.7).

Stored and deflated files; of what is encrypted, packed otherwise, or stored without its size
in front of it, the list ends there.
"""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from collections.abc import Iterator

from drift.errors import SnapshotError
from drift.oci import Digest
from drift.snapshot.stream import ByteSource

MAGIC = b"PK\x03\x04"
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR = b"PK\x07\x08"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _FOLLOWED, _UTF8 = 0x1, 0x8, 0x800
_ZIP64, _BEYOND = 1, 0xFFFFFFFF
_PIECE = 1 << 16


def files(source: ByteSource, most: int, deadline: float) -> Iterator[tuple[str, Digest]]:
    """Each file's name and the digest of its content, of ``most`` bytes in all.

    Raises:
        SnapshotError: the list ends here; ``zlib.error``: damaged content.
    """
    while source.peek(4) == MAGIC:
        header = _HEADER.unpack(source.exactly(_HEADER.size))
        flags, method, told, packed, name_length, extra_length = (
            header[at] for at in (2, 3, 6, 7, 9, 10)
        )
        name = source.exactly(name_length).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        extra = source.exactly(extra_length)
        if flags & _ENCRYPTED:
            raise SnapshotError("the archive is encrypted")
        state, checksum = hashlib.sha256(), 0
        content: Iterator[bytes | memoryview]
        if method == _DEFLATED:
            content = _inflated(source)
        elif method == _STORED and not flags & _FOLLOWED:
            content = source.slices(_long_size(extra) if packed == _BEYOND else packed)
        else:
            raise SnapshotError("the archive is not read further")
        for chunk in content:
            state.update(chunk)
            checksum = zlib.crc32(chunk, checksum)
            most -= len(chunk)
            if most < 0 or time.monotonic() > deadline:
                raise SnapshotError("the archive unpacks to too much")
        if flags & _FOLLOWED:
            told = _skip_descriptor(source)
        if checksum != told:
            raise SnapshotError("the archive is damaged")
        if not name.endswith("/"):
            yield name, Digest.from_hash(state)


def _inflated(source: ByteSource) -> Iterator[bytes]:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    while not decoder.eof:
        piece = source.peek(_PIECE)
        yield decoder.decompress(piece, _PIECE * 16)
        left = len(decoder.unused_data if decoder.eof else decoder.unconsumed_tail)
        if not decoder.eof and not piece:
            raise SnapshotError("the archive is cut short")
        source.skip(len(piece) - left)


def _long_size(extra: bytes) -> int:
    """The packed size in the zip64 field (4.5.3), behind the size."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == _ZIP64 and length >= 16 and at + 20 <= len(extra):
            return int(struct.unpack_from("<Q", extra, at + 12)[0])
        at += 4 + length
    raise SnapshotError("the archive does not tell a size")


def _skip_descriptor(source: ByteSource) -> int:
    """The checksum behind a file whose sizes were not known before it: 4.3.9, in four forms."""
    following = source.peek(28)
    signed = 4 if following.startswith(_DESCRIPTOR) else 0
    for length in (12, 20):
        after = following[signed + length : signed + length + 2]
        if after == b"PK":
            source.skip(signed + length)
            return int.from_bytes(following[signed : signed + 4], "little")
    raise SnapshotError("the archive is not read further")
