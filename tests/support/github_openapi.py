"""GitHub's OpenAPI description, cut down to what drift asks: ``github-openapi.json``.

::

    npm pack @octokit/openapi@23.0.2
    python tests/support/github_openapi.py octokit-openapi-23.0.2.tgz

The package (MIT License, © 2020 Octokit contributors) holds the description that GitHub
publishes. Kept are the operations below: their parameters, the whole schema of their request's
body, the statuses of their answers, and of an answer's schema the fields that drift reads.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
_PROSE = ("description", "example", "examples", "title", "externalDocs", "nullable")
_NAMES_TOO = ("description", "title")  # where they name a property
FILE = Path(__file__).with_name("github-openapi.json")
MEMBER = "package/generated/api.github.com.json"
REPO = "/repos/{owner}/{repo}"
ISSUE: Schema = {"number": {}, "state": {}, "title": {}, "body": {}, "pull_request": {}}
USER: Schema = {"user": {"login": {}}}
COMMENT: Schema = {"id": {}, "body": {}, **USER}
ARTIFACT: Schema = {"id": {}, "name": {}, "size_in_bytes": {}, "expired": {}}
HEAD: Schema = {"sha": {}, "repo": {"id": {}}}

#: Each operation with the fields that are read of its answer.
OPERATIONS: dict[tuple[str, str], Schema] = {
    ("get", "/user"): {"login": {}},
    ("get", f"{REPO}/issues"): {**ISSUE, **USER},
    ("post", f"{REPO}/issues"): {"number": {}},
    ("patch", f"{REPO}/issues/{{issue_number}}"): {"number": {}},
    ("get", f"{REPO}/issues/{{issue_number}}/comments"): COMMENT,
    ("post", f"{REPO}/issues/{{issue_number}}/comments"): {"id": {}},
    ("patch", f"{REPO}/issues/comments/{{comment_id}}"): {"id": {}},
    ("get", f"{REPO}/labels/{{name}}"): {"name": {}},
    ("post", f"{REPO}/labels"): {"name": {}},
    ("get", f"{REPO}/pulls"): {"number": {}, "head": HEAD},
    ("get", f"{REPO}/actions/runs/{{run_id}}/artifacts"): {"artifacts": ARTIFACT},
    ("get", f"{REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}"): {},
}


def main(package: Path) -> None:
    with tarfile.open(package) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        whole = json.load(member)
    kept = {
        "source": f"@octokit/openapi {whole['info']['version']}: api.github.com.json",
        "license": "MIT License, Copyright (c) 2020 Octokit contributors",
        "operations": [
            {
                "method": method.upper(),
                "path": path,
                **_operation(whole, whole["paths"][path][method], fields),
            }
            for (method, path), fields in OPERATIONS.items()
        ],
    }
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def _operation(whole: Schema, operation: Schema, fields: Schema) -> Schema:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    statuses = operation["responses"]
    success = next(status for status in statuses if status in ("200", "201", "302"))
    answer = _inlined(whole, _reference(whole, statuses[success]))
    content = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return {
        "parameters": [
            {
                key: parameter[key]
                for key in ("name", "in", "schema", "required")
                if key in parameter
            }
            for parameter in _inlined(whole, operation.get("parameters", []))
        ],
        "request": _inlined(whole, body.get("schema")),
        "statuses": sorted(statuses),
        "answer": _cut(content, fields),
    }


def _reference(whole: Schema, node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        place: Any = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        node = place
    return node


def _inlined(whole: Schema, node: Any, depth: int = 0) -> Any:
    """Without references and prose; OpenAPI's ``nullable`` as JSON Schema has it."""
    node = _reference(whole, node)
    if depth > 12:
        return {}
    if isinstance(node, list):
        return [_inlined(whole, item, depth + 1) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _inlined(whole, value, depth + 1)
        for key, value in node.items()
        if key not in _PROSE or (isinstance(value, dict) and key in _NAMES_TOO)
    }
    if node.get("nullable") is True:
        kept = {"anyOf": [kept, {"type": "null"}]}
    return kept


def _cut(schema: Schema, fields: Schema) -> Schema:
    """The schema of some fields alone; one that GitHub does not document is a mistake."""
    if schema.get("type") == "array":
        return {"type": "array", "items": _cut(schema["items"], fields)}
    if "anyOf" in schema or "oneOf" in schema or "allOf" in schema:
        choices = schema.get("anyOf") or schema.get("oneOf") or schema["allOf"]
        known = [c for c in choices if c == {"type": "null"} or fields.keys() <= _names(c)]
        assert known, fields
        return {"anyOf": [c if c == {"type": "null"} else _cut(c, fields) for c in known]}
    if not fields:
        return schema if schema.get("type") not in ("object",) else {"type": "object"}
    properties = {name: _cut(schema["properties"][name], inner) for name, inner in fields.items()}
    required = [name for name in schema.get("required", []) if name in fields]
    return {"type": "object", "properties": properties, "required": required}


def _names(schema: Schema) -> set[str]:
    return set(schema.get("properties", {}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
