"""Several runs and processes on one store: one at a time, politely, and no harm from the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from drift.errors import StoreError
from drift.store import lease, migrate
from drift.store.database import Database
from drift.store.schema import lease as lease_table
from drift.store.store import Store
from support.store_samples import ENGINE, LAYER, MANIFEST, NIGHT, NOW, record

OPENS = """
import sys
from drift.oci import DiffId
from drift.snapshot.model import Entry, EntryType, Layer
from drift.store.store import Store
print("ready", flush=True)
sys.stdin.readline()
with Store.open(sys.argv[1]) as store:
    for n in range(8):
        store.layers.put(Layer(DiffId.of(b"%d" % n), n, (Entry("/a", EntryType.FILE),)))
        store.keep_context(DiffId.of(b"c%d" % n), [b"%d" % n])
"""

HOLDS = """
import os, sys
from drift.store.store import Store
held = Store.open(sys.argv[1]).exclusive(0, print)
held.__enter__()
print("held", flush=True)
sys.stdin.readline()
os._exit(9)
"""


@contextmanager
def process(program: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has printed its first line."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=pipe, stdout=pipe, text=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() in ("ready\n", "held\n")
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def row(url: str, **values: object) -> Iterator[None]:
    """The lease's row changed behind the holder's back."""
    database = Database(url)
    with database.write() as connection:
        connection.execute(lease_table.update().values(**values))
    yield
    database.close()


def test_starters_at_the_same_moment_make_one_store(url: str) -> None:
    with process(OPENS, url) as first, process(OPENS, url) as second, process(OPENS, url) as third:
        for starter in (first, second, third):
            assert starter.stdin is not None
            starter.stdin.write("go\n")
            starter.stdin.flush()
        assert [starter.wait(60) for starter in (first, second, third)] == [0, 0, 0]
    database = Database(url)
    with database.read() as connection:
        for table, count in (("layers", 8), ("contexts", 8), ("context_chunks", 8)):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert rows == count
        versions = connection.exec_driver_sql(f"SELECT * FROM {migrate.VERSION_TABLE}").all()
        assert len(versions) == 1
    database.close()


def test_threads_may_put_the_same_layers(store: Store) -> None:
    with store.exclusive(0, print), ThreadPoolExecutor(8) as pool:
        for result in [pool.submit(store.layers.put, MANIFEST) for _ in range(40)]:
            result.result()
    assert store.layers.get(LAYER) == MANIFEST


def test_a_second_run_is_told_who_holds_the_store(store: Store) -> None:
    told: list[str] = []
    with (
        store.exclusive(0, print),
        pytest.raises(StoreError, match=f"process {os.getpid()} on"),
        store.exclusive(0.1, told.append),
    ):
        pytest.fail("two runs at once")
    assert len(told) == 1
    assert f"process {os.getpid()} on" in told[0]
    with store.exclusive(0, print):
        pass


def test_a_second_run_waits_until_the_first_has_ended(store: Store) -> None:
    told: list[str] = []
    held, ended = threading.Event(), threading.Event()

    def first() -> None:
        with store.exclusive(0, print):
            held.set()
            ended.wait(30)

    with ThreadPoolExecutor() as pool:
        run = pool.submit(first)
        assert held.wait(30)
        threading.Timer(0.3, ended.set).start()
        with store.exclusive(30, told.append):
            assert ended.is_set()
        run.result()
    assert len(told) == 1


@pytest.mark.usefixtures("heeded_signals")
def test_ctrl_c_ends_the_waiting_and_leaves_the_lease_to_its_holder(store: Store) -> None:
    with store.exclusive(0, print):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), store.exclusive(60, print):
            pytest.fail("two runs at once")
        assert time.monotonic() - began < 30
        record(store, "still-ours")


def test_a_run_that_raises_gives_the_lease_back(store: Store) -> None:
    for error in (KeyboardInterrupt, StoreError("disk full"), SystemExit):
        with pytest.raises((KeyboardInterrupt, StoreError, SystemExit)), store.exclusive(0, print):
            raise error
    with store.exclusive(0, print):
        pass


def test_a_dead_process_loses_the_lease(store: Store, url: str) -> None:
    with process(HOLDS, url) as holder:
        with pytest.raises(StoreError, match=f"process {holder.pid} on"):
            store.exclusive(0, print).__enter__()
        holder.kill()
        # Not waited for yet: a zombie, as where PID 1 of a container does not reap.
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        with store.exclusive(0, print):
            pass


def test_a_process_that_cannot_be_looked_at_counts_as_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = lease.process_start(os.getpid())
    assert lease.is_alive(os.getpid(), own)
    assert not lease.is_alive(os.getpid(), "another start")
    monkeypatch.setattr(lease, "_stat", lambda _pid: [])
    assert lease.is_alive(os.getpid(), own)


@pytest.mark.parametrize(("age", "free"), [(50, False), (70, True)])
def test_another_host_s_lease_expires(store: Store, url: str, age: int, free: bool) -> None:
    beat = datetime.now(UTC) - timedelta(seconds=age)
    with process(HOLDS, url), row(url, machine="elsewhere", host="far", heartbeat=beat):
        if free:
            with store.exclusive(0, print):
                pass
        else:
            with pytest.raises(StoreError, match="on far"), store.exclusive(0, print):
                pytest.fail("two runs at once")


@contextmanager
def taken_over(url: str) -> Iterator[None]:
    """Another host's run takes the store over, as if this process had been stopped."""
    old, heir = datetime.now(UTC) - lease.EXPIRY - timedelta(seconds=5), Database(url)
    with row(url, machine="elsewhere", heartbeat=old), lease.exclusive(heir, 0, print):
        yield
    heir.close()


