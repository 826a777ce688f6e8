"""The stanzas of a Debian control file (``deb822(5)``), as dpkg writes its status.

Field names are folded to lower case. A field's value keeps the lines that continue it,
joined by newlines, each without its first space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Stanza = Mapping[str, str]
_NAME = re.compile(r"[!-9;-~]+")


class MalformedError(ValueError):
    """A line that is neither a field nor a continuation; the message says which line."""


def stanzas(text: str) -> Iterator[Stanza | MalformedError]:
    """Each stanza of a text, in order; a :class:`MalformedError` in place of a broken one."""
    lines: list[str] = []
    first = 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line and not line.isspace():
            if not lines:
                first = number
            lines.append(line)
        elif lines:
            try:
                yield _stanza(lines, first)
            except MalformedError as error:
                yield error
            lines = []


def _stanza(lines: list[str], first: int) -> Stanza:
    fields: dict[str, list[str]] = {}
    value: list[str] | None = None
    for number, line in enumerate(lines, start=first):
        if line[0] in " \t" and value is not None:
            value.append(line[1:])
            continue
        name, colon, rest = line.partition(":")
        if not colon or _NAME.fullmatch(name) is None or name[0] in "#-":
            raise MalformedError(f"line {number} is not a field")
        if name.lower() in fields:
            raise MalformedError(f"line {number} repeats the field {name}")
        value = fields[name.lower()] = [rest.strip()]
    return {name: "\n".join(value) for name, value in fields.items()}
