"""One run at a time: a row in the database that says who runs, and since when.

The holder's thread renews the row every ten seconds, by the database's clock, and so does
each of its writes, in the same transaction. The lease is taken over from a holder that is
dead: on the same machine, when no process has its pid and start time; elsewhere, when it has
not renewed for a minute. A killed holder needs no care; one that was only asleep (a suspended
machine) can write nothing once another has taken over.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from drift.errors import StoreError
from drift.store.database import ConflictError, Database
from drift.store.schema import lease

RENEWAL = 10.0
EXPIRY = timedelta(seconds=60)
_POLL = 0.5
_NAME = "run"
_ENDED = ("Z", "X")  # a killed process that nobody has waited for is a zombie, not a run
_START = 19  # where _stat has field 22


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease. ``machine`` tells hosts and pid namespaces apart."""

    token: str
    machine: str
    host: str
    pid: int
    process_started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Holder:
    """A new holder for the calling process."""
    pid = os.getpid()
    return Holder(uuid.uuid4().hex, _machine(), socket.gethostname(), pid, process_start(pid))


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        processes = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return platform.node()
    return hashlib.sha256(f"{platform.node()} {boot} {processes}".encode()).hexdigest()[:32]


def process_start(pid: int) -> str:
    """When a living process started (proc(5), stat field 22), ``""`` where it can't be told."""
    fields = _stat(pid)
    return fields[_START] if fields else ""


def is_alive(pid: int, started: str) -> bool:
    """Whether the process still runs, and is the one that started then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    fields = _stat(pid)
    if not fields:  # hidden from us (hidepid), or there is no /proc
        return True
    return fields[0] not in _ENDED and fields[_START] == started


def _stat(pid: int) -> list[str]:
    """A process's stat fields from the third (its state) on; none where they can't be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return []


@contextmanager
def exclusive(database: Database, wait: float, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the store's lease; released on exit, and worthless once this process is dead.

    Another holder is waited for up to ``wait`` seconds; ``on_wait`` is told once who it is.
    Where the lease was lost meanwhile, every write to the database raises StoreError.

    Raises:
        StoreError: another run still held the store when the time was up.
    """
    me = this_process()
    _acquire(database, me, wait, on_wait)
    try:
        with database.guarded(partial(_beat, me)), _renewed(database):
            yield
    finally:
        with suppress(StoreError), database.write() as connection:  # the run's own error says more
            connection.execute(lease.delete().where(lease.c.token == me.token))


def _acquire(database: Database, me: Holder, wait: float, on_wait: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait
    told = ""
    while holder := _try(database, me):
        if time.monotonic() >= deadline:
            raise StoreError(
                f"another run holds the store: {holder}",
                hint="wait until it has ended; a run that was killed gives it free by itself",
            )
        if holder != told:
            on_wait(holder)
            told = holder
        time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))


def _try(database: Database, me: Holder) -> str | None:
    """Take the lease: None, or who holds it and since when."""
    try:
        with database.write() as connection:
            return _take(connection, me)
    except ConflictError:  # two found it free at once
        return "a run that has just begun"


def _take(connection: sa.Connection, me: Holder) -> str | None:
    now = _clock(connection)
    row = connection.execute(sa.select(lease).where(lease.c.name == _NAME)).first()
    mine = {
        "token": me.token,
        "machine": me.machine,
        "host": me.host,
        "pid": me.pid,
        "process_started": me.process_started,
        "since": now,
        "heartbeat": now,
    }
    if row is None:
        connection.execute(lease.insert().values(name=_NAME, **mine))
        return None
    if _holds(row, me, now):
        return f"process {row.pid} on {row.host}, since {row.since:%Y-%m-%d %H:%M:%S} UTC"
    as_seen = (lease.c.token == row.token, lease.c.heartbeat == row.heartbeat)
    taken = connection.execute(lease.update().where(*as_seen).values(mine))
    return None if taken.rowcount else "a run that has just begun"


def _holds(row: sa.Row[tuple[object, ...]], me: Holder, now: datetime) -> bool:
    if row.machine == me.machine:
        return is_alive(row.pid, row.process_started)
    return bool(now - row.heartbeat < EXPIRY)


@contextmanager
def _renewed(database: Database) -> Iterator[None]:
    """Renew the guarded database's lease, by a thread, for as long as the context lasts."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(RENEWAL):
            with suppress(StoreError), database.write():  # the run's own writes say what is wrong
                pass

    heart = threading.Thread(target=beat, name="lease", daemon=True)
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()


def _beat(me: Holder, connection: sa.Connection) -> None:
    """Renew the lease. Raises StoreError where it is no longer ours."""
    mine = lease.update().where(lease.c.token == me.token)
    if not connection.execute(mine.values(heartbeat=_clock(connection))).rowcount:
        raise StoreError(
            "this run was asleep for so long that another one has taken the store over",
            hint="run drift again when the other has ended; what was saved before is whole",
        )


def _clock(connection: sa.Connection) -> datetime:
    """The database's time: the clocks of two hosts may differ."""
    now = connection.execute(sa.select(sa.cast(sa.func.current_timestamp(), sa.Text))).scalar_one()
    moment = datetime.fromisoformat(now)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
