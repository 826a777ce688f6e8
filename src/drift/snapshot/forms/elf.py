"""ELF programs and objects into which the compiler wrote its own date (``__DATE__``)."""

from __future__ import annotations

import re

from drift.snapshot.forms.dates import masked
from drift.snapshot.forms.model import Window

MAGIC = b"\x7fELF"
LARGEST = 4 << 20  # what a build compiles in place is small; toolchains and browsers are not
# A note (gABI) of 4 bytes' name and 8 to 32 bytes' content: type 3, NT_GNU_BUILD_ID.
_BUILD_ID = re.compile(
    rb"(?:\x04\0\0\0([\x08-\x20])\0\0\0\x03\0\0\0|\0\0\0\x04\0\0\0([\x08-\x20])\0\0\0\x03)GNU\0"
)


class ElfDates:
    """The file with its build's dates masked, and the build ID, a digest over it.

    Not exact, as :class:`drift.snapshot.forms.dates.Dates` is not.
    """

    name = "elf-dates"
    kind = "timestamp"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content with placeholders; None where no date of the build is in it."""
        del path
        result = masked(content, window)
        if result == content:
            return None
        note = _BUILD_ID.search(result)
        if note is None:
            return result
        end = note.end() + (note[1] or note[2])[0]
        return result[: note.end()] + result[end:]