WRITES: list[Callable[[Store], object]] = [
    lambda store: store.begin_run("r2", NIGHT, NOW, ENGINE),
    lambda store: store.save_image("r1", "web", {"status": "first"}, [], {}),
    lambda store: store.finish_run("r1", NOW),
    lambda store: store.layers.put(MANIFEST),
    lambda store: store.keep_context(LAYER, [b"x"]),
    lambda store: store.prune(NIGHT, 1, 0),
]


def test_a_run_that_was_taken_over_asleep_can_write_nothing(store: Store, url: str) -> None:
    with ExitStack() as heir:
        with store.exclusive(0, print):
            store.begin_run("r1", NIGHT, NOW, ENGINE)
            heir.enter_context(taken_over(url))
            for write in WRITES:
                with pytest.raises(StoreError, match="another one has taken the store over"):
                    write(store)
            assert [run.finished_at for run in store.runs(9)] == [None]
        with pytest.raises(StoreError, match="another run holds"), store.exclusive(0, print):
            pytest.fail("the sleeper took the lease of its heir away")


def test_the_lease_is_renewed_while_nothing_is_written(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    database, old = Database(url), datetime(2026, 1, 1, tzinfo=UTC)
    with store.exclusive(0, print), row(url, heartbeat=old):
        deadline = time.monotonic() + 30
        beat = old
        while beat == old and time.monotonic() < deadline:
            time.sleep(0.05)
            with database.read() as connection:
                beat = connection.execute(sa.select(lease_table.c.heartbeat)).scalar_one()
    database.close()
    assert beat > old


def test_connections_made_at_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    def connect(url: str, barrier: threading.Barrier) -> None:
        database = Database(url)
        barrier.wait(30)
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (n INTEGER)")
        database.close()

    with ThreadPoolExecutor(6) as pool:
        for round_ in range(60):
            url, barrier = f"sqlite:///{tmp_path}/{round_}.db", threading.Barrier(6)
            for connected in [pool.submit(connect, url, barrier) for _ in range(6)]:
                connected.result()
