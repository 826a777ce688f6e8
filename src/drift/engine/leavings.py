"""What builds and pulls leave in the engine beside their images, taken away again.

Everything here works on explicit ids, and asks the engine about each before it removes it:
what has a name, is used, or is gone already stays as it is. A failure is reported, not
raised: leavings cost disk, a run that stops over them costs the night.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import docker.errors

from drift.engine import images
from drift.engine.connection import Connection
from drift.errors import EngineError

_BUSY_TIMEOUT = 120.0
_ALL_NAMES = ("RepoTags", "RepoDigests")
_HAS_CHILDREN = "has dependent child images"  # dockerd; podman leaves the children whole
_CACHE_ID = re.compile(r"[a-z0-9]{16,64}")  # the engine's filter takes it as a pattern


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What was removed, and, by id, why the rest was kept. What was gone is in neither."""

    removed: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """One record of BuildKit's cache."""

    id: str
    description: str
    created_at: datetime | None
    in_use: bool
    last_used_at: datetime | None = None
    size: int = 0
    shared: bool = False  # an image holds the same layer
    parents: tuple[str, ...] = ()


def remove_nameless_images(
    connection: Connection, image_ids: Iterable[str], since: datetime
) -> Cleanup:
    """Remove a build's stage and intermediate images: nameless ones, made after ``since``.

    The ids may come from a build's own output: what has a name, is older, or has another
    image standing on it is none of a build's leavings, and is in neither list. Never forced,
    and no parents go along: only the ids that are given.
    """

    def remove(image_id: str) -> bool:
        found = images.document(connection, image_id)
        made_at = moment(found.get("Created")) if found else None
        if found is None or made_at is None or made_at < since or _name_of(found, _ALL_NAMES):
            return False
        try:
            connection.client.remove_image(image_id, noprune=True)
        except docker.errors.APIError as error:
            if _HAS_CHILDREN in str(error.explanation):
                return False
            raise
        return True

    return _passes(connection, image_ids, remove, again_where_not=True)


def remove_superseded_bases(connection: Connection, image_ids: Iterable[str]) -> Cleanup:
    """Remove images that drift itself pulled, once no tag names them any more.

    What has a name, or is used by another image or a container, is none of drift's leavings,
    and is in neither list.
    """

    def remove(image_id: str) -> bool:
        found = images.document(connection, image_id)
        if found is None or _name_of(found, ("RepoTags",)):
            return False
        try:
            connection.client.remove_image(image_id, noprune=True)
        except docker.errors.APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    return _passes(connection, image_ids, remove, again_where_not=True)


def _name_of(found: Mapping[str, Any], fields: Iterable[str]) -> str | None:
    return next((name for kind in fields for name in images.names_of(found, kind)), None)


def cache_records(connection: Connection) -> Mapping[str, CacheRecord]:
    """BuildKit's cache as it stands; empty where the engine has none.

    Raises:
        EngineError: the engine does not answer.
    """
    with connection.failures("listing the build cache"):
        records = disk_usage(connection, "build-cache").get("BuildCache") or ()
        return {str(record["ID"]): _cache_record(record) for record in records}


def disk_usage(connection: Connection, kind: str) -> Mapping[str, Any]:
    """``/system/df``, of one kind where the engine can; it does one at a time, and refuses
    while another is running."""
    deadline = time.monotonic() + _BUSY_TIMEOUT
    while True:
        response = connection.client.get(
            connection.url("/system/df"), params={"type": kind}, timeout=600
        )
        busy = response.status_code == 500 and "already running" in response.text
        if not busy or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    connection.check(response)
    usage: Mapping[str, Any] = response.json()
    return usage


def _cache_record(record: Mapping[str, Any]) -> CacheRecord:
    return CacheRecord(
        id=str(record["ID"]),
        description=str(record.get("Description") or ""),
        created_at=moment(record.get("CreatedAt")),
        in_use=bool(record.get("InUse")),
        last_used_at=moment(record.get("LastUsedAt")),
        size=int(record.get("Size") or 0),
        shared=bool(record.get("Shared")),
        # One parent before API 1.42, which has many.
        parents=tuple(filter(None, record.get("Parents") or [record.get("Parent")])),
    )


