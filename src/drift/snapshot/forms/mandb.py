"""man-db's index, ``/var/cache/man/**/index.db``: a GNU dbm database, or Berkeley DB's."""

from __future__ import annotations

import re

from drift.snapshot.forms.model import Window

PATH = re.compile(r"^/var/cache/man/(.{1,200}/)?index\.(db|bt|dir|pag)$")
_GDBM = frozenset((0x13579ACE, 0x13579ACD, 0x13579ACF, 0x13579AD0, 0x13579AD1))


class ManDatabase:
    """That it is a database of that kind: all in it is made anew from the manual pages.

    Not exact. It holds each page's modification time, and the places in the file follow
    from the order in which pages were found. The pages are compared themselves.
    """

    name = "man-db"
    kind = "cache"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """A constant; None for another kind of file."""
        del path, window
        little = int.from_bytes(content[:4], "little")
        big = int.from_bytes(content[:4], "big")
        return b"man-db" if little in _GDBM or big in _GDBM else None
