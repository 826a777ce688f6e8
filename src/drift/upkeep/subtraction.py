"""What the owner set, told from what the old image brought, field by field. No effects.

An engine keeps one document of both. A value that equals the old image's counts as inherited:
whether its owner wrote it out again cannot be told. Each such field that the new image would
change is named, so that it can be kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from posixpath import normpath
from typing import Any

from drift.upkeep.marks import UPGRADING
from drift.upkeep.settings import CONFIG, HOST, Fate

Settings = Mapping[str, Any]
_MISSING = object()
_RESET = [""]  # how an engine is told that there is no entrypoint
_MAPS = ("Labels", "ExposedPorts", "Volumes", "Healthcheck")


@dataclass(frozen=True, slots=True)
class Moved:
    """An inherited field that the new image changes: ``Env.MODE``, ``Cmd``. Values of
    variables are shown only where both come from images, as these do."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Carried:
    """The configuration that a new container is made with, beside its image, and what its
    image changes of what was inherited."""

    config: Settings
    host: Settings
    moved: tuple[Moved, ...]


def carried_over(
    container: Mapping[str, Any], old: Settings, new: Settings, keep: Collection[str] = ()
) -> Carried:
    """The settings of a container's next one.

    ``container`` is its inspect document; ``old`` and ``new`` the ``Config`` of the image that
    it was made from and of the next. ``keep`` names inherited fields that stay as they are.
    """
    config = _as_asked(container.get("Config") or {})
    kept: dict[str, Any] = {}
    moved: list[Moved] = []
    for name, field in CONFIG.items():
        value = config.get(name)
        if field.fate is Fate.CARRIED and value is not None:
            kept[name] = value
        elif field.fate is Fate.INHERITED:
            own, changes = _inherited(name, value, old.get(name), new.get(name), keep)
            moved += changes
            if own is not _MISSING:
                kept[name] = own
    _resolve_command(kept, config, old, moved)
    if str(kept.get("Hostname") or "") == str(container.get("Id") or "")[:12]:
        kept.pop("Hostname", None)
    host = container.get("HostConfig") or {}
    carried = {
        name: host[name] for name, f in HOST.items() if f.fate is Fate.CARRIED and name in host
    }
    return Carried(kept, carried, tuple(moved))


def _as_asked(config: Settings) -> Settings:
    """Without what an upgrade or the engine put there."""
    # A word of an upgrade's own, on the container that it made: never the next one's.
    labels = {k: v for k, v in (config.get("Labels") or {}).items() if k != UPGRADING}
    return {**config, "Labels": labels}


def _inherited(
    name: str, value: Any, old: Any, new: Any, keep: Collection[str]
) -> tuple[Any, list[Moved]]:
    if name == "Env":
        return _variables(value or [], old or [], new or [], keep)
    if name in _MAPS:
        return _map(name, value or {}, old or {}, new or {}, keep)
    if name == "WorkingDir":  # the engine cleans the container's
        old, new = (normpath(path) if path else path for path in (old, new))
    if (value or None) != (old or None):
        cleared = _RESET if name == "Entrypoint" else _MISSING
        return (cleared if value is None else value), []
    if (old or None) == (new or None):
        return _MISSING, []
    if name in keep:
        return value, []
    return _MISSING, [Moved(name, old, new)]


def _variables(
    value: Collection[str], old: Collection[str], new: Collection[str], keep: Collection[str]
) -> tuple[Any, list[Moved]]:
    mine, before, after = (_parsed(lines) for lines in (value, old, new))
    own, moved = _map("Env", mine, before, after, keep)
    lines = (
        [] if own is _MISSING else [name if v is None else f"{name}={v}" for name, v in own.items()]
    )
    # A variable of the old image that the owner took out stays out.
    lines += [name for name in after if name in before and name not in mine]
    return (lines or _MISSING), moved


def _parsed(lines: Collection[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        found[name] = value if equals else None
    return found


def _map(
    name: str,
    value: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    keep: Collection[str],
) -> tuple[Any, list[Moved]]:
    own: dict[str, Any] = {}
    moved = []
    for key, held in value.items():
        if key not in old or old[key] != held:
            own[key] = held
        elif new.get(key, _MISSING) != held:
            if f"{name}.{key}" in keep:
                own[key] = held
            else:
                moved.append(Moved(f"{name}.{key}", held, new.get(key)))
    return (own or _MISSING), moved


def _resolve_command(
    kept: dict[str, Any], config: Settings, old: Settings, moved: list[Moved]
) -> None:
    """The engine takes an image's Cmd only where no Entrypoint is given: with one that was (or
    that was reset), the container's Cmd is its owner's, and where it has none although its image
    had, one was."""
    if not config.get("Cmd") and old.get("Cmd") and config.get("Entrypoint"):
        kept["Entrypoint"] = config["Entrypoint"]
        kept.pop("Cmd", None)
        moved[:] = [one for one in moved if one.field != "Entrypoint"]
    if kept.get("Entrypoint") and config.get("Cmd"):
        kept["Cmd"] = config["Cmd"]
        moved[:] = [one for one in moved if one.field != "Cmd"]
