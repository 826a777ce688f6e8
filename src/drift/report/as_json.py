"""The JSON format: drift.json itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from drift.report.escape import visible_json

_STEP = "  "


def render(document: dict[str, Any], *, compact: bool = False) -> str:
    """The document as JSON text in the order it was built, with a newline at the end.

    Text that is not ASCII stays as it is; characters that could steer a terminal are
    written as ``\\uXXXX``, which changes nothing for a JSON reader. An image may have a hundred
    thousand paths: each is a line of its own, and the rest is indented.
    """
    if compact:
        return visible_json(_dumped(document)) + "\n"
    return "".join(map(visible_json, _object(document, 0, ("images", "files")))) + "\n"


def _object(value: dict[str, Any], depth: int, way: tuple[str, ...]) -> Iterator[str]:
    """An object over lines; ``way`` leads through lists and objects to the lists of paths."""
    inner = _STEP * (depth + 1)
    for number, (key, held) in enumerate(value.items()):
        yield f"{',' if number else '{'}\n{inner}{_dumped(key)}: "
        if way and key == way[0] and isinstance(held, list) and held:
            for place, item in enumerate(held):
                yield f"{',' if place else '['}\n{inner}{_STEP}"
                yield from _object(item, depth + 2, way[1:])
            yield f"\n{inner}]"
        elif way and key == way[0] and isinstance(held, dict) and held:
            yield from _object(held, depth + 1, way[1:])
        elif not way and key == "entries" and held:
            # In a string the quotes would be escaped: this is where one entry follows another.
            rows = _dumped(held)[1:-1].replace('},{"path":', f'}},\n{inner}{_STEP}{{"path":')
            yield f"[\n{inner}{_STEP}{rows}\n{inner}]"
        else:
            # No string holds a raw line break, so that every one of them is indentation.
            text = json.dumps(held, ensure_ascii=False, allow_nan=False, indent=2)
            yield text.replace("\n", f"\n{inner}")
    yield f"\n{_STEP * depth}}}" if value else "{}"


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


def _dumped(value: Any) -> str:
    return _encode(value)
