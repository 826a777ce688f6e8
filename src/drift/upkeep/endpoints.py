"""The networks of a container's next one: the same, with the same settings. No effects.

What the engine made itself is not pinned: addresses that it chose, and the alias that is the
container's short id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drift.upkeep.settings import ENDPOINT, Fate

Endpoint = Mapping[str, Any]
_SHORT = 12  # digits of an id


@dataclass(frozen=True, slots=True)
class Attached:
    """``mode`` is the NetworkMode; ``first`` the EndpointsConfig that an engine takes when a
    container is made (one network: engines before API 1.44 refuse more); ``further`` what is
    connected then, by the network's id."""

    mode: str
    first: Mapping[str, Endpoint]
    further: Mapping[str, Endpoint]


def attached(document: Mapping[str, Any], replaced: Mapping[str, str]) -> Attached:
    """The networks of an inspect document, with links to the containers in ``replaced`` by
    their new ids.

    A container whose networks were all disconnected is made with none: its mode alone would
    connect it again.
    """
    mode = str((document.get("HostConfig") or {}).get("NetworkMode") or "default")
    networks: Mapping[str, Endpoint] = (document.get("NetworkSettings") or {}).get("Networks") or {}
    if mode in ("host", "none") or mode.startswith("container:"):
        return Attached(mode, {}, {})
    if not networks:
        off = (document.get("Config") or {}).get("NetworkDisabled")
        return Attached(mode if off else "none", {}, {})
    own_alias = str(document.get("Id") or "")[:_SHORT]
    first = next((name for name in networks if _is_mode(mode, name, networks[name])), None)
    first = first or min(networks)
    asked = {name: _settings(one or {}, own_alias, replaced) for name, one in networks.items()}
    # By its name: the engine files an endpoint under the key that it is given here.
    beginning = (
        {} if not asked[first] and _is_mode(mode, first, networks[first]) else {first: asked[first]}
    )
    further = {
        str((networks[name] or {}).get("NetworkID") or name): one
        for name, one in asked.items()
        if name != first
    }
    return Attached(mode, beginning, further)


def linked(link: str, replaced: Mapping[str, str]) -> str:
    """A link as it is asked for, ``PARENT:ALIAS``: an inspect document has it as
    ``/PARENT:/CHILD/ALIAS``."""
    parent, _, alias = link.partition(":")
    parent = parent.removeprefix("/")
    return f"{successor(parent, replaced)}:{alias.rpartition('/')[2] or parent}"


def successor(name: str, replaced: Mapping[str, str]) -> str:
    """The id of the container that takes the place of one, named by name or (short) id."""
    if name in replaced:
        return replaced[name]
    if len(name) >= _SHORT:
        return next((new for old, new in replaced.items() if old.startswith(name)), name)
    return name


def _is_mode(mode: str, name: str, endpoint: Endpoint | None) -> bool:
    """Whether a network is the one that a NetworkMode means, by its name or (short) id."""
    if mode == "default":
        return name in ("bridge", "nat")
    return name == mode or str((endpoint or {}).get("NetworkID") or "").startswith(mode)


def _settings(endpoint: Endpoint, own_alias: str, replaced: Mapping[str, str]) -> Endpoint:
    asked = {
        name: endpoint[name]
        for name, field in ENDPOINT.items()
        if field.fate is Fate.CARRIED and endpoint.get(name)
    }
    if "Aliases" in asked:
        asked["Aliases"] = [alias for alias in asked["Aliases"] if alias != own_alias]
    if "Links" in asked:
        asked["Links"] = [linked(str(link), replaced) for link in asked["Links"]]
    return {name: value for name, value in asked.items() if value}
