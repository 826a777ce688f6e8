"""Parser directives: the ``# syntax=``, ``# escape=`` and ``# check=`` lines at the very top.

Specification: the Dockerfile reference, "Parser directives".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from drift.source.dockerfile.arguments import SPACES
from drift.source.dockerfile.model import DockerfileError

_NAMES = frozenset({"syntax", "escape", "check"})


@dataclass(frozen=True, slots=True)
class Directives:
    """What the directives say; ``syntax`` is the first word of its value."""

    escape: str = "\\"
    syntax: str | None = None
    syntax_line: int = 1

    @classmethod
    def read(cls, lines: Sequence[str]) -> Self:
        """Read them off the top of a file; the first line that is none ends them.

        A ``#!`` line before them is passed over when the frontend is looked for.
        Raises :class:`DockerfileError`: one is given twice, or the escape is invalid.
        """
        found = _directives(lines, 0)
        escape, _ = found.get("escape", ("\\", 1))
        if escape not in ("\\", "`"):
            raise DockerfileError(
                f"invalid escape character {escape!r}; it must be \\ or `",
                line=found["escape"][1],
            )
        if lines and lines[0].startswith("#!"):
            found = _directives(lines, 1)
        syntax, line = found.get("syntax", (None, 1))
        return cls(escape, syntax.split(" ")[0] if syntax else None, line)


def _directives(lines: Sequence[str], start: int) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines[start:], start=start + 1):
        directive = _directive(line)
        if directive is None:
            break
        name, value = directive
        if name in found:
            raise DockerfileError(f"the directive {name!r} may be given only once", line=number)
        found[name] = (value, number)
    return found


def _directive(line: str) -> tuple[str, str] | None:
    line = line.strip(SPACES)
    if not line.startswith("#"):
        return None
    name, equals, value = line[1:].partition("=")
    name, value = name.strip(SPACES).lower(), value.strip(SPACES)
    if not equals or not value or name not in _NAMES:
        return None
    return name, value
