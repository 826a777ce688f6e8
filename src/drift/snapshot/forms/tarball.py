"""tar archives: ustar, pax (IEEE 1003.1-2001) and GNU headers, 512-byte blocks."""

from __future__ import annotations

import re

from drift.snapshot.forms.inside import Inside

BLOCK = 512
_MAGIC = slice(257, 262)
_SIZE = slice(124, 136)
_KIND = 156
_EXTENDED = b"xg"
_RECORD = re.compile(rb"([1-9][0-9]{0,8}) ([a-zA-Z0-9._-]{1,256})=")
_PAX_TIMES = frozenset((b"mtime", b"atime", b"ctime"))
_WITHOUT_CONTENT = b"123456"
_GNU_TIMES = slice(345, 369)  # atime and ctime, octal
_EXTENDED_LIMIT = 1 << 20
_INNER = 4 << 20  # larger members keep their bytes


def is_tar(start: bytes) -> bool:
    """Whether content that starts so is a tar archive with a magic."""
    return start[_MAGIC] == b"ustar"


def unpack(content: bytes, inside: Inside) -> bytes | None:
    """The headers without times and the checksums over them; members with a form in it.

    Names, order, owners, modes and padding stay.
    """
    pieces: list[bytes] = []
    at = 0
    size: int | None = None  # as a pax header says
    name = ""
    while at + BLOCK <= len(content):
        header = content[at : at + BLOCK]
        if not header.strip(b"\0"):
            break
        length = size if size is not None else _number(header[_SIZE])
        kind = header[_KIND : _KIND + 1]
        if header[_MAGIC] != b"ustar" or length is None:
            return None
        if kind in _WITHOUT_CONTENT:
            length = 0
        at += BLOCK
        body = content[at : at + length]
        if len(body) < length:
            return None
        name = header[:100].rstrip(b"\0").decode("utf-8", "surrogateescape")
        size = None
        if kind in _EXTENDED:
            records = _records(body)
            if records is None:
                return None
            body, size = records
        piece = _normal(name, kind, body, inside)
        pieces += (_timeless(header, keep_size=piece[:1] == b"="), piece)
        at += -(-length // BLOCK) * BLOCK
    if not pieces or (at + BLOCK > len(content) and content[at:].strip(b"\0")):
        return None
    pieces.append(content[at:].rstrip(b"\0"))
    return b"".join(b"%d:%b" % (len(piece), piece) for piece in pieces)


def _normal(name: str, kind: bytes, body: bytes, inside: Inside) -> bytes:
    regular = kind in (b"0", b"\0", b"7") and len(body) <= _INNER
    inner = inside.normal(name, body) if regular else None
    if not regular:
        inside.members.append(body)
    return b"=" + body if inner is None else b"~" + inner


def _timeless(header: bytes, keep_size: bool) -> bytes:
    kind = header[_KIND : _KIND + 1]
    size = header[_SIZE] if keep_size and kind not in _EXTENDED else bytes(12)
    gnu = header[257:265] == b"ustar  \0"
    tail = header[_GNU_TIMES.stop :] if gnu else header[_GNU_TIMES.start :]
    # A pax header's name often holds the number of the process that wrote it.
    name = bytes(100) if kind == b"x" else header[:100]
    return name + header[100:124] + size + bytes(20) + header[156 : _GNU_TIMES.start] + tail


def _records(body: bytes) -> tuple[bytes, int | None] | None:
    """pax records without the times, and the size that they give to the next member."""
    if len(body) > _EXTENDED_LIMIT:
        return None
    kept: list[bytes] = []
    size: int | None = None
    at = 0
    while at < len(body):
        match = _RECORD.match(body, at)
        if match is None:
            return None
        end = at + int(match[1])
        if end > len(body) or end <= match.end() or body[end - 1 : end] != b"\n":
            return None
        if match[2] == b"size":
            size = _decimal(body[match.end() : end - 1])
        if match[2] not in _PAX_TIMES:
            kept.append(body[at:end])
        at = end
    return b"".join(kept), size


def _decimal(value: bytes) -> int | None:
    return int(value) if re.fullmatch(rb"[0-9]{1,15}", value) else None


def _number(field: bytes) -> int | None:
    """An octal number, or GNU's base 256."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    octal = field.strip(b" \0")
    return int(octal or b"0", 8) if re.fullmatch(rb"[0-7]{0,12}", octal) else None
