"""Python bytecode (``.pyc``): PEP 3147, PEP 552, and ``Lib/importlib/_bootstrap_external.py``.

A magic number of two bytes and ``\\r\\n``; since 3.7 a word of flags; then the source's
modification time and (since 3.3) its size, or the hash of the source where flag 1 is set.
Marshalled code follows. All numbers are little-endian.
"""

from __future__ import annotations

from drift.snapshot.forms.model import Window

_FLAGS_SINCE = 3390  # 3.7.0a4, the first magic number of a four-word header
_SIZE_SINCE = 3190  # 3.3a0
_PYTHON_2 = 50000  # its magic numbers are above, its header has no size
_HASHED = 1
_ZERO = bytes(4)
_CODE = (b"c", b"\xe3")  # a marshalled code object, with and without FLAG_REF


class PythonBytecode:
    """The bytecode without its source's modification time.

    Exact. A hash-based one holds no time and is not of this form. The size of the source, its
    hash and the code stay. That code may differ in which objects it marks as referred to
    (FLAG_REF) is left to the experiment: telling it needs the whole stream parsed.
    """

    name = "python-bytecode"
    kind = "bytecode"
    exact = True

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content with a time of zero; None for hashed or damaged bytecode."""
        del path, window
        if not is_bytecode(content):
            return None
        magic = int.from_bytes(content[:2], "little")
        at, size = 4, 8
        if magic >= _PYTHON_2 or magic < _SIZE_SINCE:
            size = 4
        elif magic >= _FLAGS_SINCE:
            if int.from_bytes(content[4:8], "little"):  # hashed, or flags of another day
                return None
            at = 8
        if content[at + size : at + size + 1] not in _CODE:
            return None
        return content[:at] + _ZERO + content[at + 4 :]


def is_bytecode(start: bytes) -> bool:
    """Whether content that starts so can be bytecode."""
    return start[2:4] == b"\r\n" and len(start) > 12 and start[1] in _MAGICS


_MAGICS = frozenset((*range(0x0B, 0x12), 0xF1, 0xF2, 0xF3))  # 3000–4607, and Python 2's
