"""Compressed files and archives, made by the libraries that everybody makes them with."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.forms import by_name, choose, settled
from support.form_samples import FIRST, SECOND, form_of, normal, same

NIGHTS = (1795402965, 1795489757)  # in the windows FIRST and SECOND


def zipped(members: dict[str, bytes], seconds: int, **options: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            member.compress_type = options.get("method", zipfile.ZIP_DEFLATED)
            # the extended timestamp that Info-ZIP writes: flags, then seconds
            member.extra = b"UT\x05\x00\x01" + seconds.to_bytes(4, "little")
            archive.writestr(member, content)
    return target.getvalue()


def streamed_zip(members: dict[str, bytes], seconds: int) -> bytes:
    """A ZIP written to a pipe: sizes come behind the data, in descriptors."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError

    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, time.gmtime(seconds)[:6]), content)
    return target.getvalue()


def tarred(members: dict[str, bytes], seconds: float, kind: int = tarfile.GNU_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=kind) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), seconds
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def archived(members: dict[str, bytes], seconds: int, owner: int = 0) -> bytes:
    """An ``ar`` archive."""
    pieces = [b"!<arch>\n"]
    for name, content in members.items():
        numbers = f"{seconds:<12}{owner:<6}{owner:<6}{'100644':<8}{len(content):<10}"
        pieces += (f"{name + '/':<16}{numbers}`\n".encode(), content, b"\n" * (len(content) % 2))
    return b"".join(pieces)


MEMBERS = {"a.txt": b"first member\n" * 50, "b/c.bin": bytes(range(256))}
CHANGED = MEMBERS | {"b/c.bin": bytes(range(255)) + b"!"}
DATED = [MEMBERS | {"built": time.strftime("%F %T", time.gmtime(at)).encode()} for at in NIGHTS]


def gzipped(content: bytes, seconds: int, level: int = 9) -> bytes:
    return gzip.compress(content, level, mtime=seconds)


Make = Callable[[dict[str, bytes], int], bytes]
MAKERS: dict[str, Make] = {
    "zip": zipped,
    "zip in a pipe": streamed_zip,
    "tar": tarred,
    "pax": lambda members, seconds: tarred(members, seconds + 0.25, tarfile.PAX_FORMAT),
    "ar": lambda members, seconds: archived(members, seconds, owner=seconds % 1000),
    "tar.gz": lambda members, seconds: gzipped(tarred(members, seconds), seconds),
}
maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@maker
def test_only_the_times_differ(make: Make) -> None:
    files = [make(MEMBERS, at) for at in NIGHTS]
    assert files[0] != files[1]
    assert same("/srv/archive", *files)
    assert by_name(form_of("/srv/archive", files[0]) or "").exact


@maker
def test_a_changed_member_is_a_difference(make: Make) -> None:
    assert not same("/srv/archive", make(MEMBERS, NIGHTS[0]), make(CHANGED, NIGHTS[1]))


@maker
def test_a_renamed_or_missing_member_is_a_difference(make: Make) -> None:
    renamed = {"x.txt": MEMBERS["a.txt"], "b/c.bin": MEMBERS["b/c.bin"]}
    fewer = {"a.txt": MEMBERS["a.txt"]}
    for members in (renamed, fewer, dict(reversed(MEMBERS.items()))):
        assert not same("/srv/archive", make(MEMBERS, NIGHTS[0]), make(members, NIGHTS[1]))


@maker
def test_dates_in_members_are_masked_and_prove_nothing(make: Make) -> None:
    files = [make(members, at) for members, at in zip(DATED, NIGHTS, strict=True)]
    assert same("/srv/archive", *files)
    assert not by_name(form_of("/srv/archive", files[0]) or "").exact


