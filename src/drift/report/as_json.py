"""The JSON format: drift.json itself."""

from __future__ import annotations

import json
from typing import Any

from drift.report.escape import visible_json


def render(document: dict[str, Any], *, compact: bool = False) -> str:
    """The document as JSON text in the order it was built, with a newline at the end.

    Text that is not ASCII stays as it is; characters that could steer a terminal are
    written as ``\\uXXXX``, which changes nothing for a JSON reader.
    """
    layout: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, **layout)
    return visible_json(text) + "\n"
