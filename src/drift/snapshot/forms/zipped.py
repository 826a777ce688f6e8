"""ZIP archives: jars, wheels, eggs (PKWARE's APPNOTE.TXT 6.3).

Times stand in the local and the central header (MS-DOS), and in extra fields: the extended
timestamp (0x5455), Info-ZIP's old Unix field (0x5855), NTFS (0x000a).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from drift.snapshot.forms.inside import START, Inside

MAGIC = b"PK\x03\x04"
_END = b"PK\x05\x06"
_DESCRIPTOR = b"PK\x07\x08"
_END_LENGTH = 22
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_TIMES = frozenset((0x5455, 0x5855, 0x000A))
_STORED, _DEFLATED = 0, 8
_DESCRIBED = 8  # general purpose bit 3
_ENTRIES = 65_534  # 65,535 says zip64
_INNER = 4 << 20  # larger members keep their bytes


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    central: bytes  # without times and places
    local: bytes  # without times
    start: int
    begin: int  # of its data
    end: int
    packed: bytes
    method: int
    checksum: int
    size: int
    descriptor: bool


def unpack(content: bytes, inside: Inside) -> bytes | None:
    """The archive without its members' times; members that have a form are in it.

    All else stays: names, order, attributes, compressed bytes, comments, and what lies
    between the members or in front of them.
    """
    end = content.rfind(_END, max(0, len(content) - _END_LENGTH - 0xFFFF))
    if end < 0 or end + _END_LENGTH > len(content):
        return None
    count, size, place = struct.unpack_from("<HII", content, end + 10)
    before = end - size - place  # a program in front of the archive
    if count > _ENTRIES or before < 0:
        return None
    try:
        members = list(_members(content, before + place, end, count, before))
    except (struct.error, ValueError):
        return None
    pieces = [content[end + 8 : end + 12], content[end + 20 :]]
    pieces += (_normal(member, inside) for member in members)
    pieces += _between(content, members, before + place)
    return b"".join(b"%d:%b" % (len(piece), piece) for piece in pieces)


def _normal(member: _Member, inside: Inside) -> bytes:
    """A member's headers, and its data: plain in its form, or else as it is packed."""
    name = member.name.decode("utf-8", "surrogateescape")
    plain = _plain(member, name, inside)
    inner = inside.normal(name, plain) if plain is not None else None
    if inner is None:
        inside.members.append(member.packed)
        sums = struct.pack("<3I", member.checksum, len(member.packed), member.size)
        return b"=" + member.central + member.local + sums + member.packed
    return b"~" + member.central + member.local + inner


def _plain(member: _Member, name: str, inside: Inside) -> bytes | None:
    """A member's plain content, if it begins like one that has a form."""
    start = _unpacked(member, START)
    if start is None or member.size > _INNER or not inside.wants(name, start):
        return None
    plain = _unpacked(member, member.size + 1) if inside.take(member.size) else None
    if plain is None or len(plain) != member.size or zlib.crc32(plain) != member.checksum:
        return None
    return plain


def _unpacked(member: _Member, limit: int) -> bytes | None:
    """At most so many bytes; None where it is damaged or packed in another way."""
    if member.method == _STORED:
        return member.packed[:limit]
    if member.method != _DEFLATED:
        return None
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(member.packed, limit)
    except zlib.error:
        return None


def _members(content: bytes, at: int, end: int, count: int, before: int) -> Iterator[_Member]:
    """The members in the order of the central directory. Raises ValueError, struct.error."""
    room = len(content)  # members that lie over each other would take more
    for _ in range(count):
        fields = _CENTRAL.unpack_from(content, at)
        flags, method, checksum, packed, size = fields[3], fields[4], *fields[7:10]
        name, extra, comment, local = *fields[10:13], fields[16]
        if fields[0] != b"PK\x01\x02" or at + 46 + name + extra + comment > end:
            raise ValueError
        fixed = content[at : at + 12] + content[at + 32 : at + 42]
        variable = at + 46
        central = _joined(
            fixed,
            content[variable : variable + name],
            _extra(content[variable + name : variable + name + extra]),
            content[variable + name + extra : variable + name + extra + comment],
        )
        at = variable + name + extra + comment
        member = _local(content, before + local, central, packed, (method, checksum, size, flags))
        room -= member.end - member.start
        if room < 0:
            raise ValueError
        yield member


def _local(
    content: bytes, at: int, central: bytes, packed: int, known: tuple[int, int, int, int]
) -> _Member:
    method, checksum, size, flags = known
    fields = _LOCAL.unpack_from(content, at)
    name, extra = fields[9], fields[10]
    begin = at + 30 + name + extra
    if fields[0] != MAGIC or begin + packed > len(content) or at < 0:
        raise ValueError
    return _Member(
        name=content[at + 30 : at + 30 + name],
        central=central,
        local=_joined(
            content[at : at + 10],
            content[at + 30 : at + 30 + name],
            _extra(content[at + 30 + name : begin]),
        ),
        start=at,
        begin=begin,
        end=begin + packed,
        packed=content[begin : begin + packed],
        method=method,
        checksum=checksum,
        size=size,
        descriptor=bool(flags & _DESCRIBED),
    )


def _extra(field: bytes) -> bytes:
    """The extra field, the times in it zero."""
    pieces: list[bytes] = []
    at = 0
    while at + 4 <= len(field):
        kind, size = struct.unpack_from("<HH", field, at)
        value = field[at + 4 : at + 4 + size]
        pieces += (field[at : at + 4], bytes(len(value)) if kind in _TIMES else value)
        at += 4 + size
    return b"".join((*pieces, field[at:]))


def _joined(*parts: bytes) -> bytes:
    return b"".join(b"%d:%b" % (len(part), part) for part in parts)


def _between(content: bytes, members: list[_Member], directory: int) -> Iterator[bytes]:
    """What no member covers; data descriptors repeat what the central directory says."""
    at = 0
    for member in sorted(members, key=lambda member: member.start):
        yield content[at : member.start]
        at = max(at, member.end)
        if member.descriptor and content[at : at + 4] == _DESCRIPTOR:
            sizes = struct.pack("<II", len(member.packed), member.size)
            at += 16 if content[at + 8 : at + 16] == sizes else 0
    yield content[at:directory]
