"""Where each key of a TOML document stands: the lines that :mod:`tomllib` does not tell.

The document must be one that tomllib has accepted; so this only has to find its way, and
leaves the decoding of keys to tomllib. Specification: TOML v1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_QUOTED = (
    r'"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
)
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""(?:"{0,2})'
    r"|'''(?:[^']|'(?!''))*+'''(?:'{0,2})"
    rf"|{_QUOTED}",
    re.DOTALL,
)
_KEY = re.compile(rf"(?:[A-Za-z0-9_\-. \t]|{_QUOTED})++")
_SCALAR = re.compile(r"[^,\]}#\n]*+")


@dataclass(slots=True)
class Locator:
    """The lines, from 1, of one document's keys, tables and array elements."""

    text: str
    _lines: dict[Path, int] = field(default_factory=dict)
    _tables: dict[Path, int] = field(default_factory=dict)  # arrays of tables: how many so far
    _at: int = 0
    _newlines: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._newlines = [match.start() for match in re.finditer("\n", self.text)]
        self._document()

    def line(self, path: Path) -> int:
        """The line of a path; of the nearest table around it where it is not written; else 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _document(self) -> None:
        table: Path = ()
        while self._skip() < len(self.text):
            if self.text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line, several = self._line(), self.text.startswith("[[", self._at)
        self._at += 2 if several else 1
        path: Path = ()
        parts = self._key()
        for part in parts[:-1]:
            path = self._current((*path, part))
            self._lines.setdefault(path, line)
        path = (*path, parts[-1])
        if several:
            self._lines.setdefault(path, line)
            self._tables[path] = self._tables.get(path, 0) + 1
        path = self._current(path)
        self._lines[path] = line
        self._at += 2 if several else 1
        return path

    def _current(self, path: Path) -> Path:
        """A table's path; of an array of tables, its last element's."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        opening = self.text[self._at]
        if opening not in "[{":
            match = (_STRING if opening in "\"'" else _SCALAR).match(self.text, self._at)
            self._at = match.end() if match else len(self.text)
            return
        self._at += 1
        closing, index = "]" if opening == "[" else "}", 0
        while self._skip() < len(self.text) and self.text[self._at] != closing:
            if opening == "[":
                self._lines[(*path, index)] = self._line()
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            if self._skip() < len(self.text) and self.text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _key(self) -> tuple[str, ...]:
        match = _KEY.match(self.text, self._at)
        assert match is not None  # noqa: S101 - tomllib has accepted the document
        self._at = match.end()
        node, parts = tomllib.loads(f"{match[0]}=0"), []
        while isinstance(node, dict):
            [(part, node)] = node.items()
            parts.append(part)
        return tuple(parts)

    def _skip(self) -> int:
        match = _BLANK.match(self.text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _line(self) -> int:
        return bisect_left(self._newlines, self._at) + 1
