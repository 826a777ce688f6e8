"""Whether two directories hold the same, told from their tar streams, in bounded memory.

Engines walk a directory in the order of its names, so that equal directories give the same
members in the same order: both streams are read side by side, and the first member that
differs ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO, NamedTuple

from drift.errors import EngineError, SnapshotError
from drift.oci import Digest
from drift.snapshot.model import printable_path
from drift.snapshot.stream import ByteSource, chunks_of
from drift.snapshot.tar import BLOCK, content_of, members

_LATEST = 2**63 - 1  # nanoseconds: what file systems and engines can hold lies between


class Member(NamedTuple):
    """What a directory holds at one path: all that an engine's archive says of it."""

    path: str
    type: str
    mode: int
    owner: tuple[int, int]
    size: int
    time: int
    target: str
    device: tuple[int, int]
    attributes: tuple[tuple[str, str], ...]
    content: Digest | None


def first_difference(one: BinaryIO, other: BinaryIO) -> str | None:
    """Where, and in what, two tars of directories differ first; None where they are the same.

    Raises:
        EngineError: one of them is cut off, or is no tar.
    """
    for first, second in zip_longest(listed(one), listed(other)):
        if first is None or second is None or first.path != second.path:
            here = min((m for m in (first, second) if m is not None), key=lambda m: m.path)
            return f"{printable_path(here.path)} is only on one side"
        if first != second:
            differs = [
                name for name, a, b in zip(Member._fields, first, second, strict=True) if a != b
            ]
            return f"{printable_path(first.path)} differs in {', '.join(differs)}"
    return None


def listed(tar: BinaryIO) -> Iterator[Member]:
    """Each member of a tar, in its order; its content is digested on the way.

    Raises:
        EngineError: it is cut off, or is no tar.
    """
    source = ByteSource(chunks_of(tar), "the volume")
    try:
        for header in members(source):
            content = None
            if header.kind == "0":
                content = content_of(header, source).digest(header.size)
            yield Member(
                header.name.rstrip("/"),
                header.kind,
                header.mode,
                (header.uid, header.gid),
                header.size,
                min(max(header.mtime, 0), _LATEST),
                header.link,
                header.device,
                tuple(sorted(header.xattrs.items())),
                content,
            )
        _require_end(source)
    except SnapshotError as error:
        raise EngineError(f"a volume cannot be read whole: {error.message}") from error


def _require_end(source: ByteSource) -> None:
    """The second of the two empty blocks that end a tar: without it a stream was cut off."""
    if source.at_end() or any(source.exactly(BLOCK)):
        raise SnapshotError("the engine broke the stream off")