@maker
def test_what_is_cut_off_is_not_of_the_form(make: Make) -> None:
    content = make(MEMBERS, NIGHTS[0])
    stem = (form_of("/srv/archive", content) or "").partition("+")[0]
    form = choose("/srv/archive", 0o644, len(content), content[:512])
    assert form is not None
    length = len(content.rstrip(b"\0"))  # padding is no loss
    for cut in (12, length // 3, length // 2, length - 20):
        result = settled(form, "/srv/archive", content[:cut], FIRST)
        assert result is None or stem not in result[0].name


@maker
@given(data=st.data())
def test_damage_raises_nothing(make: Make, data: st.DataObject) -> None:
    content = bytearray(make(MEMBERS, NIGHTS[0]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    normal("/srv/archive", bytes(content), FIRST)


def test_how_gzip_compressed_does_not_count_but_the_content_does() -> None:
    text = b"some text, some text\n" * 99
    assert same("/srv/a.gz", gzipped(text, NIGHTS[0], 1), gzipped(text, NIGHTS[1], 9))
    assert not same("/srv/a.gz", gzipped(text, NIGHTS[0]), gzipped(text + b"!", NIGHTS[1]))


def test_gzip_of_several_members_and_named_ones() -> None:
    def named(name: bytes, seconds: int) -> bytes:
        plain = gzipped(b"text", seconds)
        return plain[:3] + b"\x08" + plain[4:10] + name + b"\0" + plain[10:]

    files = [named(b"a", at) + gzipped(b"more", at) + bytes(100) for at in NIGHTS]
    assert same("/srv/a.gz", *files)
    assert not same("/srv/a.gz", named(b"a", NIGHTS[0]), named(b"b", NIGHTS[1]))


def test_gzip_with_a_wrong_checksum_or_something_behind_it_has_no_form() -> None:
    content = gzipped(b"text" * 100, NIGHTS[0])
    assert form_of("/srv/a.gz", content[:-5] + b"\1" + content[-4:]) is None
    assert form_of("/srv/a.gz", content + b"trailing") is None


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_decompression_bombs_have_no_form(layers: int) -> None:
    content = bytes(80 << 20)
    for _ in range(layers):
        content = gzipped(content, NIGHTS[0])
    result = normal("/srv/bomb.gz", content, FIRST)
    assert result is None or len(result[1]) < 1 << 20  # the outer layers may be opened


def test_a_member_of_a_zip_that_unpacks_to_much_keeps_its_bytes() -> None:
    bomb = {"zeros.txt": b"2026-11-23 " * (6 << 20)}
    result = normal("/srv/bomb.zip", zipped(bomb, NIGHTS[0]), FIRST)
    assert result is not None
    assert result[0].name == "zip"
    assert len(result[1]) < 1 << 20


def test_members_that_lie_over_each_other_have_no_form() -> None:
    content = zipped({"a": random.Random(1).randbytes(5000)}, NIGHTS[0])
    directory = content[content.index(b"PK\1\2") : content.index(b"PK\5\6")]
    count = 2000
    end = b"PK\5\6" + bytes(4) + count.to_bytes(2, "little") * 2
    end += (len(directory) * count).to_bytes(4, "little")
    end += content.index(b"PK\1\2").to_bytes(4, "little") + bytes(2)
    overlapping = content[: content.index(b"PK\1\2")] + directory * count + end
    assert form_of("/srv/bomb.zip", overlapping) is None


def test_a_program_in_front_of_a_zip_counts() -> None:
    # As zipapps have it: found by nothing but its end, so it is in no form by magic.
    form = by_name("zip")
    files = [b"#!/usr/bin/python3\n" + zipped(MEMBERS, at) for at in NIGHTS]
    assert form.normal("", files[0], None) == form.normal("", files[1], None)
    other = b"#!/usr/bin/python2\n" + zipped(MEMBERS, NIGHTS[1])
    assert form.normal("", files[0], None) != form.normal("", other, None)


def test_a_stored_member_is_read_as_a_packed_one_is() -> None:
    stored = [
        zipped(members, at, method=zipfile.ZIP_STORED)
        for members, at in zip(DATED, NIGHTS, strict=True)
    ]
    assert same("/srv/a.jar", *stored)


def test_an_archive_in_an_archive() -> None:
    files = [gzipped(tarred({"a.jar": zipped(MEMBERS, at)}, at), at) for at in NIGHTS]
    assert same("/srv/a.tgz", *files)
    assert form_of("/srv/a.tgz", files[0]) == "gzip"


def test_owners_in_a_tar_stay_those_in_an_ar_do_not() -> None:
    content = tarred(MEMBERS, NIGHTS[0])
    owned = io.BytesIO()
    with tarfile.open(fileobj=owned, mode="w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo("a.txt")
        member.uid = 7
        archive.addfile(member)
    assert not same("/srv/a.tar", content, owned.getvalue())
    assert same("/srv/a.a", archived(MEMBERS, NIGHTS[0], 0), archived(MEMBERS, NIGHTS[1], 1000))


def test_the_name_of_a_dated_form_tells_that_it_proves_nothing() -> None:
    for stem in ("gzip", "zip", "tar", "ar"):
        assert by_name(stem).exact
        assert not by_name(f"{stem}+dates").exact


@given(content=st.binary(max_size=2000), name=st.sampled_from(["gzip", "zip", "tar", "ar"]))
def test_any_bytes_raise_nothing(content: bytes, name: str) -> None:
    magic = {"gzip": b"\x1f\x8b\x08", "zip": b"PK\3\4", "ar": b"!<arch>\n", "tar": b""}[name]
    by_name(f"{name}+dates").normal("/a", magic + content, SECOND)


@given(content=st.binary(max_size=300), seconds=st.integers(1, 2**32 - 1))
def test_gzip_of_anything_at_any_time_is_the_same(content: bytes, seconds: int) -> None:
    form = by_name("gzip")
    first = form.normal("/a", gzipped(content, 1), None)
    assert first is not None
    assert first == form.normal("/a", gzipped(content, seconds), None)
