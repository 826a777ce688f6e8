"""Small text files, which are kept for the differences that later nights show.

A file that not everybody in its image may read is never kept, nor one that holds a private
key, or whose name says that it holds credentials.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

LARGEST = 64 << 10  # bytes of a text that is kept

_WORLD_READABLE = 0o004
# As file(1): what no text holds are control characters other than these.
_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(32, 256)) - {127})
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_CREDENTIALS = (".env*", ".npmrc", ".netrc", ".pgpass", "credentials*", "*.key", "*.pem")


def is_text(start: bytes) -> bool:
    """Whether content that starts so is text, in whatever encoding without NUL."""
    return b"\0" not in start and not start.translate(None, _TEXT)


def may_be_kept(path: str, mode: int, size: int) -> bool:
    """Whether a text's path, mode and size allow that it is kept."""
    if size > LARGEST or not mode & _WORLD_READABLE:
        return False
    name = path.rpartition("/")[2].lower()
    return not any(fnmatchcase(name, pattern) for pattern in _CREDENTIALS)


def holds_key(content: bytes) -> bool:
    """Whether a text holds a private key (RFC 7468, and OpenSSH's and OpenSSL's own)."""
    return _PRIVATE_KEY.search(content) is not None
