"""The plan of ``drift upgrade``: who would be made anew on a newer image, with what, and why not.

Nothing is changed by a plan. What could lose data is refused here, by name: see docs/upkeep.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from drift.config.model import Config
from drift.engine import census, images
from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.report.words import some
from drift.upkeep.choosing import Wishes, chosen_by, is_here, never_unnamed
from drift.upkeep.going_back import GoingBack, going_back, has_data, major_step
from drift.upkeep.making import shared_fields
from drift.upkeep.marks import SUFFIXES, Way
from drift.upkeep.model import Container
from drift.upkeep.mounting import Mounting, mounting_of
from drift.upkeep.reading import read_containers, read_written, running, standing_on
from drift.upkeep.recovery import image_labels, read_groups
from drift.upkeep.running import Looker, Running, State
from drift.upkeep.settings import unknown_fields
from drift.upkeep.subtraction import Carried, carried_over
from drift.upkeep.written import would_be_lost

_Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Next:
    """What a container is made anew with: its inspect document as it is, and its next image
    under the name by which that is asked for. ``config`` is what it will run with, the image's
    part included."""

    container: Container
    document: _Document
    reference: str
    image_id: str
    carried: Carried
    mounting: Mounting
    config: _Document = field(default_factory=dict)

    @property
    def settings(self) -> tuple[str, ...]:
        """The fields that its owner set, and that go over."""
        others = (*_CLIENTS, *shared_fields(self.document.get("HostConfig") or {}))
        config = self.carried.config.items()
        return tuple(
            sorted(name for name, value in config if value not in _EMPTY and name not in others)
        )


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One container's plan. It would be upgraded where ``refused`` and ``left`` are both empty:
    ``refused`` says what forbids it, ``left`` why there is nothing to do. ``joined`` are those
    that stand on it and are made anew with it. ``back`` is what a rollback could undo."""

    running: Running
    chosen_by: str
    refused: tuple[str, ...] = ()
    left: str = ""
    next: Next | None = None
    joined: tuple[Next, ...] = ()
    back: tuple[str, ...] = ()

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
        by = chosen_by(one, config, wishes, image_labels(engine.connection, one))
        if by is not None:
            chosen[one.id] = by
    held = _held(engine.connection) if any(n.name.endswith(SUFFIXES) for n in everyone) else ()
    planner = _Planner(engine, config, looker, wishes, everyone, chosen, held)
    return [planner.plan(one) for one in running(everyone) if one.id in chosen]


def _held(connection: Connection) -> list[str]:
    kept = [group for group in read_groups(connection) if group.way is Way.HELD]
    pairs = [pair for group in kept for pair in group.pairs]
    return [one.id for pair in pairs for one in (pair.old, pair.backup) if one]


def transactions(found: Sequence[Upgrade]) -> list[list[Next]]:
    """What is upgraded together: a ready container with those that stand on it, and whatever
    shares one of these. Those that others stand on come first."""
    sets: list[dict[str, Next]] = []
    for one in found:
        if not one.ready or one.next is None:
            continue
        mine = {member.container.id: member for member in (one.next, *one.joined)}
        for other in [other for other in sets if other.keys() & mine.keys()]:
            sets.remove(other)
            # Of a container's two next ones that with the newer image counts.
            mine = {key: _newer(mine.get(key), other.get(key)) for key in mine | other}
        sets.append(mine)
    return [_bottom_up(list(one.values())) for one in sets]


def _newer(one: Next | None, other: Next | None) -> Next:
    found = [n for n in (one, other) if n is not None]
    return next((n for n in found if n.image_id != n.container.image_id), found[0])


def _bottom_up(members: list[Next]) -> list[Next]:
    everyone = [one.container for one in members]
    # Each stands on fewer than those that stand on it.
    return sorted(members, key=lambda one: -len(standing_on(one.container, everyone)))


