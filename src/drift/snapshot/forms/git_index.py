"""git's index (``Documentation/gitformat-index.txt``), versions 2 to 4.

``DIRC``, version, number of entries; then for each entry ten words of what stat(2) said, the
object's name, flags, and the path; extensions; and a digest over all.
"""

from __future__ import annotations

import hashlib

from drift.snapshot.forms.model import Window

MAGIC = b"DIRC"
_HEADER = 12
_STAT = 40  # ctime, mtime (8 bytes each), device, inode, mode, uid, gid, size (4 each)
_DIGEST = 20
_FIXED = _STAT + _DIGEST + 2
_EXTENDED = 0x4000


class GitIndex:
    """The index without times, device and inode, which a checkout takes from its file system.

    Exact: modes, owners, sizes, object names, flags, paths and extensions stay; the digest,
    which is checked, follows from the rest. Not of this form: indexes of SHA-256.
    """

    name = "git-index"
    kind = "cache"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The index in normal form; None for a damaged one."""
        del path, window
        body, digest = content[:-_DIGEST], content[-_DIGEST:]
        if not body.startswith(MAGIC) or len(body) < _HEADER:
            return None
        if digest not in (hashlib.sha1(body, usedforsecurity=False).digest(), bytes(_DIGEST)):
            return None
        version = int.from_bytes(body[4:8], "big")
        return _statless(body, version) if version in (2, 3, 4) else None


def _statless(body: bytes, version: int) -> bytes | None:
    pieces = [body[:_HEADER]]
    at = _HEADER
    for _ in range(int.from_bytes(body[8:12], "big")):
        flags = int.from_bytes(body[at + _FIXED - 2 : at + _FIXED], "big")
        name = at + _FIXED + (2 if version > 2 and flags & _EXTENDED else 0)
        zero = body.find(b"\0", name)
        if zero < 0:
            return None
        length = zero + 1 - at
        end = at + (length if version == 4 else -(-length // 8) * 8)
        if end > len(body):
            return None
        pieces += (bytes(24), body[at + 24 : end])
        at = end
    return b"".join((*pieces, body[at:]))
