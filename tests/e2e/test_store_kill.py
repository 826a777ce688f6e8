"""kill -9 at random moments of a process that writes runs: the store stays whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from drift.store.database import Database
from drift.store.store import Store
from support import store_writer
from support.store_samples import DATABASES, NIGHT, build, document, empty_database


@pytest.fixture(params=DATABASES, ids=lambda database: database.partition(":")[0])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, tmp_path)


@pytest.fixture
def moments() -> random.Random:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    return random.Random(seed)


def write_until_killed(url: str, until: str, seconds: float) -> None:
    """Start a writer, and kill it so long after it has said ``until``."""
    path = os.pathsep.join(sys.path)  # the writer imports what this process does
    writer = subprocess.Popen(
        [sys.executable, store_writer.__file__, url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert writer.stdout is not None
    for said in writer.stdout:
        if said == f"{until}\n":
            break
    else:
        pytest.fail("the next run could not begin")
    time.sleep(seconds)
    writer.kill()
    writer.wait()
    writer.stdout.close()


def test_a_store_survives_kill_at_random_moments(url: str, moments: random.Random) -> None:
    cut_short = 0
    for round_ in range(20):
        write_until_killed(url, "writes", moments.uniform(0, 0.15))
        with Store.open(url) as store:
            cut_short += any(run.finished_at is None for run in store.runs(9))
            assert_whole(store)
            with store.exclusive(0, print):
                store_writer.write_run(store, f"next-{round_}")
            assert_whole(store)
            assert [run.id for run in store.runs(9)] == [f"next-{round_}"]
            assert store.baseline("web", NIGHT) is None
        assert_sound(url)
    assert cut_short >= 5, "the kills missed the writes"


def test_a_store_survives_kill_while_it_is_made(tmp_path: Path, moments: random.Random) -> None:
    for round_ in range(6):
        url = empty_database("sqlite", tmp_path / str(round_))
        write_until_killed(url, "starts", moments.uniform(0, 0.3))
        with Store.open(url) as store, store.exclusive(0, print):
            store_writer.write_run(store, "next")
            assert_whole(store)
        assert_sound(url)


def assert_whole(store: Store) -> None:
    """All that is visible can be read, and is what was written; all that is finished is there."""
    for summary in store.runs(1000):
        run = store.run(summary.id)
        assert run is not None
        for name, kept in run.images.items():
            assert kept == document(run=run.id)
            made = store.build(f"{run.id}-{name}")
            assert made == build(run.id, name)
            assert made.snapshot is not None
            for layer in made.snapshot.layers:
                assert store.layers.get(layer.diff_id).entries == store_writer.ENTRIES
                assert store.layers.get(layer.diff_id).captured == {"/a": b"1" * 9999}
            assert store.log(made.id) == f"log of {run.id}"
            context = store.open_context(store_writer.context_of(run.id, name))
            assert context is not None
            assert context.read() == run.id.encode() * 9999
        if run.finished_at is not None:
            assert set(run.images) == set(store_writer.NAMES)


def assert_sound(url: str) -> None:
    """The database itself finds nothing broken, and nothing is left of what was cut short."""
    database = Database(url)
    with database.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
            assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        for orphans in (
            "builds WHERE run NOT IN (SELECT id FROM runs)",
            "context_chunks WHERE blob NOT IN (SELECT blob FROM contexts)",
            "layers WHERE diff_id NOT IN (SELECT diff_id FROM build_layers)",
            "packages WHERE digest NOT IN (SELECT packages FROM builds)",
            "lease",
        ):
            query = sa.text(f"SELECT count(*) FROM {orphans}")
            assert connection.execute(query).scalar_one() == 0, orphans
    database.close()
