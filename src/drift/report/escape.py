"""Untrusted text made inert, format by format.

Paths, package names, labels and build logs are written by strangers. Nothing of them may
act on a terminal, a page, a chat or a CI runner: characters that steer or deceive are
written as visible escapes, and each format quotes its own markup on top of that.
"""

from __future__ import annotations

import math
import re
from typing import Any

# C0, DEL and C1 controls; soft hyphen; zero-width and bidirectional marks, embeddings,
# overrides and isolates (Unicode TR 36, "Trojan Source"); line and paragraph separators;
# surrogates; annotations, tags and non-characters that no reader would see.
_OTHERS = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSAFE = re.compile(f"[\x00-\x1f{_OTHERS}]")
# Inside of JSON's strings C0 controls are escaped already: a raw newline is indentation.
_UNSAFE_IN_JSON = re.compile(f"[{_OTHERS}]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """The text on one line, with nothing in it that a reader could not see.

    ``ESC`` becomes ``\\x1b``, a right-to-left override ``\\u202e``, a newline ``\\n``. For
    people: it does not promise to be reversible.
    """
    if text.isascii() and text.isprintable():  # nearly every text, in a fraction of the time
        return text
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x100:
        return _NAMED.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible_json(text: str) -> str:
    """JSON text whose strings hold no such character raw; its meaning is unchanged.

    Indentation stays. ``##[`` is taken apart too: GitHub's runner looks for its old
    commands (``##[add-mask]``) anywhere in a line of output.
    """

    def escaped(match: re.Match[str]) -> str:
        units = match[0].encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

    if not text.isascii() or "\x7f" in text:  # the whole of most documents is plain
        text = _UNSAFE_IN_JSON.sub(escaped, text)
    return text.replace("##[", "#\\u0023[")


def inert_line(line: str) -> str:
    """A line of output that a CI runner takes for text, never for a workflow command."""
    if line.lstrip().startswith("::"):
        start = len(line) - len(line.lstrip())
        line = f"{line[:start]}\\{line[start:]}"
    return line.replace("##[", "#\\#[")


def storable(value: Any) -> Any:
    """A JSON value that every JSON reader takes: no lone surrogate, no NaN, no infinity.

    Image configurations may hold both. Undecodable bytes become ``\\xNN``.
    """
    if isinstance(value, str):
        return value if value.isascii() else _encodable(value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _encodable(text: str) -> str:
    """Text that has a UTF-8 form; bytes smuggled in by PEP 383 are shown as bytes."""
    shown = re.sub("[\udc80-\udcff]", lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
