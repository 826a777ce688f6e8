"""Compressed streams: read to their end, and never taken for whole where they are cut."""

from __future__ import annotations

import bz2
import gzip
import lzma
import time
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.snapshot.stream import CHUNK, ByteSource, TruncatedError, decompressed

PACKERS = [gzip.compress, zstandard.compress, lzma.compress, bz2.compress]


def unpacked(content: bytes, cut: int = 1 << 20) -> bytes:
    chunks = (content[at : at + cut] for at in range(0, len(content), cut))
    return b"".join(map(bytes, decompressed(ByteSource(chunks, "a stream"))))


@pytest.mark.parametrize("pack", PACKERS)
@given(contents=st.lists(st.binary(max_size=3000), min_size=1, max_size=4), cut=st.integers(1, 999))
def test_members_and_frames_one_after_another_are_one_content(
    pack: Callable[[bytes], bytes], contents: list[bytes], cut: int
) -> None:
    assert unpacked(b"".join(map(pack, contents)), cut) == b"".join(contents)


@pytest.mark.parametrize("pack", PACKERS)
@given(content=st.binary(max_size=3000), data=st.data())
def test_a_stream_that_is_cut_is_an_error(
    pack: Callable[[bytes], bytes], content: bytes, data: st.DataObject
) -> None:
    packed = pack(content)
    cut = data.draw(st.integers(6, len(packed) - 1))
    with pytest.raises(SnapshotError, match=r"truncated|corrupt"):
        unpacked(packed[:cut])


@pytest.mark.parametrize("pack", PACKERS)
def test_a_cut_says_that_it_is_truncated(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(bytes(range(256)) * 5000)
    with pytest.raises(TruncatedError, match="truncated"):
        unpacked(packed[:-5])


def test_a_zstd_frame_of_nothing_is_nothing() -> None:
    assert unpacked(zstandard.compress(b"")) == b""


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_garbage_behind_a_stream_is_corrupt_and_zeros_are_padding(
    pack: Callable[[bytes], bytes],
) -> None:
    assert unpacked(pack(b"content") + bytes(1000)) == b"content"
    with pytest.raises(SnapshotError, match=r"corrupt (gzip|xz|bzip2)"):
        unpacked(pack(b"content") + b"garbage, and more of it")


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress])
def test_what_a_stream_unpacks_to_is_never_held_whole(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(bytes(64 << 20))
    assert max(map(len, decompressed(ByteSource(iter([packed]), "a stream")))) <= CHUNK


def test_a_layer_of_a_member_for_each_file_takes_linear_time() -> None:
    content = gzip.compress(b"a file's content", mtime=0) * 60_000
    started = time.process_time()
    assert len(unpacked(content)) == 16 * 60_000
    assert time.process_time() - started < 10


@pytest.mark.parametrize("size", range(1, 200))
def test_a_zstd_frame_that_misses_its_last_block_is_truncated_whatever_its_size(size: int) -> None:
    packed = zstandard.compress(bytes((n * n * 37) % 251 for n in range(size)))
    with pytest.raises(SnapshotError):
        unpacked(packed[: len(packed) - size])
