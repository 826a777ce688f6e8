"""A build's output as it comes: what both builders' readers share.

A reader is fed the messages of the build's stream one by one and keeps a
:class:`Transcript`; :class:`BuildLog` bounds what a build that never stops talking costs.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from drift.engine.model import Progress, Step

TAIL = 20
_LIMIT = 32 * 1024 * 1024
_STYLE = re.compile(r"\x1b\[[0-9;]*m")

Message = Mapping[str, Any]


class Transcript(Protocol):
    """What a reader has understood so far.

    ``bases_used`` maps references to a digest or image ID, or to the short ID that the
    classic builder prints. ``failed_log`` holds the lines that the failing step printed.
    """

    @property
    def image_id(self) -> str | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def log(self) -> str: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def bases_used(self) -> Mapping[str, str]: ...
    @property
    def left_images(self) -> tuple[str, ...]: ...
    @property
    def failed_step(self) -> str | None: ...
    @property
    def failed_log(self) -> tuple[str, ...]: ...

    def feed(self, message: Message) -> Iterator[Progress]:
        """Take the next message in; give the steps that it begins.

        Raises:
            ValueError: the message is not what a builder sends.
        """
        ...


class BuildLog:
    """Lines of output, all of them up to 32 Mi characters, and always the last ones."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._lines: list[str] = []
        self._room = limit
        self._after: deque[str] = deque(maxlen=TAIL)
        self._left_out = 0

    def append(self, line: str) -> None:
        self._room -= len(line) + 1
        if self._room >= 0 and not self._left_out:
            self._lines.append(line)
            return
        self._left_out += 1
        self._after.append(line[-4096:])

    def extend(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.append(line)

    def lines(self) -> tuple[str, ...]:
        """What was kept, with a line in brackets where some are left out."""
        missing = self._left_out - len(self._after)
        gap = (f"[{missing} lines left out: the log is too long]",) if missing > 0 else ()
        return (*self._lines, *gap, *self._after)


class LineCutter:
    """Cuts text that comes in arbitrary pieces, or as UTF-8, into lines.

    A bare carriage return ends a line as well: progress bars become lines. Colours and other
    styles are dropped.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: str | bytes) -> list[str]:
        """The lines that ``piece`` completes."""
        text = self._rest + (piece if isinstance(piece, str) else self._decoder.decode(piece))
        held = "\r" if text.endswith("\r") else ""  # perhaps the first half of "\r\n"
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        if len(rest) > _LIMIT:
            lines, rest = [*lines, rest], ""
        self._rest = rest + held
        return [_STYLE.sub("", line) for line in lines]

    def rest(self) -> list[str]:
        """The last line, where it was not ended."""
        text, self._rest = _STYLE.sub("", self._rest.rstrip("\r")), ""
        return [text] if text else []


def error_of(message: Message) -> str | None:
    """The text of an error message of the stream, or None."""
    if "error" not in message and "errorDetail" not in message:
        return None
    detail = message.get("errorDetail")
    text = message.get("error") or (detail.get("message") if isinstance(detail, Mapping) else "")
    return str(text or "the engine gave no reason").strip()
