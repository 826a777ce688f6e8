"""``${NAME}`` in the strings of drift.toml.

``${NAME}`` is the environment variable's value, which may be empty but must be set; it is
not expanded again. Inside the ``url`` of a ``[[notify]]`` it is percent-encoded, so that a
password may hold any character; what begins the URL, or is all of it, stands as it is.
``$${`` stands for ``${``; any other ``$`` stands for itself, so a password may hold one.
Defaults as in ``${NAME:-x}`` are not known, and an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from drift.config.mistakes import Mistake, Path

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


@dataclass(slots=True)
class Expansion:
    """Expands the strings of one document.

    ``values`` are those that came in, in the document's order; ``places`` are the paths of
    the strings that hold one; ``mistakes`` tells of those that could not be expanded.
    """

    environ: Mapping[str, str]
    values: list[str] = field(default_factory=list)
    places: set[Path] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def expand(self, node: Any, path: Path = ()) -> Any:
        """The document, or a part of it, with all strings expanded."""
        if isinstance(node, str):
            return _REFERENCE.sub(lambda match: self._placed(match, path), node)
        if isinstance(node, dict):
            return {key: self.expand(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [self.expand(value, (*path, index)) for index, value in enumerate(node)]
        return node

    def _placed(self, match: re.Match[str], path: Path) -> str:
        value = self._value(match, path)
        inside = match["name"] and match.start() > 0 and _is_notify_url(path)
        return quote(value, safe="") if inside else value

    def _value(self, match: re.Match[str], path: Path) -> str:
        name = match["name"]
        if match[0] == "$${":
            return "${"
        if name is None:
            self.mistakes.append(Mistake(path, "expected ${NAME} after a $; for ${ write $${"))
        elif name not in self.environ:
            self.mistakes.append(Mistake(path, "".join(self._unset(name))))
        else:
            self.places.add(path)
            if self.environ[name] and self.environ[name] not in self.values:
                self.values.append(self.environ[name])
            return self.environ[name]
        return match[0]

    def _unset(self, name: str) -> Iterator[str]:
        yield f"expected the environment variable {name} to be set"
        for near in get_close_matches(name, self.environ, n=1, cutoff=0.8):
            yield f"; did you mean ${{{near}}}?"


def _is_notify_url(path: Path) -> bool:
    return len(path) == 3 and path[0] == "notify" and path[2] == "url"
