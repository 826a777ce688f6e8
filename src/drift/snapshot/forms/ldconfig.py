"""ldconfig's auxiliary cache, ``/var/cache/ldconfig/aux-cache`` (glibc, ``elf/cache.c``).

The magic, the number of entries and the length of the string table; then for each library
that was looked at its inode, change time, size and device, flags, the place of its soname in
the table, and the system (1.0) or the ISA level (2.0) that it needs. In the machine's byte order.
"""

from __future__ import annotations

import struct

from drift.snapshot.forms.model import Window

MAGICS = (b"glibc-ld.so.auxcache-1.0", b"glibc-ld.so.auxcache-2.0")
_MAGIC = 24
_FIRST = _MAGIC + 8
_ENTRY = 48


class LdconfigCache:
    """The libraries' sizes, flags and sonames, sorted.

    Exact: inode, time and device are those of the build's file system, and the order of the
    entries that of a hash table over them; each entry's last word is memory never set.
    """

    name = "ldconfig-aux-cache"
    kind = "cache"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """One line for each library; None for what is no such cache, or damaged."""
        del path, window
        if not content.startswith(MAGICS) or len(content) < _FIRST:
            return None
        for order in "<>":
            lines = _lines(content, order)
            if lines is not None:
                return b"\n".join(sorted(lines))
        return None


def _lines(content: bytes, order: str) -> list[bytes] | None:
    count, length = struct.unpack_from(f"{order}II", content, _MAGIC)
    table = _FIRST + count * _ENTRY
    if table + length != len(content):
        return None
    lines: list[bytes] = []
    for entry in struct.iter_unpack(f"{order}4Q4I", content[_FIRST:table]):
        size, flags, soname, needs, _unset = entry[2], *entry[4:]
        end = content.find(b"\0", table + soname)
        if soname >= length or end < 0 or end - table - soname > 4096:
            return None
        name = content[table + soname : end]
        lines.append(b"%b %d %d %d" % (name, size, flags, needs))
    return lines
