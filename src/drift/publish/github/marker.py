"""Whose an issue or a comment is: a first line that GitHub does not show.

::

    <!-- drift:event fleet=0123456789abcdef key=… moved=2026-11-26 … -->

A marker counts only as the whole first line of a text that drift's own login wrote: what a
stranger writes, and what drift quotes of strangers further down, is never one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_LINE = re.compile(r"<!-- drift:([a-z-]+)((?: [a-z]+=[A-Za-z0-9._,:-]*)*) -->")


@dataclass(frozen=True, slots=True)
class Marker:
    """``subject`` says what is marked; ``values`` are plain words without spaces."""

    subject: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = "".join(f" {key}={value}" for key, value in self.values.items())
        line = f"<!-- drift:{self.subject}{said} -->"
        if _LINE.fullmatch(line) is None:
            raise ValueError(f"not a marker: {line!r}")
        return line

    def words(self, key: str) -> tuple[str, ...]:
        """A value that is a list."""
        return tuple(word for word in self.values.get(key, "").split(",") if word)


def read(text: str | None) -> Marker | None:
    """The marker that a text begins with, None where it does not."""
    first = (text or "").split("\n", 1)[0].rstrip("\r")
    match = _LINE.fullmatch(first)
    if match is None:
        return None
    pairs = (pair.partition("=") for pair in match[2].split())
    return Marker(match[1], {key: value for key, _, value in pairs})


def digest(*parts: object) -> str:
    """A short name for some values, the same wherever it is made."""
    text = json.dumps(parts, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
