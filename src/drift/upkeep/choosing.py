"""Which containers ``drift upgrade`` may take, and which it takes only by name. No effects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from drift.config.model import Config
from drift.upkeep.model import Container
from drift.upkeep.reading import names

LABEL = "drift.upgrade"
_SOCKETS = ("docker.sock", "podman.sock")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line allows: names of containers, and ``--accept-…``, ``--keep`` and
    ``--hold``."""

    named: Collection[str] = ()
    keep: Collection[str] = ()
    accept_risk: bool = False
    accept_volumes: bool = False
    allow_major: bool = False
    hold: bool = False


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


def is_here(container: Container, here: str) -> bool:
    """Whether drift itself runs in a container; ``here`` is this process's host name, which in
    a container is its id."""
    return len(here) >= 12 and container.id.startswith(here)


def never_unnamed(container: Container, config: Config, domains: Collection[str]) -> str:
    """Why a container is only ever upgraded by name; empty where it may be by glob or label.

    ``domains`` are the registries of what runs.
    """
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
