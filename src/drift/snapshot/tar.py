"""Tar headers from a stream, as Go's ``archive/tar`` reads them, which engines use.

Formats: POSIX ustar and pax (IEEE 1003.1-2001), GNU (long names, base-256 numbers), sparse
members as pax has them (:mod:`drift.snapshot.sparse`). GNU's older sparse members are refused,
and global pax headers passed over, as engines do.
"""

from __future__ import annotations

import posixpath
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from drift.errors import SnapshotError
from drift.snapshot import sparse
from drift.snapshot.stream import ByteSource

BLOCK = 512
_EXTENSION_LIMIT = 4 << 20  # one pax header or long name; xattrs are 64 KiB each at most
_SIZE_LIMIT = 1 << 50  # 1 PiB: no file is larger, a header that says so is absurd

_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
_PATH_LIMIT = 4096  # PATH_MAX
_ZEROS = bytes(BLOCK)
_WITHOUT_CONTENT = frozenset(b"123456")
_REGULAR = frozenset(b"0\x007")
_PLAIN = {ord("0"): "0", 0: "0", ord("1"): "1", ord("2"): "2", ord("5"): "5"}
_OCTAL = re.compile(rb"[0-7]+").fullmatch
_CHECKSUM_ENDS = (b"\0 ", b"\0\0", b" \0", b"  ")
_REMEMBERED = 4096  # values of fields that recur from header to header
_NO_DEVICE = (0, 0)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,19}")
_SECONDS = re.compile(r"[+-]?(?:[0-9]{1,19}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
_XATTR = "SCHILY.xattr."
_PAX_NAMES = (b"path", b"linkpath", b"uname", b"gname")


class Header(NamedTuple):
    """One member. ``kind`` is the type flag, regular files always ``0``; ``mtime`` in ns.

    ``name`` and ``link`` are as written, with undecodable bytes as surrogates. ``xattrs``
    are values as bytes decoded the same way. ``pieces`` is what is stored of a sparse file,
    whose ``size`` is that of all its content; None for others.
    """

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: str
    device: tuple[int, int]
    xattrs: Mapping[str, str]
    pieces: sparse.Pieces | None = None


def members(source: ByteSource) -> Iterator[Header]:
    """Each member's header; what of its content the caller leaves unread is passed over.

    Raises:
        SnapshotError: not a tar stream, a damaged or absurd header, or a truncated stream.
    """
    plain = _PlainHeaders(source)
    while (block := _block(source)) is not None:
        header = plain.read(block)
        if header is not None:
            padded_end = source.consumed + header.size + -header.size % BLOCK
        else:
            member = _member(source, block)
            if member is None:
                return
            header, padded_end = member
        yield header
        source.skip(padded_end - source.consumed)


def content_of(header: Header, source: ByteSource) -> ByteSource:
    """Where the content of the member is read that ``source`` stands at: holes are zeros there.

    Raises:
        SnapshotError: a huge file of holes.
    """
    if header.pieces is None:
        return source
    return sparse.content(source, header.size, header.pieces)


class _PlainHeaders:
    """Reads most headers in a fraction of the time: those that hold nothing unusual.

    What is not surely plain is left to the whole reader, errors included; what is read here
    is what that one would have read.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._owners: dict[bytes, tuple[int, int, int]] = {}
        self._times: dict[bytes, int] = {}

    def read(self, block: bytes) -> Header | None:
        """A header without extensions; None where it needs the whole reader."""
        kind = _PLAIN.get(block[156])
        if kind is None or not _sound(block):
            return None
        name, digits = block[:100].partition(b"\0")[0], block[124:135].rstrip(b" \0")
        if (kind == "0" and name[-1:] == b"/") or not _OCTAL(digits) or block[135] not in b" \0":
            return None
        if block[345]:
            if block[257:263] == b"ustar ":
                return None
            if block[257:263] == b"ustar\0":
                name = block[345:500].partition(b"\0")[0] + b"/" + name
        link = block[157:257].partition(b"\0")[0].decode() if block[157] else ""
        mode, uid, gid = self._owner(block[100:124])
        size = int(digits, 8) if kind == "0" else 0
        mtime = self._time(block[136:148])
        return Header(name.decode(), kind, mode, uid, gid, size, mtime, link, _NO_DEVICE, {})

    def _owner(self, fields: bytes) -> tuple[int, int, int]:
        """Mode, user and group, which few headers have to themselves."""
        known = self._owners.get(fields)
        if known is None:
            if len(self._owners) >= _REMEMBERED:
                self._owners.clear()
            mode, uid, gid = (_number(self._source, fields[at : at + 8]) for at in (0, 8, 16))
            known = self._owners[fields] = mode & 0o7777, uid, gid
        return known

    def _time(self, field: bytes) -> int:
        known = self._times.get(field)
        if known is None:
            if len(self._times) >= _REMEMBERED:
                self._times.clear()
            known = self._times[field] = _number(self._source, field) * 10**9
        return known


def _sound(block: bytes) -> bool:
    """Whether a header is of ASCII alone, and its checksum right; False where that is unsure.

    The sum of its bytes is then less than 65521, and the same signed and unsigned: it is
    what Adler-32 has in its lower half, less one (RFC 1950).
    """
    return block.isascii() and zlib.adler32(block) & 0xFFFF == _lower_half(block[148:156])


@lru_cache(maxsize=_REMEMBERED)
def _lower_half(field: bytes) -> int | None:
    """What Adler-32 has there for the header that a checksum is of; None where it is unsure."""
    if not _OCTAL(field[:6]) or field[6:] not in _CHECKSUM_ENDS:
        return None
    return int(field[:6], 8) - 8 * 0x20 + sum(field) + 1


def is_tar(block: bytes) -> bool:
    """Whether a stream that starts with this block is a tar archive, be it an empty one."""
    if len(block) < BLOCK or block == _ZEROS:
        return block == _ZEROS
    try:
        _fields(ByteSource(iter(()), ""), block)
    except SnapshotError:
        return False
    return True


def _block(source: ByteSource) -> bytes | None:
    """The next header block; None at the end of the archive."""
    if source.at_end():
        return None  # without end marker: engines accept it too
    block = source.exactly(BLOCK)
    if block != _ZEROS:
        return block
    if source.peek(BLOCK).strip(b"\0"):
        raise SnapshotError(f"{source.name}: a block of zeros within the archive")
    return None


def _member(source: ByteSource, block: bytes | None) -> tuple[Header, int] | None:
    """A member with the extensions in front of it, and where its padded content ends.

    As Go has it: of several pax headers the last counts, a GNU name counts more, and a global
    header is a member of its own, which takes what stood in front of it. None where nothing
    follows but the archive's end.
    """
    extended: dict[str, str] = {}
    long: dict[str, str] = {}
    while block is not None:
        fields = _fields(source, block)
        kind = fields[7]
        if kind not in b"xgLK":
            return _header(source, fields, {**extended, **long})
        size = _size(source, None, fields[4])
        if size > _EXTENSION_LIMIT:
            raise SnapshotError(f"{source.name}: a tar extension header of {size} bytes")
        content = source.exactly(size)
        source.skip(-size % BLOCK)
        if kind == b"x":
            extended = sparse.joined(_pax(source, content))
        elif kind == b"g":
            extended, long = {}, {}
        elif name := _text(content):
            long["path" if kind == b"L" else "linkpath"] = name
        block = _block(source)
    if extended or long:
        raise SnapshotError(f"{source.name}: the archive ends after an extension header")
    return None


def _fields(source: ByteSource, block: bytes) -> tuple[bytes, ...]:
    fields: tuple[bytes, ...] = _HEADER.unpack(block)
    stated = _number(source, fields[6])
    if sum(block) - sum(fields[6]) + 8 * 0x20 != stated:
        signed = sum(struct.unpack("512b", block)) - sum(struct.unpack("8b", fields[6])) + 8 * 0x20
        if signed != stated:
            raise SnapshotError(f"{source.name}: not a tar header (wrong checksum)")
    return fields


def _header(
    source: ByteSource, fields: tuple[bytes, ...], extended: Mapping[str, str]
) -> tuple[Header, int]:
    flag = fields[7]
    if flag == b"S":
        raise SnapshotError(
            f"{source.name}: sparse tar members of GNU's old form are not supported",
            hint="engines refuse them too; write the archive with tar --format=pax",
        )
    name = extended.get("path") or _name(source, fields)
    kind = "0" if flag[0] in _REGULAR else flag.decode("latin-1")
    if flag == b"\0" and name.endswith("/"):
        kind = "5"  # before ustar a directory had no type of its own
    size = _size(source, extended.get("size"), fields[4])
    if flag[0] in _WITHOUT_CONTENT:
        size = 0
    link = extended.get("linkpath") or _text(fields[8])
    if len(link) > _PATH_LIMIT:
        raise SnapshotError(
            f"{source.name}: a link of {len(link)} characters, which no system takes"
        )
    header = Header(
        name=name,
        kind=kind,
        mode=_number(source, fields[1]) & 0o7777,
        uid=_decimal(source, extended.get("uid"), fields[2]),
        gid=_decimal(source, extended.get("gid"), fields[3]),
        size=size,
        mtime=_time(source, extended.get("mtime"), fields[5]),
        link=link,
        device=(_number(source, fields[13]), _number(source, fields[14]))
        if kind in "34"
        else (0, 0),
        xattrs=_xattrs(extended) if extended else {},
    )
    end = source.consumed + size + -size % BLOCK
    if kind == "0" and sparse.is_sparse(extended):
        size, pieces = sparse.read_map(source, extended, size, BLOCK)
        name = sparse.name_of(extended) or name
        header = header._replace(name=name, size=size, pieces=pieces)
    return header, end


def _xattrs(extended: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(_XATTR): value for key, value in extended.items() if key.startswith(_XATTR)
    }


def _name(source: ByteSource, fields: tuple[bytes, ...]) -> str:
    name, prefix = _text(fields[0]), _text(_prefix(source, fields))
    return f"{prefix}/{name}" if prefix else name


def _prefix(source: ByteSource, fields: tuple[bytes, ...]) -> bytes:
    """What stands before the name (ustar).

    GNU headers have two times in its place. Engines that were built with a Go before 1.8 wrote
    a prefix there all the same: it is known by being no time, and Go reads it so.
    """
    if fields[9] == b"ustar\0":
        return fields[15]
    if fields[9] + fields[10] != b"ustar  \0" or not fields[15].isascii():
        return b""
    try:
        for time in (fields[15][:12], fields[15][12:24]):
            _number(source, time)
    except SnapshotError:
        return fields[15]
    return b""


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(source: ByteSource, field: bytes) -> int:
    """An octal field, or a base-256 one (GNU), which may be negative."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.rstrip(b" \0")
    try:
        # int() also takes signs and underscores, which no tar number has.
        if digits.isdigit():
            return int(digits, 8)
        digits = digits.lstrip(b" \0").partition(b"\0")[0]
        return int(digits, 8) if digits.isdigit() else _empty(digits)
    except ValueError as error:
        raise SnapshotError(f"{source.name}: a damaged number in a tar header") from error


def _empty(digits: bytes) -> int:
    if digits:
        raise ValueError(digits)
    return 0


def _size(source: ByteSource, extended: str | None, field: bytes) -> int:
    size = _decimal(source, extended, field)
    if not 0 <= size <= _SIZE_LIMIT:
        raise SnapshotError(f"{source.name}: an absurd size in a tar header ({size} bytes)")
    return size


def _decimal(source: ByteSource, extended: str | None, field: bytes) -> int:
    if not extended:  # an empty value takes a record back
        return _number(source, field)
    if _DECIMAL.fullmatch(extended) is None:
        raise SnapshotError(f"{source.name}: a damaged number in a pax header")
    return int(extended)


def _time(source: ByteSource, extended: str | None, field: bytes) -> int:
    """A time in nanoseconds; pax writes seconds with a decimal fraction."""
    if not extended:
        return _number(source, field) * 10**9
    whole, _, fraction = extended.lstrip("+-").partition(".")
    if _SECONDS.fullmatch(extended) is None:
        raise SnapshotError(f"{source.name}: a damaged time in a pax header")
    nanoseconds = int(whole or "0") * 10**9 + int(f"{fraction:0<9.9}")
    return -nanoseconds if extended.startswith("-") else nanoseconds


def _pax(source: ByteSource, content: bytes) -> Iterator[tuple[str, str]]:
    """The records of a pax header: ``LENGTH KEY=VALUE\\n``."""
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 8)
        length = content[position:space] if space > 0 else b""
        if not length.isdigit():
            raise SnapshotError(f"{source.name}: a damaged pax header")
        end = position + int(length)
        record = content[space + 1 : end]
        key, equals, value = record.partition(b"=")
        if end > len(content) or not equals or not value.endswith(b"\n") or _is_odd(key, value):
            raise SnapshotError(f"{source.name}: a damaged pax header")
        yield key.decode("utf-8", "surrogateescape"), value[:-1].decode("utf-8", "surrogateescape")
        position = end


def _is_odd(key: bytes, value: bytes) -> bool:
    """Whether a record has no name, or a zero where no system takes one."""
    return not key or b"\0" in (value if key in _PAX_NAMES else key)


def absolute(name: str, source: str) -> str:
    """A member's name as an absolute path, cleaned as engines clean it: ``..`` ends at the root.

    Raises:
        SnapshotError: the name is longer than any system takes.
    """
    if len(name) > _PATH_LIMIT:
        raise SnapshotError(f"{source}: a path of {len(name)} characters, which no system takes")
    if "/." in name or "//" in name or name[:1] == ".":
        name = posixpath.normpath("/" + name.lstrip("/"))
    return "/" + name.strip("/")
