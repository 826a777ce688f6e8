"""The report that a pull request's workflow left: written by a stranger, and read as such.

The artifact comes from a job that ran the pull request's own code, so that nothing of it is
believed but that it is a report to be shown: its size is bounded before and while it is read,
one member of it is read and none extracted, it has to fit the published schema, and what it
says is shown as untrusted text like any image's.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

import jsonschema

from drift.errors import PublishError
from drift.publish.github.client import Client
from drift.report.schema import report_schema

NAME = "drift-pull-request"
MEMBER = "drift.json"
PACKED = 8 << 20  # bytes of the artifact
WHOLE = 48 << 20  # bytes of the report
_IMAGES = 1000


def report_of(client: Client, run: int) -> dict[str, Any] | None:
    """The report among a workflow run's artifacts; None where it left none.

    Raises:
        PublishError: it is not what it should be.
    """
    number = _artifact(client, run)
    if number is None:
        return None
    return parsed(client.download(f"actions/artifacts/{number}/zip", PACKED))


def _artifact(client: Client, run: int) -> int | None:
    """The newest artifact of the name; a run that is tried again leaves another."""
    listed = client.get(f"actions/runs/{run}/artifacts", name=NAME, per_page="100")
    try:
        found = [one for one in listed["artifacts"] if one["name"] == NAME and not one["expired"]]
        newest = max(found, key=lambda one: int(one["id"]), default=None)
        if newest is None:
            return None
        if int(newest["size_in_bytes"]) > PACKED:
            raise PublishError(f"the artifact of run {run} is larger than {PACKED} bytes")
        return int(newest["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise PublishError("GitHub's list of artifacts is not what it documents") from error


def parsed(archive: bytes) -> dict[str, Any]:
    """The report in a ZIP archive.

    Raises:
        PublishError: it is not one report that fits the schema and the sizes.
    """
    document = _shown(_json(_member(archive)))
    validator = jsonschema.Draft202012Validator(report_schema())
    wrong = next(validator.iter_errors(document), None)
    if wrong is not None:
        place = "/".join(map(str, wrong.absolute_path))[:80]
        raise PublishError(f"the artifact is no report of drift: {place!a} is wrong")
    return dict(document)


def _shown(document: Any) -> Any:
    """The report without its paths, which no comment shows: most of its size, to be checked."""
    images = document.get("images") if isinstance(document, dict) else None
    if not isinstance(images, list):
        return document
    if len(images) > _IMAGES:
        raise PublishError(f"the artifact holds more than {_IMAGES} images")
    for image in images:
        files = image.get("files") if isinstance(image, dict) else None
        if isinstance(files, dict):
            files["entries"] = []
    return document


def _member(archive: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(MEMBER) as file:
            content = file.read(WHOLE + 1)
    except (KeyError, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise PublishError(f"the artifact has no readable {MEMBER}") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise PublishError("the artifact is no ZIP archive") from error
    if len(content) > WHOLE:
        raise PublishError(f"the report in the artifact is larger than {WHOLE} bytes")
    return content


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise PublishError("the report in the artifact is not JSON") from error


def _refused(constant: str) -> Any:
    raise ValueError(constant)
