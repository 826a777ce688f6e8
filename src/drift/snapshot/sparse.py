"""Sparse files in a tar: what is stored of one, and its content with the holes as zeros.

Of GNU tar's forms those in pax headers are read, 0.0, 0.1 and 1.0 (GNU tar manual, "Storing
Sparse Files"), as Go's ``archive/tar`` does. The oldest one, with a type flag of its own,
engines refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from drift.errors import SnapshotError
from drift.snapshot.stream import BOMB_RATIO, BOMB_SIZE, CHUNK, ByteSource

Pieces = tuple[tuple[int, int], ...]
"""What is stored of a file, in order: offset and size of each piece, in bytes."""

_PREFIX = "GNU.sparse."
_MAP = _PREFIX + "map"
_PIECES_LIMIT = 1 << 18
_LINE = 20  # bytes of the longest number that is read, with its end
_ZEROS = memoryview(bytes(CHUNK))


def joined(records: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Pax records by name; those of form 0.0, which come again for each piece, as one map."""
    found: dict[str, str] = {}
    numbers: list[str] = []
    for key, value in records:
        if key in (_PREFIX + "offset", _PREFIX + "numbytes"):
            numbers.append(value)
        else:
            found[key] = value
    return {**found, _MAP: ",".join(numbers)} if numbers else found


def is_sparse(extended: Mapping[str, str]) -> bool:
    """Whether pax records say that a member is sparse, in a form that is known."""
    version = extended.get(_PREFIX + "major"), extended.get(_PREFIX + "minor")
    return version in (("0", "0"), ("0", "1"), ("1", "0")) or (
        version == (None, None) and bool(extended.get(_MAP))
    )


def name_of(extended: Mapping[str, str]) -> str | None:
    """The file's own name, where the member has one that is made up."""
    return extended.get(_PREFIX + "name") or None


def read_map(
    source: ByteSource, extended: Mapping[str, str], stored: int, block: int
) -> tuple[int, Pieces]:
    """A sparse file's size, and what is stored of it; form 1.0 has the map before the content.

    ``stored`` is the size of what the member holds, in blocks of ``block`` bytes.

    Raises:
        SnapshotError: a damaged map, or one that is not of what is stored.
    """
    stated = extended.get(_PREFIX + "size") or extended.get(_PREFIX + "realsize") or ""
    if extended.get(_PREFIX + "major") == "1":
        numbers, taken = _leading_map(source, stored, block)
    else:
        listed = extended.get(_MAP) or ""
        numbers, taken = [_number(source, text) for text in listed.split(",") if listed], 0
        if 2 * _number(source, extended.get(_PREFIX + "numblocks", "")) != len(numbers):
            raise _damaged(source)
    size = _number(source, stated) if stated else stored
    pieces = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    ends = [(0, 0), *pieces, (size, 0)]
    if sum(length for _, length in pieces) != stored - taken or any(
        at + length > following for (at, length), (following, _) in pairwise(ends)
    ):
        raise _damaged(source)
    return size, pieces


def _leading_map(source: ByteSource, stored: int, block: int) -> tuple[list[int], int]:
    """The numbers in front of the content, a line each, and the bytes of their blocks."""
    blocks: list[bytes] = []
    ends, wanted = 0, 1
    while ends < wanted:
        taken = (len(blocks) + 1) * block
        if taken > min(stored, wanted * _LINE + block):
            raise _damaged(source)
        blocks.append(source.exactly(block))
        ends += blocks[-1].count(b"\n")
        if wanted == 1 and ends:
            wanted += 2 * _number(source, blocks[0].partition(b"\n")[0].decode("latin-1"))
            if wanted > 2 * _PIECES_LIMIT:
                raise SnapshotError(f"{source.name}: a sparse file of too many pieces")
    lines = b"".join(blocks).split(b"\n")[1:wanted]
    return [_number(source, line.decode("latin-1")) for line in lines], len(blocks) * block


def _number(source: ByteSource, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _damaged(source)
    return int(text)


def _damaged(source: ByteSource) -> SnapshotError:
    return SnapshotError(f"{source.name}: a damaged map of a sparse file")


def content(source: ByteSource, size: int, pieces: Pieces) -> ByteSource:
    """A sparse file's whole content, read from what is stored of it, which comes next.

    Raises:
        SnapshotError: next to nothing is stored of a huge file.
    """
    stored = sum(length for _, length in pieces)
    if size > BOMB_SIZE and size > BOMB_RATIO * stored:
        raise SnapshotError(
            f"{source.name}: a sparse file of {size} bytes, over {BOMB_RATIO} times what it holds",
            hint="drift does not read such a layer; rebuild the image without it.",
        )
    return ByteSource(_expanded(source, size, pieces), source.name)


def _expanded(source: ByteSource, size: int, pieces: Pieces) -> Iterator[memoryview]:
    position = 0
    for offset, length in (*pieces, (size, 0)):
        hole = offset - position
        while hole:
            yield _ZEROS[:hole]
            hole -= min(hole, CHUNK)
        yield from source.slices(length)
        position = offset + length
