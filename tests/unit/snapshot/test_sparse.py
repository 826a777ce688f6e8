"""Sparse members are files with holes: their content is what extracting them gives."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.snapshot.layer import nothing_captured, read_layer
from drift.snapshot.model import Entry
from support.images import Member, file, tar

Piece = tuple[int, bytes]


def entries(content: bytes) -> tuple[Entry, ...]:
    return read_layer(iter([content]), "the layer", nothing_captured()).entries


def expanded(size: int, pieces: list[Piece]) -> bytes:
    whole = bytearray(size)
    for offset, content in pieces:
        whole[offset : offset + len(content)] = content
    return bytes(whole)


def sparse_tar(form: str, size: int, pieces: list[Piece]) -> bytes:
    """An archive with a sparse file as GNU tar writes it, and a plain one behind it."""
    numbers = [str(n) for offset, content in pieces for n in (offset, len(content))]
    stored = b"".join(content for _, content in pieces)
    records = {"GNU.sparse.numblocks": str(len(pieces)), "GNU.sparse.size": str(size)}
    if form == "1.0":
        lines = "\n".join([str(len(pieces)), *numbers, ""]).encode()
        stored = lines + bytes(-len(lines) % 512) + stored
        records = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "s",
            "GNU.sparse.realsize": str(size),
        }
    elif form == "0.1":
        records |= {"GNU.sparse.name": "s", "GNU.sparse.map": ",".join(numbers)}
    if form == "0.0":
        head = "".join(_record(key, value) for key, value in records.items())
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        for offset, length in pairs:
            head += _record("GNU.sparse.offset", offset) + _record("GNU.sparse.numbytes", length)
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, len(head)
        padded = head.encode() + bytes(-len(head) % 512)
        content = tar([file("s", stored)])
        start = info.tobuf(tarfile.USTAR_FORMAT) + padded
        return start + content[: 512 + len(stored) + -len(stored) % 512] + tar([file("z", "after")])
    name = "GNUSparseFile.0/s"
    return tar([Member(name, stored, pax=records), file("z", "after")])


def _record(key: str, value: str) -> str:
    size = len(key) + len(value) + 3
    return f"{size + 2} {key}={value}\n"


@st.composite
def holed(draw: st.DrawFn) -> tuple[int, list[Piece]]:
    at, pieces = 0, []
    for _ in range(draw(st.integers(1, 4))):
        at += draw(st.integers(0, 3000))
        content = draw(st.binary(max_size=700))
        pieces.append((at, content))
        at += len(content)
    return at + draw(st.integers(0, 5000)), pieces


@pytest.mark.parametrize("form", ["0.0", "0.1", "1.0"])
@given(holed())
def test_the_content_is_that_of_the_file_with_its_holes(
    form: str, sparse: tuple[int, list[Piece]]
) -> None:
    size, pieces = sparse
    first, after = entries(sparse_tar(form, size, pieces))
    whole = expanded(size, pieces)
    assert (first.path, first.size) == ("/s", size)
    assert first.digest == f"sha256:{hashlib.sha256(whole).hexdigest()}"
    assert (after.path, after.size) == ("/z", 5)


@pytest.mark.parametrize("form", ["0.1", "1.0"])
def test_the_standard_library_reads_it_so_too(form: str) -> None:
    pieces = [(0, b"start"), (5000, b"x" * 600), (9000, b"end")]
    content = sparse_tar(form, 20_000, pieces)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        extracted = archive.extractfile("s")
        assert extracted is not None
        assert extracted.read() == expanded(20_000, pieces)


@pytest.mark.parametrize("form", ["0.0", "0.1", "1.0"])
@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (10, [(0, b"beyond the end")]),
        (100, [(50, b"second"), (0, b"first")]),
        (100, [(0, b"overlapping"), (5, b"this")]),
    ],
)
def test_a_map_that_fits_no_file_is_damaged(form: str, size: int, pieces: list[Piece]) -> None:
    with pytest.raises(SnapshotError, match="a damaged map of a sparse file"):
        entries(sparse_tar(form, size, pieces))


@pytest.mark.parametrize("size", [1 << 40, 10**30])
def test_a_huge_file_of_holes_is_refused_at_once(size: int) -> None:
    with pytest.raises(SnapshotError, match=r"a sparse file|sparse files of"):
        entries(sparse_tar("1.0", size, [(0, b"x")]))


def test_many_files_of_holes_are_refused_together() -> None:
    one = sparse_tar("1.0", 300 << 20, [(0, b"x")]).rstrip(b"\0")
    with pytest.raises(SnapshotError, match="sparse files of"):
        entries((one + bytes(-len(one) % 512)) * 4)


@pytest.mark.parametrize("start", [b"7", b"4\n7"], ids=["the count", "an offset"])
def test_a_map_that_does_not_end_is_not_read_on(start: bytes) -> None:
    """Whatever the member's size: it is kept in memory."""
    size = 1 << 30
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    header = tarfile.TarInfo("s")
    header.size, header.pax_headers = size, records
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        yield header.tobuf(tarfile.PAX_FORMAT) + start
        while read < size:
            read += 4096
            yield b"7" * 4096

    with pytest.raises(SnapshotError, match="a damaged map of a sparse file"):
        read_layer(chunks(), "the layer", nothing_captured())
    assert read < 1 << 20
