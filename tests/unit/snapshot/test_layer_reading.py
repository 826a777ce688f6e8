"""A layer's tar stream becomes its manifest, whatever wrote it and however it is cut."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.oci import Digest
from drift.snapshot.layer import Capture, nothing_captured, read_layer
from drift.snapshot.model import EntryType, Layer
from support.images import Member, directory, file, hardlink, layer_of, symlink, tar

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def read(content: bytes, size: int = 1 << 20) -> Layer:
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    return read_layer(pieces, "the layer", nothing_captured())


def test_every_field_of_an_entry_is_read() -> None:
    capability = "\x01\x00\x00\x02"
    layer = layer_of(
        [
            directory("etc", mode=0o1777, uid=7, gid=8, mtime=-1.5),
            file(
                "etc/passwd",
                "root",
                mode=0o104755,
                mtime=1_700_000_000.25,
                pax={"SCHILY.xattr.security.capability": capability},
            ),
            symlink("lib", "usr/lib"),
            hardlink("etc/shadow", "etc/passwd"),
            Member("dev/sda", kind=tarfile.BLKTYPE, device=(8, 0)),
            Member("dev/null", kind=tarfile.CHRTYPE, device=(1, 3)),
            Member("run/pipe", kind=tarfile.FIFOTYPE),
        ]
    )
    etc, passwd, lib, shadow, sda, null, pipe = layer.entries
    assert (etc.type, etc.mode, etc.uid, etc.gid) == (EntryType.DIRECTORY, 0o1777, 7, 8)
    assert etc.mtime == -1_500_000_000
    assert (passwd.path, passwd.mode, passwd.size) == ("/etc/passwd", 0o4755, 4)
    assert passwd.mtime == 1_700_000_000_250_000_000
    assert passwd.digest == Digest.of(b"root")
    assert passwd.xattrs == (("security.capability", "01000002"),)
    assert (lib.type, lib.link, lib.digest) == (EntryType.SYMLINK, "usr/lib", None)
    assert (shadow.type, shadow.link) == (EntryType.HARDLINK, "/etc/passwd")
    assert (sda.type, sda.device) == (EntryType.BLOCK, (8, 0))
    assert (null.type, null.device) == (EntryType.CHARACTER, (1, 3))
    assert pipe.type is EntryType.FIFO


def test_diff_id_and_size_are_those_of_the_whole_stream_padding_included() -> None:
    content = tar([file("a", b"x" * 700)]) + b"\0" * 4096 + b"left by the writer"
    layer = read(content, size=100)
    assert layer.diff_id == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.size == len(content)
    assert [entry.path for entry in layer.entries] == ["/a"]


@pytest.mark.parametrize("layout", FORMATS)
def test_long_names_survive_in_every_format(layout: int) -> None:
    name = "/".join(["d" * 60] * (2 if layout == tarfile.USTAR_FORMAT else 30))
    layer = read(tar([file(name, "x")], layout))
    assert [entry.path for entry in layer.entries] == [f"/{name}"]


def test_large_numbers_in_base_256_are_read() -> None:
    layer = read(tar([file("a", uid=3_000_000, mtime=1 << 40)], tarfile.GNU_FORMAT))
    assert (layer.entries[0].uid, layer.entries[0].mtime) == (3_000_000, (1 << 40) * 10**9)


def test_names_that_are_not_utf8_stay_apart() -> None:
    names = ["a\udcff", "a\udcfe"]
    layer = read(tar([file(name) for name in names], tarfile.GNU_FORMAT))
    assert [entry.path for entry in layer.entries] == ["/a\udcff", "/a\udcfe"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./a", "/a"),
        ("/a", "/a"),
        ("a//b/./c", "/a/b/c"),
        ("a/../b", "/b"),
        ("..a", "/..a"),
        # Engines take a layer's root for that of the file system: nothing is above it.
        ("../../etc/passwd", "/etc/passwd"),
        ("/../a", "/a"),
        ("//../a/../../b", "/b"),
    ],
)
def test_names_are_cleaned(name: str, path: str) -> None:
    assert read(tar([file(name)])).entries[0].path == path
    assert read(tar([hardlink("link", name)])).entries[0].link == path


def test_whiteouts_are_markers_and_aufs_files_are_nothing() -> None:
    layer = layer_of(
        [file("a/.wh.gone"), file("a/.wh..wh..opq"), file(".wh..wh.plnk/1"), file(".wh..wh.aufs")]
    )
    found = [(entry.type, entry.path) for entry in layer.entries]
    assert (EntryType.WHITEOUT, "/a/gone") in found
    assert (EntryType.OPAQUE, "/a") in found
    assert not any(".wh..wh.aufs" in path for _, path in found)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (file("a/.wh."), "invalid whiteout"),
        (file("a/.wh..."), "invalid whiteout"),
        (file("a" * 5000), "which no system takes"),
        (Member("a", kind=b"Z"), "unknown tar type"),
        (Member("a", kind=b"S"), "sparse"),
    ],
)
def test_hostile_members_are_refused(member: Member, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        read(tar([member]))


def _relabelled(content: bytes, kind: bytes) -> bytes:
    """The archive with another type flag in its first header."""
    header = bytearray(content[:512])
    header[156:157], header[148:156] = kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content[512:]


def test_a_trailing_slash_is_a_directory_in_old_tars_alone() -> None:
    content = tar([file("old/", "what a directory cannot hold"), file("next", "x")])
    old = read(_relabelled(content, b"\0"))
    assert [(entry.path, entry.type, entry.size) for entry in old.entries] == [
        ("/old", EntryType.DIRECTORY, 0),
        ("/next", EntryType.FILE, 1),
    ]
    assert read(content).entries[0].type is EntryType.FILE


def test_pax_numbers_may_be_signed_and_an_empty_value_takes_one_back() -> None:
    pax = {"uid": "-2", "gid": "", "mtime": "-1.5", "size": ""}
    entry = read(tar([file("a", "four", pax=pax, gid=7)])).entries[0]
    assert (entry.uid, entry.gid, entry.mtime, entry.size) == (-2, 7, -1_500_000_000, 4)


@pytest.mark.parametrize("key", ["uid", "size", "mtime"])
@pytest.mark.parametrize("value", ["x", "1_0", "0x1", " 1", "\u0661", "9" * 50, ".", "-"])
def test_a_damaged_pax_number_is_an_error(key: str, value: str) -> None:
    with pytest.raises(SnapshotError, match="damaged"):
        read(tar([file("a", pax={key: value})]))


def test_a_global_header_alone_is_an_empty_layer() -> None:
    content = tar([file("pax_global_header", "18 comment=a commit\n")])
    assert read(_relabelled(content, b"g")).entries == ()


def test_a_link_longer_than_any_system_takes_is_refused() -> None:
    with pytest.raises(SnapshotError, match="a link of 6000 characters"):
        read(tar([symlink("a", "b/" * 3000)]))


def test_what_lies_in_a_directory_of_aufs_is_nothing() -> None:
    assert read(tar([directory(".wh..wh.plnk"), file(".wh..wh.plnk/12.34", "x")])).entries == ()


def test_a_wrong_checksum_is_an_error() -> None:
    content = bytearray(tar([file("a", "x")]))
    content[0] ^= 1
    with pytest.raises(SnapshotError, match="checksum"):
        read(bytes(content))


def test_an_absurd_size_is_an_error_at_once() -> None:
    info = tarfile.TarInfo("a")
    info.size = 1 << 60
    header = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(SnapshotError, match="absurd size"):
        read(header)


def test_a_huge_extension_header_is_not_read_into_memory() -> None:
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"%011o\0" % (1 << 30)
    header[156:157] = b"x"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(SnapshotError, match="extension header"):
        read(bytes(header))


@given(st.binary(max_size=2048))
def test_arbitrary_bytes_give_a_manifest_or_our_error(content: bytes) -> None:
    try:
        layer = read(content)
    except SnapshotError:
        return
    assert layer.size == len(content)


@given(st.integers(min_value=1, max_value=3000), st.data())
def test_a_layer_cut_anywhere_in_its_members_is_truncated(size: int, data: st.DataObject) -> None:
    content = tar([file("a", b"x" * size), file("b", b"y")])
    end_of_members = 512 + size + -size % 512 + 1024
    cut = data.draw(st.integers(min_value=1, max_value=end_of_members - 1))
    whole = [entry.path for entry in read(content).entries]
    try:
        found = [entry.path for entry in read(content[:cut]).entries]
    except SnapshotError:
        return
    # A cut between members cannot be told from the stream: the diff ID shows it.
    assert cut % 512 == 0
    assert found == whole[: len(found)]
    assert read(content[:cut]).diff_id != read(content).diff_id


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=40)


@given(
    st.lists(st.tuples(names, st.binary(max_size=1500)), max_size=8),
    st.integers(min_value=1, max_value=4000),
    st.sampled_from(FORMATS[1:]),
)
def test_reading_agrees_with_the_standard_library_however_it_is_cut(
    files: list[tuple[str, bytes]], piece: int, layout: int
) -> None:
    members = [file(f"d/{name}", body) for name, body in files if not name.startswith(".")]
    content = tar(members, layout)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        expected = [
            ("/" + info.name, info.size, info.mtime * 10**9) for info in archive.getmembers()
        ]
    layer = read(content, piece)
    assert [(e.path, e.size, e.mtime) for e in layer.entries] == expected
    assert [e.digest for e in layer.entries] == [Digest.of(m.content) for m in members]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 70_000, 262_143, 262_144, 600_000]), st.booleans()),
        max_size=12,
    ),
    st.sampled_from([511, 30_000, 1 << 20]),
)
def test_large_files_among_small_ones_have_their_own_digests(
    files: list[tuple[int, bool]], piece: int
) -> None:
    contents = [bytes([number]) * size for number, (size, _) in enumerate(files)]
    members = [file(f"f{number}", content) for number, content in enumerate(contents)]
    for number, (_, whiteout) in reversed(list(enumerate(files))):
        if whiteout:
            members.insert(number, file(f".wh.gone{number}"))
    layer = read(tar(members), piece)
    found = [(e.size, e.digest) for e in layer.entries if e.type is EntryType.FILE]
    assert found == [(len(content), Digest.of(content)) for content in contents]


def test_wanted_files_are_kept_and_too_large_ones_named() -> None:
    capture = Capture(wanted=lambda path: path.startswith("/db/"), largest=10)
    content = tar([file("db/small", "1234"), file("db/large", b"x" * 11), file("other", "1")])
    layer = read_layer(iter([content]), "the layer", capture)
    assert layer.captured == {"/db/small": b"1234"}
    assert list(layer.uncaptured) == ["/db/large"]
    assert "11 bytes" in layer.uncaptured["/db/large"]


def test_memory_stays_small_for_a_large_file() -> None:
    import tracemalloc

    size = 256 << 20
    header = tarfile.TarInfo("large")
    header.size = size

    def chunks() -> Iterator[bytes]:
        yield header.tobuf(tarfile.PAX_FORMAT)
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            yield block
        yield bytes(1024)

    tracemalloc.start()
    layer = read_layer(chunks(), "the layer", nothing_captured())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert layer.entries[0].size == size
    assert peak < 16 << 20


def test_a_damaged_pax_record_is_an_error() -> None:
    record = b"99 path=x\n"
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    info.size = len(record)
    content = info.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0") + tar([file("a")])
    with pytest.raises(SnapshotError, match="damaged pax header"):
        read(content)


def _extension(kind: bytes, content: bytes) -> bytes:
    """An extension header as it stands in front of a member."""
    info = tarfile.TarInfo("extension")
    info.type, info.size = kind, len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


PAX, GLOBAL, LONG_NAME = tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME


@pytest.mark.parametrize(
    ("extensions", "path", "uid"),
    [
        ([(PAX, b"10 path=b\n"), (PAX, b"9 uid=17\n")], "/a", 17),
        ([(LONG_NAME, b"long\0"), (PAX, b"10 path=b\n")], "/long", 0),
        ([(PAX, b"10 path=b\n9 uid=17\n"), (LONG_NAME, b"long\0junk")], "/long", 17),
        ([(PAX, b"10 path=b\n"), (GLOBAL, b"9 uid=17\n")], "/a", 0),
        ([(LONG_NAME, b"\0")], "/a", 0),
    ],
)
def test_extension_headers_count_as_they_do_in_go(
    extensions: list[tuple[bytes, bytes]], path: str, uid: int
) -> None:
    content = b"".join(_extension(*extension) for extension in extensions)
    (entry,) = read(content + tar([file("a")])).entries
    assert (entry.path, entry.uid) == (path, uid)


@pytest.mark.parametrize(
    "record", [b"12 path=a\0b\n", b"16 linkpath=a\0b\n", b"5 =a\n", b"20 SCHILY.xattr.\0=\n"]
)
def test_a_pax_record_that_no_system_could_take_is_an_error(record: bytes) -> None:
    with pytest.raises(SnapshotError, match="damaged pax header"):
        read(_extension(PAX, record) + tar([file("a")]))


def test_an_extension_header_of_a_size_below_zero_is_an_error() -> None:
    header = bytearray(_extension(PAX, b""))
    header[124:136] = b"\xff" * 11 + b"\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(SnapshotError, match="absurd size"):
        read(bytes(header) + tar([file("a")]))


def test_what_lies_behind_a_lone_block_of_zeros_is_not_passed_over() -> None:
    content = tar([file("a")])[:512] + bytes(512) + tar([file("b")])
    with pytest.raises(SnapshotError, match="a block of zeros within the archive"):
        read(content)


def test_a_prefix_in_a_gnu_header_is_read_where_no_time_can_be_meant() -> None:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    for prefix, path in ((b"some/where", "/some/where/a"), (b"14524770500\0", "/a")):
        header[345:500] = prefix.ljust(155, b"\0")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        assert read(bytes(header) + bytes(1024)).entries[0].path == path


def test_a_signed_checksum_of_old_writers_is_accepted() -> None:
    header = bytearray(
        tarfile.TarInfo("\udcff").tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
    )
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(struct.unpack("512b", bytes(header)))
    assert read(bytes(header) + bytes(1024)).entries[0].path == "/\udcff"
