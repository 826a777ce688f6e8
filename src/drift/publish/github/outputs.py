"""What a workflow's step gives to the ones after it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from drift.attribute.model import Status

OK = "ok"
FLAGGED = "flagged"
UNKNOWN = "unknown"
ERROR = "error"


def outputs(document: Mapping[str, Any] | None) -> dict[str, str]:
    """``status``, and ``flagged`` and ``publish`` as JSON lists of image names.

    Without a document the check could not be done: nothing is to be published.
    """
    images = document["images"] if document else []
    return {
        "status": _status(document),
        "flagged": _names(images, "flagged"),
        "publish": _names(images, "publish"),
    }


def _status(document: Mapping[str, Any] | None) -> str:
    if document is None:
        return ERROR
    if any(image["flagged"] for image in document["images"]):
        return FLAGGED
    unknown = any(image["status"] == Status.UNKNOWN for image in document["images"])
    return UNKNOWN if unknown else OK


def _names(images: list[dict[str, Any]], key: str) -> str:
    return json.dumps([image["name"] for image in images if image[key]])


def as_file(values: Mapping[str, str]) -> str:
    """The values as GITHUB_OUTPUT takes them, whatever they hold."""
    end = f"drift-{secrets.token_hex(16)}"
    return "".join(f"{key}<<{end}\n{value}\n{end}\n" for key, value in values.items())
