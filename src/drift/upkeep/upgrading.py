"""The plan of ``drift upgrade``: who would be made anew on a newer image, with what, and why not.

Nothing is changed by a plan. What could lose data is refused here, by name: see docs/upkeep.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from drift.config.model import Config
from drift.engine import census, images
from drift.engine.engine import Engine
from drift.upkeep.model import Container
from drift.upkeep.mounting import Mounting, mounting_of
from drift.upkeep.reading import names, naming, read_containers, read_written, running
from drift.upkeep.running import Looker, Running, State
from drift.upkeep.settings import unknown_fields
from drift.upkeep.subtraction import Moved, carried_over
from drift.upkeep.written import would_be_lost

LABEL = "drift.upgrade"
_SOCKETS = ("docker.sock", "podman.sock")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line allows: names of containers, and ``--accept-…`` and ``--keep``."""

    named: Collection[str] = ()
    keep: Collection[str] = ()
    accept_risk: bool = False
    accept_volumes: bool = False


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One container's plan. It would be upgraded where ``refused`` and ``left`` are both empty:
    ``refused`` says what forbids it, ``left`` why there is nothing to do."""

    running: Running
    chosen_by: str
    refused: tuple[str, ...] = ()
    left: str = ""
    moved: tuple[Moved, ...] = ()
    settings: tuple[str, ...] = ()
    mounting: Mounting | None = None
    dependents: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.refused and not self.left


def plan_upgrades(engine: Engine, config: Config, looker: Looker, wishes: Wishes) -> list[Upgrade]:
    """The plan for every container that is chosen, by name.

    Raises:
        Error: the engine or the store fails.
    """
    everyone = read_containers(engine.connection)
    chosen = {}
    for one in running(everyone):
        by = chosen_by(one, config, wishes, _image_labels(engine, one))
        if by is not None:
            chosen[one.id] = by
    return [
        _planned(engine, config, looker.look(one), chosen, everyone, wishes)
        for one in running(everyone)
        if one.id in chosen
    ]


def chosen_by(
    container: Container, config: Config, wishes: Wishes, image_labels: Mapping[str, str]
) -> str | None:
    """How a container was chosen: ``name``, ``glob`` or ``label``; None where it was not.

    A label that the image carries counts for nothing: an image must not choose itself.
    """
    if any(names(container, name) for name in wishes.named):
        return "name"
    if wishes.named:
        return None
    if any(fnmatchcase(container.name, glob) for glob in config.upkeep.upgrade):
        return "glob"
    own = container.labels.get(LABEL) == "true" and LABEL not in image_labels
    return "label" if own else None


def never_unnamed(container: Container, config: Config, here: str, domains: Collection[str]) -> str:
    """Why a container is only ever upgraded by name; empty where it may be by glob or label.

    ``here`` is this process's host name, which in a container is its id; ``domains`` are the
    registries of what runs.
    """
    if len(here) >= 12 and container.id.startswith(here):
        return "drift itself runs in it"
    if any(mount.source.endswith(_SOCKETS) for mount in container.mounts):
        return "it may be drift's way to the engine"
    store = config.store.url.partition("@")[2] or config.store.url.partition("://")[2]
    if store.partition("/")[0].partition(":")[0] == container.name:
        return "drift's store is in it"
    if (
        container.name in {domain.partition(":")[0] for domain in domains}
        or "registry" in (container.image.rpartition("/")[2].partition(":")[0].partition("@")[0])
    ):
        return "it may be the registry in use"
    return ""


def _image_labels(engine: Engine, container: Container) -> Mapping[str, str]:
    document = images.document(engine.connection, container.image_id)
    if document is None:
        return {LABEL: "unknown"}  # it cannot be ruled out that the image carries it
    return (document.get("Config") or {}).get("Labels") or {}


def _planned(
    engine: Engine,
    config: Config,
    one: Running,
    chosen: Mapping[str, str],
    everyone: Sequence[Container],
    wishes: Wishes,
) -> Upgrade:
    container = one.container
    by = chosen[container.id]
    plain = Upgrade(one, by)
    shown = _only_shown(container)
    if shown:
        return replace(plain, refused=(shown,))
    if one.state is not State.NEWER:
        return replace(plain, left=f"not restarted: {one.said}")
    if one.image_id is None or one.difference is None:
        return replace(plain, refused=("its content was not looked at: use --pull",))
    if by != "name":
        domains = {other.image.partition("/")[0] for other in everyone if "/" in other.image}
        why = never_unnamed(container, config, socket.gethostname(), domains)
        if why:
            return replace(plain, refused=(f"{why}: only by its name",))
    refused = _risks(one, by, wishes)
    document = census.container(engine.connection, container.id)
    old = images.document(engine.connection, container.image_id)
    new = images.document(engine.connection, one.image_id)
    if document is None or new is None:
        return replace(plain, refused=("it or the new image is gone",))
    if old is None:
        gone = "the old image is gone: what its owner set cannot be told from what it brought"
        return replace(plain, refused=(*refused, gone))
    plain = _with_settings(plain, document, old, new, wishes)
    dependents = naming(container, everyone)
    refused += _volumes(old, new, wishes)
    refused += [f"the field {name} is not known" for name in unknown_fields(document)]
    refused += [
        f"{other.name} names it and was not chosen"
        for other in dependents
        if other.id not in chosen
    ]
    lost = would_be_lost(read_written(engine.connection, container, config.upkeep.discard))
    refused += [lost] if lost else []
    return replace(
        plain, refused=tuple(refused), dependents=tuple(other.name for other in dependents)
    )


def _only_shown(container: Container) -> str:
    if container.auto_remove:
        return "it removes itself when it stops, with its anonymous volumes: never touched"
    if container.of_swarm:
        return "a swarm task: swarm upgrades it"
    return ""


def _risks(one: Running, by: str, wishes: Wishes) -> list[str]:
    unexplained = one.difference.unexplained if one.difference else ()
    if not unexplained or (by == "name" and wishes.accept_risk):
        return []
    return [f"{', '.join(unexplained[:3])}: only by its name, with --accept-risk"]


def _with_settings(
    plain: Upgrade,
    document: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    wishes: Wishes,
) -> Upgrade:
    carried = carried_over(document, old.get("Config") or {}, new.get("Config") or {}, wishes.keep)
    mounting = mounting_of(plain.running.container, document.get("HostConfig") or {})
    own = tuple(sorted(name for name, value in carried.config.items() if value not in _EMPTY))
    return replace(plain, moved=carried.moved, settings=own, mounting=mounting)


_EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})


def _volumes(old: Mapping[str, Any], new: Mapping[str, Any], wishes: Wishes) -> list[str]:
    before, after = (set((one.get("Config") or {}).get("Volumes") or {}) for one in (old, new))
    if before == after or wishes.accept_volumes:
        return []
    told = [", ".join(sorted(paths)) or "none" for paths in (before, after)]
    return [f"the images' VOLUME paths differ ({told[0]} → {told[1]}): --accept-volumes"]
