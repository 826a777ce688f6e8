"""The build endpoint, ``POST /build``: what it is asked, and the messages that it answers.

Specification: the engine API's ``ImageBuild``.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

import docker

from drift.engine.model import BuildRequest

_LARGEST_MESSAGE = 64 * 1024 * 1024
_LARGEST_REFUSAL = 64 * 1024


class RefusalError(Exception):
    """The engine answered the request itself with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def query_of(
    api: docker.APIClient, request: BuildRequest, build_id: str
) -> dict[str, str | tuple[str, ...]]:
    """The parameters that ask for a build."""
    buildkit = request.builder == "buildkit"
    query: dict[str, str | tuple[str, ...] | None] = {
        "version": "2" if buildkit else "1",
        "t": request.tag,
        "dockerfile": request.dockerfile,
        "nocache": None if request.cached else "1",
        "rm": "1",
        "forcerm": "1",
        "buildargs": json.dumps(dict(request.args)) if request.args else None,
        "target": request.target,
        "platform": request.platform,
        "networkmode": request.network,
        "extrahosts": _extra_hosts(api, request.extra_hosts) or None,
        "shmsize": str(request.shm_size) if request.shm_size is not None else None,
        "buildid": build_id if buildkit else None,
    }
    return {name: value for name, value in query.items() if value is not None}


def _extra_hosts(api: docker.APIClient, hosts: tuple[str, ...]) -> str | tuple[str, ...]:
    """dockerd reads one parameter for each host, podman one JSON list of them."""
    if not hosts:
        return ()
    components = api.version().get("Components") or ()
    podman = any("podman" in str(part.get("Name", "")).lower() for part in components)
    return json.dumps(hosts) if podman else hosts


def messages(response: http.client.HTTPResponse) -> Iterator[Mapping[str, Any]]:
    """The JSON messages of a build's stream, one a line.

    Raises:
        RefusalError: the status is not 200.
        ValueError: a line is not a JSON object, or absurdly long.
    """
    if response.status != 200:
        raise RefusalError(response.status, _message_of(response.read(_LARGEST_REFUSAL)))
    while line := response.readline(_LARGEST_MESSAGE):
        if len(line) >= _LARGEST_MESSAGE:
            raise ValueError("a message of the build's stream is too large")
        yield _object(line)


def _object(line: bytes) -> dict[str, Any]:
    message = json.loads(line) if line.strip() else {}
    if isinstance(message, dict):
        return message
    raise ValueError("a message of the build's stream is not a JSON object")


def _message_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