@dataclass(frozen=True, slots=True)
class _Planner:
    engine: Engine
    config: Config
    looker: Looker
    wishes: Wishes
    everyone: Sequence[Container]
    chosen: Mapping[str, str]
    held: Collection[str]  # ids of what earlier upgrades keep, and of their copies of volumes

    def plan(self, container: Container) -> Upgrade:
        plain = Upgrade(self.looker.look(container), self.chosen[container.id])
        shown = _only_shown(container) or self._only_by_name(container)
        if shown:
            return replace(plain, refused=(shown,))
        if plain.running.state is not State.NEWER:
            return replace(plain, left=f"not restarted: {plain.running.said}")
        if plain.running.image_id is None or plain.running.difference is None:
            return replace(plain, refused=("--pull compares its content first",))
        return self._with_next(plain, plain.running.image_id)

    def _only_by_name(self, container: Container) -> str:
        """Why it may not be chosen by glob or label, where it was."""
        if self.chosen[container.id] == "name":
            return ""
        images_named = (one.image for one in self.everyone)
        domains = {image.partition("/")[0] for image in images_named if "/" in image}
        why = never_unnamed(container, self.config, domains)
        return f"{why}: only by its name" if why else ""

    def _with_next(self, plain: Upgrade, image_id: str) -> Upgrade:
        container = plain.running.container
        refused = _risks(plain, self.wishes)
        made, why = self._next(container, plain.running.reference, image_id)
        if made is None:
            return replace(plain, refused=(*refused, *why))
        refused += why
        joined = []
        for other in standing_on(container, self.everyone):
            if other.id not in self.chosen:
                refused.append(f"{other.name} names it and was not chosen: choose both")
                continue
            its, why = self._joining(other)
            refused += [f"{other.name}: {reason}" for reason in why]
            joined += [its] if its else []
        back = self._going_back(made, joined)
        refused += back.refused
        return replace(
            plain, refused=tuple(refused), next=made, joined=tuple(joined), back=back.said
        )

    def _going_back(self, made: Next, joined: Sequence[Next]) -> GoingBack:
        members = [one.container for one in (made, *joined)]
        step = None
        if any(map(has_data, members)):
            step = major_step(
                self.engine,
                self.looker.reader,
                made.container,
                made.document,
                made.config,
                made.image_id,
            )
        return going_back(
            self.engine,
            members,
            self.everyone,
            self.config.upkeep,
            allow_major=self.wishes.allow_major,
            major=step,
        )

    def _joining(self, other: Container) -> tuple[Next | None, list[str]]:
        """A container that stands on another, made anew on the image that it has."""
        shown = _only_shown(other) or self._only_by_name(other)
        if shown:
            return None, [shown]
        named = images.document(self.engine.connection, other.image)
        same = named is not None and str(images.image_id_of(named)) == other.image_id
        return self._next(other, other.image if same else other.image_id, other.image_id)

    def _next(
        self, container: Container, reference: str, image_id: str
    ) -> tuple[Next | None, list[str]]:
        """What it is made anew with, and what forbids it."""
        connection = self.engine.connection
        document = census.container(connection, container.id)
        old = images.document(connection, container.image_id)
        new = images.document(connection, image_id)
        if document is None or new is None:
            return None, ["it or the new image is gone"]
        if old is None:
            return None, [
                "the old image is gone: what its owner set cannot be told from what it brought"
            ]
        was, will = (one.get("Config") or {} for one in (old, new))
        carried = carried_over(document, was, will, self.wishes.keep)
        mounting = mounting_of(container, document.get("HostConfig") or {})
        refused = _volumes(was, will, self.wishes)
        refused += [f"the field {name} is not known" for name in unknown_fields(document)]
        discard = self.config.upkeep.discard
        lost = would_be_lost(read_written(connection, container, discard))
        refused += [f"{lost} ([upkeep] discard names what may go)"] if lost else []
        refused += self._names_taken(container)
        if self.wishes.hold and container.of_compose:
            refused.append(_TWO_OF_COMPOSE)
        config = {**will, **carried.config}
        if carried.config.get("Entrypoint") and "Cmd" not in carried.config:
            config["Cmd"] = None  # an image's is not taken with another entry point
        config["Env"] = [*(carried.config.get("Env") or ()), *(will.get("Env") or ())]
        made = Next(container, document, reference, image_id, carried, mounting, config)
        return made, refused

    def _names_taken(self, container: Container) -> list[str]:
        needed = {container.name + suffix for suffix in SUFFIXES}
        return [
            f"the container {other.name} is not drift's, and in the way"
            for other in self.everyone
            if other.name in needed and other.id not in self.held
        ]


def _only_shown(container: Container) -> str:
    if is_here(container, socket.gethostname()):
        return "drift itself runs in it, and could not go on once it is stopped"
    if container.auto_remove:
        return "it removes itself when it stops, with its anonymous volumes: never touched"
    if container.of_swarm:
        return "a swarm task: swarm upgrades it"
    if container.state != "running":
        return f"it is {container.state}"
    return ""


def _risks(plain: Upgrade, wishes: Wishes) -> list[str]:
    difference = plain.running.difference
    unexplained = difference.unexplained if difference else ()
    named = plain.chosen_by == "name"
    if not unexplained or (named and wishes.accept_risk):
        return []
    mend = "--accept-risk takes it" if named else "only by its name, with --accept-risk"
    return [f"unexplained ({some(unexplained, 3)}): {mend}"]


_TWO_OF_COMPOSE = (  # `start` and `restart` start both, `up` takes one of them away
    "it is a compose project's, and compose would start the held one beside it: not with --hold"
)
_CLIENTS = ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce")  # what made it set these
_EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})


def _volumes(before: _Document, after: _Document, wishes: Wishes) -> list[str]:
    paths = [set(one.get("Volumes") or {}) for one in (before, after)]
    if paths[0] == paths[1] or wishes.accept_volumes:
        return []
    told = [", ".join(sorted(some)) or "none" for some in paths]
    return [f"the images' VOLUME paths differ ({told[0]} → {told[1]}): --accept-volumes"]
