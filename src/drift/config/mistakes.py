"""What is wrong with a drift.toml, in words: where, what was expected, what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from drift.config import schema
from drift.masking import MASKED, Mask

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]

_LONGEST = 80  # characters of a found value that are shown
_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "an array",
    "object": "a table",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, at a path of the document."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How found values are written: briefly, and masked where a variable gave them."""

    mask: Mask
    hidden: frozenset[Path]

    def value(self, value: object, path: Path) -> str:
        """A value as TOML would have it, for the end of a message."""
        if any(place[: len(path)] == path for place in self.hidden):
            return MASKED
        return self.mask.text(_spelled(value))


def spell(path: Path) -> str:
    """A path as people read it: ``image[1].args.PYTHON``; elements count from 0."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            text += ("." if text else "") + (part if bare else json.dumps(part[:_LONGEST]))
    return text or "the file"


def from_pydantic(
    errors: Iterable[ErrorDetails], whole: Mapping[str, Any], shown: Shown
) -> list[Mistake]:
    """pydantic's errors in drift's words; ``whole`` is the JSON Schema of the document."""
    return [Mistake(error["loc"], _text(error, whole, shown)) for error in errors]


def _text(error: ErrorDetails, whole: Mapping[str, Any], shown: Shown) -> str:
    path, node = error["loc"], schema.at(whole, error["loc"])
    expected = _tables(path, whole) or expectation(node)
    if error["type"] == "extra_forbidden":
        return _unknown_key(path, schema.at(whole, path[:-1]).get("properties", {}))
    if error["type"] == "missing":
        return f"required key missing; expected {expected}"
    if error["type"] == "value_error":
        expected = str(error["ctx"]["error"]).removeprefix("expected ")
    found = error["input"]
    text = f"expected {expected}, found {shown.value(found, path)}"
    return text if path in shown.hidden else text + _nearest(found, node.get("enum", ()))


def _tables(path: Path, whole: Mapping[str, Any]) -> str:
    """How an array of tables is headed; empty for anything else."""
    if schema.at(whole, (*path, 0)).get("type") != "object":
        return ""
    return f"tables, each headed [[{'.'.join(part for part in path if isinstance(part, str))}]]"


def expectation(node: Mapping[str, Any]) -> str:
    """What a part of the schema asks for, in words."""
    if "enum" in node:
        return "one of " + ", ".join(map(json.dumps, node["enum"]))
    if node.get("format") == "date":
        return "a date such as 2026-12-31, without quotes"
    words = _TYPES.get(node.get("type", ""), "a value")
    if "minimum" in node:
        words += f" of at least {node['minimum']}"
    if "maximum" in node:
        words += f" and at most {node['maximum']}"
    if node.get("minItems") or node.get("minLength"):
        words += ", not empty"
    return words


def _unknown_key(path: Path, known: Iterable[str]) -> str:
    near = _nearest(path[-1], known)
    return "unknown key" + (near or "; expected one of " + ", ".join(sorted(known)))


def _nearest(found: object, choices: Iterable[str]) -> str:
    if not isinstance(found, str):
        return ""
    exact = {choice.lower().replace("-", "_"): choice for choice in choices}
    near = get_close_matches(found[:_LONGEST].lower().replace("-", "_"), exact, n=1)
    return f'; did you mean "{exact[near[0]]}"?' if near else ""


def _spelled(value: object) -> str:
    if isinstance(value, str):
        text = json.dumps(value[: _LONGEST + 1], ensure_ascii=False)
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, datetime | date | time):
        text = value.isoformat()
    elif isinstance(value, Mapping):
        return "a table"
    elif isinstance(value, Sequence):
        return "an array" if value else "an empty array"
    else:
        text = str(value)
    return text if len(text) <= _LONGEST + 2 else f"{text[:_LONGEST]}…"
