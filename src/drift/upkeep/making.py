"""The request that makes a container's next one. No effects.

What goes over is decided by :mod:`drift.upkeep.subtraction`; here it is put into the form in
which an engine takes it: several things that an inspect document shows are refused on creation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from drift.upkeep.endpoints import attached, linked, successor
from drift.upkeep.mounting import Mounting
from drift.upkeep.subtraction import Carried

_NOTHING: Mapping[str, str] = MappingProxyType({})
_COMPOSE_IMAGE = "com.docker.compose.image"
_JOINED = "container:"
_MODES = ("NetworkMode", "IpcMode", "PidMode", "Cgroup")


@dataclass(frozen=True, slots=True)
class Creation:
    """``body`` is that of ``POST /containers/create``, with at most one endpoint; ``networks``
    the EndpointConfig of each further network, by its id, for ``POST /networks/ID/connect``."""

    body: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, Any]]


def creation(
    document: Mapping[str, Any],
    carried: Carried,
    mounting: Mounting,
    reference: str,
    image_id: str,
    *,
    label: Mapping[str, str],
    replaced: Mapping[str, str] = _NOTHING,
) -> Creation:
    """The next container of the one whose inspect document is given, on ``reference``.

    ``label`` is added to its labels. ``replaced`` says which new container, by id, takes the
    place of which old one, by id and by name: what this one joins or links to. Its restart
    policy is ``no``: it is set when the new one is known to work.
    """
    host = _host(carried.host, mounting, replaced)
    networks = attached(document, replaced)
    host["NetworkMode"] = _joined(networks.mode, replaced)
    body = _config(carried.config, host)
    labels = {**(body.get("Labels") or {}), **label}
    if _COMPOSE_IMAGE in labels:
        labels[_COMPOSE_IMAGE] = image_id
    body |= {"Image": reference, "Labels": labels, "HostConfig": host}
    if networks.first:
        body["NetworkingConfig"] = {"EndpointsConfig": dict(networks.first)}
    return Creation(body, networks.further)


def _host(
    carried: Mapping[str, Any], mounting: Mounting, replaced: Mapping[str, str]
) -> dict[str, Any]:
    host = {name: value for name, value in carried.items() if value is not None}
    host |= {name: _joined(str(host[name]), replaced) for name in _MODES if host.get(name)}
    if host.get("Links"):
        host["Links"] = [linked(str(link), replaced) for link in host["Links"]]
    host["Binds"] = list(mounting.binds)
    host["Mounts"] = [dict(mount) for mount in mounting.mounts]
    host["RestartPolicy"] = {"Name": "no"}
    return host


def _joined(mode: str, replaced: Mapping[str, str]) -> str:
    if not mode.startswith(_JOINED):
        return mode
    return _JOINED + successor(mode.removeprefix(_JOINED), replaced)


def shared_fields(host: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that a namespace shared with another brings, and which an engine refuses."""
    if str(host.get("NetworkMode")).startswith(_JOINED):
        return ("Hostname", "Domainname", "ExposedPorts", "MacAddress")
    return ("Hostname",) if host.get("UTSMode") == "host" else ()


def _config(carried: Mapping[str, Any], host: Mapping[str, Any]) -> dict[str, Any]:
    shared = shared_fields(host)
    return {
        name: value for name, value in carried.items() if name not in shared and value is not None
    }
