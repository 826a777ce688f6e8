"""gzip (RFC 1952): one or more members, each a header, deflated content and a trailer."""

from __future__ import annotations

import zlib

from drift.snapshot.forms.inside import Inside

MAGIC = b"\x1f\x8b\x08"
_FIXED = 10
_HCRC, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16
_RESERVED = 0xE0
_MEMBERS = 10_000
_PEEK = 512
_STEP = 1 << 16


def unpack(content: bytes, inside: Inside) -> bytes | None:
    """The headers without their time, and what is compressed, in its own normal form.

    The flags, the extra field, the name, the comment and the operating system stay. How it is
    compressed does not count: the same content at another level is the same.
    """
    headers: list[bytes] = []
    pieces: list[bytes] = []
    at = 0
    while at < len(content) and len(headers) < _MEMBERS:
        if content[at] == 0 and not content[at:].strip(b"\0"):
            break  # padding, as on tapes
        body = _after_header(content, at)
        member = _inflated(content, body, inside) if body is not None else None
        if body is None or member is None:
            return None
        piece, end = member
        headers.append(_without_time(content[at:body]))
        pieces.append(piece)
        at = end
    if not headers or (at < len(content) and content[at] != 0):
        return None
    plain = b"".join(pieces)
    normal = inside.normal("", plain)
    head = b"".join(b"%d:%b" % (len(header), header) for header in headers)
    return head + (b"=" + plain if normal is None else b"~" + normal)


def peek(start: bytes) -> bytes:
    """The first bytes of what is compressed; empty where they can't be told."""
    body = _after_header(start, 0)
    if body is None:
        return b""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(start[body:], _PEEK)
    except zlib.error:
        return b""


def _without_time(header: bytes) -> bytes:
    """The time is zero; so is the compression level (XFL), and a checksum over both."""
    masked = header[:4] + bytes(5) + header[9:]
    return masked[:-2] if header[3] & _HCRC else masked


def _after_header(content: bytes, at: int) -> int | None:
    if content[at : at + 3] != MAGIC or len(content) < at + _FIXED:
        return None
    flags = content[at + 3]
    if flags & _RESERVED:
        return None
    end = at + _FIXED
    if flags & _EXTRA:
        end += 2 + int.from_bytes(content[end : end + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            zero = content.find(b"\0", end)
            if zero < 0:
                return None
            end = zero + 1
    if flags & _HCRC:
        end += 2
    return end if end <= len(content) else None


def _inflated(content: bytes, at: int, inside: Inside) -> tuple[bytes, int] | None:
    """A member's plain content and where it ends; None: damaged, or more than there is room."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    while not inflate.eof:
        piece = content[at : at + _STEP]  # in steps: what is behind the end is copied
        if not piece:
            return None
        try:
            pieces.append(inflate.decompress(piece, inside.room + 1))
        except zlib.error:
            return None
        if not inside.take(len(pieces[-1])):
            return None
        at += len(piece)
    plain = b"".join(pieces)
    end = at - len(inflate.unused_data) + 8
    sum_and_size = content[end - 8 : end]
    size = len(plain) & 0xFFFFFFFF
    expected = zlib.crc32(plain).to_bytes(4, "little") + size.to_bytes(4, "little")
    return (plain, end) if sum_and_size == expected else None
