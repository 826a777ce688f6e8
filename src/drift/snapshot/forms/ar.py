"""ar archives: static libraries and ``.deb`` packages (System V and GNU, ``ar.h``).

``!<arch>\\n``, then per member a header of 60 bytes in ASCII: name 16, time 12, uid 6, gid 6,
mode 8, size 10, and a backquote with a newline; content, padded to an even place.
"""

from __future__ import annotations

from drift.snapshot.forms.inside import Inside

MAGIC = b"!<arch>\n"
_HEADER = 60
_END = b"`\n"
_TIME_AND_OWNER = slice(16, 40)


def unpack(content: bytes, inside: Inside) -> bytes | None:
    """The archive without its members' times and owners, which ``ar`` takes from the build.

    Names, modes, order and contents stay; members that have a form are in it.
    """
    pieces: list[bytes] = []
    at = len(MAGIC)
    if not content.startswith(MAGIC):
        return None
    while at < len(content):
        header = content[at : at + _HEADER]
        size = _decimal(header[48:58])
        if len(header) < _HEADER or header[58:] != _END or size is None:
            return None
        end = at + _HEADER + size
        if end > len(content):
            return None
        end += end % 2
        name, rest = header[: _TIME_AND_OWNER.start], header[_TIME_AND_OWNER.stop :]
        body = content[at + _HEADER : at + _HEADER + size]
        inner = inside.normal(name.decode("latin-1"), body)
        piece = b"=" + rest + body if inner is None else b"~" + rest[:8] + inner
        pieces.append(b"%b%d:%b" % (name, len(piece), piece))
        at = end
    return b"".join(pieces)


def _decimal(field: bytes) -> int | None:
    digits = field.rstrip(b" ")
    return int(digits) if digits.isdigit() and digits.isascii() else None
