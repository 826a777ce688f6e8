"""What an upgrade that goes back can undo, and what it needs for that: the plan's part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drift.config.model import Upkeep
from drift.engine import census
from drift.engine.engine import Engine
from drift.errors import Error
from drift.snapshot.model import Snapshot
from drift.snapshot.tree import MergedTree
from drift.upkeep.content import Reader
from drift.upkeep.major import Step, step
from drift.upkeep.model import Container
from drift.upkeep.programs import PATH, Holding, Process, main_command, main_process
from drift.upkeep.room import room, strangers, writable_binds, writable_volumes

NOT_UNDONE = "a rollback does not undo what the new version wrote"


@dataclass(frozen=True, slots=True)
class GoingBack:
    """What the plan says of a rollback, and what of it forbids the upgrade."""

    said: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def going_back(
    engine: Engine,
    members: Sequence[Container],
    everyone: Sequence[Container],
    rules: Upkeep,
    *,
    allow_major: bool,
    major: Step | None,
) -> GoingBack:
    """Of containers that are upgraded together, the one that gets another image first;
    ``major`` is the step of its main program, None where it was not looked at.

    Raises:
        EngineError: the engine does not answer.
    """
    volumes = [mount for one in members for mount in writable_volumes(one)]
    binds = [source for one in members for source in writable_binds(one)]
    said: list[str] = []
    refused: list[str] = []
    if rules.backup:
        if volumes:
            found = room(engine, members)
            refused += [found.refused] if found.refused else []
            said += [] if found.refused else [str(found)]
        refused += [
            f"{other} uses the volume at {path} too: no copy of it would be consistent"
            for path, other in strangers(members, everyone)
        ]
        said += [f"not copied, and not restored: the host's {source}" for source in binds]
    elif volumes or binds:
        said.append(f"its data are not copied: {NOT_UNDONE}")
    open_to_harm = writable_binds(members[0]) or (not rules.backup and writable_volumes(members[0]))
    if major is None or not open_to_harm or major.major is False:
        return GoingBack(tuple(said), tuple(refused))
    if major.major is None or allow_major:
        said.append(str(major))
    else:
        refused.append(f"{major}, and {NOT_UNDONE}: --allow-major")
    return GoingBack(tuple(said), tuple(refused))


def has_data(container: Container) -> bool:
    """Whether a container has anything that outlasts it and that it may write to."""
    return bool(writable_volumes(container) or writable_binds(container))


def major_step(
    engine: Engine,
    reader: Reader,
    container: Container,
    document: Mapping[str, Any],
    will: Mapping[str, Any],
    image_id: str,
) -> Step:
    """What becomes of a running container's main program in another image.

    ``document`` is its inspect document, ``will`` the ``Config`` of the next container as it
    will be. What cannot be read makes it unknown.
    """
    config = document.get("Config") or {}
    try:
        old, new = reader.tree(container.image_id), reader.tree(image_id)
        runs = [main_process(_processes(engine, container)), main_command(_command(config))]
        return step(
            _holding(*old, config), _holding(*new, will), runs, main_command(_command(will))
        )
    except Error as error:
        return Step(None, why=error.message)


def _processes(engine: Engine, container: Container) -> list[Process]:
    return [
        Process(pid, parent, tuple(line.split()))
        for pid, parent, line in census.processes(engine.connection, container.id)
    ]


def _command(config: Mapping[str, Any]) -> list[str]:
    return [str(word) for word in [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]]


def _holding(snapshot: Snapshot, tree: MergedTree, config: Mapping[str, Any]) -> Holding:
    path = next(
        (line[5:] for line in config.get("Env") or () if str(line).startswith("PATH=")), PATH
    )
    directory = str(config.get("WorkingDir") or "/")
    return Holding(tree, tuple(snapshot.packages), path, directory)
