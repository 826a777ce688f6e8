"""The digests of the files in a tar or zip archive, while its bytes pass by.

Formats: tar (POSIX, GNU), plain or compressed with gzip, xz, bzip2 or zstd; zip (APPNOTE 6.3)
as its local headers tell it; and one file compressed without an archive around it. Nothing is
kept but digests. What is absurd or not read here ends the list, never the probe; of what is
damaged nothing is told, as a stream's checksum comes last.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from drift.errors import SnapshotError
from drift.oci import Digest
from drift.probe import zipped
from drift.probe.limits import Limits
from drift.snapshot.stream import MAGIC, ByteSource, decompressed, digest_of, is_compressed
from drift.snapshot.tar import BLOCK, content_of, is_tar, members

_SUFFIXES = (".gz", ".xz", ".bz2", ".zst")


def members_of(
    chunks: Iterator[bytes], url: str, limits: Limits, deadline: float
) -> dict[str, Digest]:
    """The files in an archive by their names in it; of the first of equal names.

    Consumes of ``chunks`` what it reads. What the chunks raise is passed on.
    """
    found: dict[str, Digest] = {}
    source = ByteSource(chunks, "the archive")
    try:
        for name, digest in _files(source, url, limits, deadline):
            found.setdefault(name, digest)
            if len(found) >= limits.members:
                break
    except _TooMuch:
        pass  # what was read so far is true
    except (SnapshotError, EOFError, OSError, ValueError, zlib.error):
        return {}  # the checksum that would prove it was not reached
    return found


class _TooMuch(SnapshotError):  # noqa: N818 (a limit of ours, no damage)
    """The archive holds more than is looked at."""


def _files(
    source: ByteSource, url: str, limits: Limits, deadline: float
) -> Iterator[tuple[str, Digest]]:
    magic = source.peek(MAGIC)
    if magic.startswith(zipped.MAGIC):
        yield from zipped.files(source, limits.unpacked, deadline)
        return
    packed = is_compressed(magic)
    if not packed and not is_tar(source.peek(BLOCK)):
        return
    inner = ByteSource(_bounded(decompressed(source), limits.unpacked, deadline), source.name)
    if is_tar(inner.peek(BLOCK)):
        for header in members(inner):
            if header.kind == "0":
                yield header.name, digest_of(content_of(header, inner).slices(header.size))
        for _ in inner.rest():
            pass
    elif packed:
        yield _plain_name(url), digest_of(inner.rest())


def _bounded(
    chunks: Iterator[bytes | memoryview], size: int, deadline: float
) -> Iterator[bytes | memoryview]:
    for chunk in chunks:
        size -= len(chunk)
        if size < 0 or time.monotonic() > deadline:
            raise _TooMuch("the archive unpacks to too much")
        yield chunk


def _plain_name(url: str) -> str:
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    suffix = next((end for end in _SUFFIXES if name.endswith(end)), "")
    return name.removesuffix(suffix) or "content"
