"""The JSON Schema (draft 2020-12) of drift.toml, for editors and for error messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]


def config_schema() -> dict[str, Any]:
    """The schema, with a description and the default of each key; a fresh one at each call."""
    from drift.config.document import Document

    generated: dict[str, Any] = _without_null(Document.model_json_schema(mode="validation"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "drift.toml",
        **{key: value for key, value in generated.items() if key != "title"},
    }


def _without_null(node: Any) -> Any:
    """TOML has no null: a key that may be left out is described by what it holds if given."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _without_null(value) for key, value in node.items() if value is not None}
    choices = [choice for choice in plain.pop("anyOf", []) if choice != {"type": "null"}]
    return {**choices[0], **plain} if len(choices) == 1 else plain


def at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of the schema that describes a path of the document; empty where none does."""
    node = _resolved(schema, schema)
    for part in path:
        key = "items" if isinstance(part, int) else "properties"
        inner = node.get(key, {})
        if isinstance(part, str):
            inner = inner.get(part, node.get("additionalProperties") or {})
        node = _resolved(schema, inner if isinstance(inner, Mapping) else {})
    return node


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    target: Mapping[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}
