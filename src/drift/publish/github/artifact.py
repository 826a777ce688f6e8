"""The reports that a pull request's workflow left: written by a stranger, and read as such.

Each of its jobs that checked a fleet left one, in an artifact that is named by the fleet's key.
They come from jobs that ran the pull request's own code, so that nothing of them is believed but
that each is a report to be shown: its size is bounded before and while it is read, one member of
it is read and none extracted, it has to fit the published schema, and what it says is shown as
untrusted text like any image's.
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

NAME = "-pull-request"  # what follows the key
MEMBER = "drift.json"
PACKED = 8 << 20  # bytes of the artifact
WHOLE = 48 << 20  # bytes of the report
MOST = 20  # artifacts of one run
_IMAGES = 1000


def reports_of(client: Client, run: int) -> dict[str, dict[str, Any]]:
    """The reports among a workflow run's artifacts, by their fleets' keys; it may have left none.

    Raises:
        PublishError: one is not what it should be, or there are more than 20.
    """
    found = _artifacts(client, run)
    if len(found) > MOST:
        raise PublishError(f"run {run} left more than {MOST} reports")
    return {
        key: parsed(client.download(f"actions/artifacts/{number}/zip", PACKED))
        for key, number in sorted(found.items())
    }


def _artifacts(client: Client, run: int) -> dict[str, int]:
    """The newest artifact of each key; a run that is tried again leaves another."""
    listed = client.get(f"actions/runs/{run}/artifacts", per_page="100")
    try:
        found: dict[str, int] = {}
        for one in sorted(listed["artifacts"], key=lambda one: int(one["id"])):
            name = str(one["name"])
            if not name.endswith(NAME) or one["expired"]:
                continue
            if int(one["size_in_bytes"]) > PACKED:
                raise PublishError(f"an artifact of run {run} is larger than {PACKED} bytes")
            found[name.removesuffix(NAME)] = int(one["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise PublishError("GitHub's list of artifacts is not what it documents") from error
    return found


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