def moment(text: object) -> datetime | None:
    """A time as engines write it, None where it is none or of no time zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def own_cache(
    before: Collection[str],
    after: Mapping[str, CacheRecord],
    windows: Collection[tuple[datetime, datetime]],
    steps: Collection[str],
) -> tuple[str, ...]:
    """The ids of the records that drift's own builds made, as far as it can be told.

    ``before`` are the ids that existed before the run; ``windows`` the (start, end) of
    drift's builds, by the engine's clock; ``steps`` the names of their steps, and their RUN
    instructions where a name does not give the command as it was run. A record is taken
    for ours only where it is new, unused, and was created inside a window; a command's record
    only where the command is one of ours. Records that name no command (copies, contexts)
    look alike for everyone: they are left where some new command is not ours, as someone else
    then built meanwhile.
    """
    commands = [" ".join(_command_of(step).split()) for step in steps]
    new = [record for key, record in after.items() if key not in before]
    within = [record for record in new if _in_windows(record, windows)]
    ours = {record.id for record in within if _is_command(record) and _runs(record, commands)}
    strangers = any(_is_command(record) and record.id not in ours for record in within)
    if not strangers:
        ours |= {record.id for record in within if not _is_command(record)}
    return tuple(sorted(record.id for record in within if record.id in ours and not record.in_use))


def _command_of(step: str) -> str:
    """The command of a step's name: ``[2/3] RUN --mount=… make`` gives ``make``."""
    found = re.search(r"\bRUN\s+(?:--\S+\s+)*(.+)", step, re.DOTALL)
    return found[1] if found else ""


def _is_command(record: CacheRecord) -> bool:
    return " from exec " in record.description or " RUN " in record.description


def _runs(record: CacheRecord, commands: Iterable[str]) -> bool:
    description = " ".join(record.description.split())
    return any(command and command in description for command in commands)


def _in_windows(record: CacheRecord, windows: Iterable[tuple[datetime, datetime]]) -> bool:
    created = record.created_at
    return created is not None and any(start <= created <= end for start, end in windows)


def prune_cache(connection: Connection, record_ids: Iterable[str]) -> Cleanup:
    """Remove cache records by id, unless they are in use.

    The engine's filter takes one id a request, and a record only goes after its children.
    """

    def remove(record_id: str) -> bool:
        if not _CACHE_ID.fullmatch(record_id):
            raise EngineError("not a cache record's id")
        filters = f'{{"id":["{record_id}"]}}'
        response = connection.client.post(
            connection.url("/build/prune"), params={"all": "1", "filters": filters}, timeout=600
        )
        connection.check(response)
        return record_id in (response.json().get("CachesDeleted") or ())

    wanted = set(record_ids)
    done = _passes(connection, wanted, remove, again_where_not=True)
    left = wanted - set(done.removed) - set(done.kept)
    return Cleanup(done.removed, {**done.kept, **dict.fromkeys(left, "in use, or gone already")})


def _passes(
    connection: Connection,
    ids: Iterable[str],
    remove: Callable[[str], bool],
    *,
    again_where_not: bool = False,
) -> Cleanup:
    """Try all ids, then again those that something still stood on, while any goes."""
    removed: list[str] = []
    waiting = sorted(set(ids))
    kept: dict[str, str] = {}
    progress = True
    while waiting and progress:
        kept, later, progress = {}, [], False
        for one in waiting:
            try:
                with connection.failures(f"removing {one}"):
                    gone = _gone_is_fine(remove, one)
            except EngineError as error:
                kept[one] = error.message
                later.append(one)
                continue
            if gone:
                removed.append(one)
                progress = True
            elif again_where_not:
                later.append(one)
        waiting = later
    return Cleanup(tuple(removed), kept)


def _gone_is_fine(remove: Callable[[str], bool], one: str) -> bool:
    try:
        return remove(one)
    except docker.errors.NotFound:
        return False
