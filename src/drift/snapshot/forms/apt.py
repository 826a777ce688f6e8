"""apt's memory-mapped caches (apt-pkg/pkgcache.h)."""

from __future__ import annotations

from drift.snapshot.forms.model import Window

PATHS = ("/var/cache/apt/pkgcache.bin", "/var/cache/apt/srcpkgcache.bin")
MAGICS = (b"\xdc\x76\xfe\x98", b"\x98\xfe\x76\xdc")
_START = 64


class AptCache:
    """That it is such a cache: all else is made anew from other files.

    Not exact. The cache is a hash table over apt's lists and dpkg's status, with their times
    and inodes. apt throws it away where they moved, and they are compared themselves.
    """

    name = "apt-cache"
    kind = "cache"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """A constant; None for what is no such cache, or too short for one."""
        del path, window
        return b"apt-cache" if content.startswith(MAGICS) and len(content) > _START else None
