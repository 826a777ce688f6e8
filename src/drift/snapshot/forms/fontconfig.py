"""fontconfig's caches, ``/var/cache/fontconfig/*.cache-N`` (``src/fcint.h``, FcCache).

``magic`` and ``version`` (32 bits each), ``size``, ``dir``, ``dirs`` (a word each),
``dirs_count`` (32 bits), ``set`` (a word), ``checksum`` (32 bits: seconds of the directory's
modification time), ``checksum_nano`` (64 bits: its nanoseconds). Word size and byte order are
the architecture's; the file's name says them (``-le64``).
"""

from __future__ import annotations

import re

from drift.snapshot.forms.model import Window

MAGICS = (b"\x04\xfc\x02\xfc", b"\xfc\x02\xfc\x04")
PATH = re.compile(r"/[0-9a-f-]{32,36}-[lb]e(32d4|32d8|64)\.cache-[0-9]{1,3}$")
_TIMES = {  # where checksum begins, where checksum_nano does
    "64": (48, 56),
    "32d8": (28, 32),
    "32d4": (28, 32),
}


class FontconfigCache:
    """The cache without the directory's modification time. Exact."""

    name = "fontconfig-cache"
    kind = "cache"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content with a time of zero; None for what is no such cache."""
        del window
        named = PATH.search(path)
        if named is None or not content.startswith(MAGICS):
            return None
        seconds, nanoseconds = _TIMES[named[1]]
        end = nanoseconds + 8
        word = 8 if named[1] == "64" else 4
        size = content[8 : 8 + word] if content[0] == 0x04 else content[8 : 8 + word][::-1]
        if int.from_bytes(size, "little") != len(content) or len(content) < end:
            return None
        return (
            content[:seconds]
            + bytes(4)
            + content[seconds + 4 : nanoseconds]
            + bytes(8)
            + content[end:]
        )
