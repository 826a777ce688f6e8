"""Containers changed: made, connected, started, stopped, renamed, removed; one call each.

Nothing here chooses, and nothing is forced: a container that runs is not removed, and a
volume that a container names stays.

Specification: the engine API's ``ContainerCreate``, ``NetworkConnect``, ``ContainerStart``,
``ContainerStop``, ``ContainerRename``, ``ContainerUpdate``, ``VolumeDelete``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import docker.errors

from drift.engine.connection import Connection
from drift.engine.leavings import moment
from drift.errors import EngineError

_PER_CALL = 120.0  # seconds
_LONGEST_GRACE = 3600.0  # seconds that a container's own stop timeout may be
_GRACE = 10.0  # the engine's, where the container has none


def create(connection: Connection, name: str, body: Mapping[str, Any]) -> str:
    """Make a container, which does not run yet; its id."""
    with connection.failures(f"making the container {name}"):
        url = connection.url("/containers/create")
        response = connection.client.post(url, params={"name": name}, json=body, timeout=_PER_CALL)
        connection.check(response)
        return str(response.json()["Id"])


def connect(
    connection: Connection, container_id: str, network: str, endpoint: Mapping[str, Any]
) -> None:
    """Give a container a further network."""
    with connection.failures(f"connecting a container to the network {network}"):
        url = connection.url(f"/networks/{network}/connect")
        body = {"Container": container_id, "EndpointConfig": endpoint}
        connection.check(connection.client.post(url, json=body, timeout=_PER_CALL))


def start(connection: Connection, container_id: str) -> None:
    """Start a container; one that runs is left so."""
    _act(connection, container_id, "start")


def stop(connection: Connection, container_id: str, grace: int | None) -> None:
    """Stop a container with its own signal and grace; one that does not run is left so.

    ``grace`` are the seconds that its configuration gives it, None for the engine's own; the
    engine kills it after them.
    """
    seconds = _GRACE if grace is None else _LONGEST_GRACE if grace < 0 else float(grace)
    _act(connection, container_id, "stop", min(seconds, _LONGEST_GRACE))


def _act(connection: Connection, container_id: str, action: str, more: float = 0.0) -> None:
    with connection.failures(f"to {action} a container"):
        url = connection.url(f"/containers/{container_id}/{action}")
        connection.check(connection.client.post(url, timeout=_PER_CALL + more))


def rename(connection: Connection, container_id: str, name: str) -> None:
    """Give a container another name.

    Raises:
        EngineError: another container has it.
    """
    with connection.failures(f"naming a container {name}"):
        url = connection.url(f"/containers/{container_id}/rename")
        connection.check(connection.client.post(url, params={"name": name}, timeout=_PER_CALL))


def set_policy(connection: Connection, container_id: str, policy: Mapping[str, Any]) -> None:
    """Set a container's restart policy: ``Name`` and ``MaximumRetryCount``."""
    with connection.failures("setting a container's restart policy"):
        url = connection.url(f"/containers/{container_id}/update")
        body = {"RestartPolicy": {"Name": "no", **policy}}
        connection.check(connection.client.post(url, json=body, timeout=_PER_CALL))


def remove_volume(connection: Connection, name: str) -> bool:
    """Remove a volume; False where it was gone. The engine refuses one that a container names."""
    with connection.failures(f"removing the volume {name}"):
        try:
            connection.client.remove_volume(name)
        except docker.errors.NotFound:
            return False
    return True


def volume_made_at(connection: Connection, name: str) -> datetime | None:
    """When a volume was made, to the second; None where it is gone or the engine has no time."""
    with connection.failures(f"inspecting the volume {name}"):
        try:
            found = connection.client.inspect_volume(name)
        except docker.errors.NotFound:
            return None
    return moment(found.get("CreatedAt"))


def wait_until_back(connection: Connection, seconds: float) -> None:
    """Wait until an engine that went away answers again.

    Raises:
        EngineError: it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with connection.failures("asking whether it is back"):
                url = f"{connection.client.base_url}/_ping"
                connection.check(connection.client.get(url, timeout=5))
        except EngineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
