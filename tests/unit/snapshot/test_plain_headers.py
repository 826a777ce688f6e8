"""The quick way through a tar header says what the whole way says, whatever it holds."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.snapshot import tar
from drift.snapshot.stream import ByteSource
from drift.snapshot.tar import BLOCK, Header, members
from drift.snapshot.tar import _PlainHeaders as PlainHeaders

# Type, size, checksum, magic, and others where headers differ in meaning.
PLACES = st.one_of(st.integers(0, BLOCK - 1), st.sampled_from([99, 124, 135, 136, 155, 156, 157]))
PATCHES = st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=4)


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Headers of Python's writer, some bytes changed, most with the right checksum."""
    info = tarfile.TarInfo(draw(st.text("ab/é.", min_size=1, max_size=40)))
    info.type = draw(st.sampled_from([b"0", b"\0", b"1", b"2", b"3", b"5", b"7"]))
    info.size = draw(st.integers(0, 3000))
    info.linkname = draw(st.sampled_from(["", "b", "../é"]))
    info.mode = draw(st.integers(0, 0o177777))
    info.mtime = draw(st.integers(-5, 2**31))
    ustar = info.mtime >= 0 and draw(st.booleans())
    header = info.tobuf(tarfile.USTAR_FORMAT) if ustar else info.tobuf(tarfile.GNU_FORMAT)
    block = bytearray(header[-BLOCK:])
    for place, value in draw(PATCHES):
        block[place] = value
    if draw(st.integers(0, 9)):
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def outcome(stream: Sequence[bytes]) -> list[Header] | str:
    try:
        return list(members(ByteSource(iter(stream), "the layer")))
    except SnapshotError as error:
        return str(error)


@given(blocks(), st.sampled_from([0, 512, 4096]))
def test_both_ways_agree(block: bytes, content: int) -> None:
    stream = [block, bytes(content), bytes(1024)]
    quick = outcome(stream)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainHeaders, "read", lambda *_: None)
        assert outcome(stream) == quick


def test_what_engines_write_goes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "_header", None)
    info = tarfile.TarInfo("usr/bin/env")
    (header,) = members(ByteSource(iter([info.tobuf(tarfile.USTAR_FORMAT)]), "the layer"))
    assert (header.name, header.mode, header.kind) == ("usr/bin/env", 0o644, "0")
