"""kill -9 at random moments of a process that writes runs: the store stays whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from drift.store.store import Store

WRITER = """
import sys, uuid
from datetime import UTC, date, datetime
from drift.builds import Build, Failure, FailureKind, Role
from drift.store.store import Store
night, now = date(2026, 11, 23), datetime.now(UTC)
with Store.open(sys.argv[1]) as store, store.exclusive(0, print):
    print("ready", flush=True)
    while True:
        run = uuid.uuid4().hex
        store.begin_run(run, night, now, None)
        for name in ("web", "api"):
            failure = Failure(FailureKind.STEP, "x" * 100_000)
            build = Build(f"{run}-{name}", name, run, night, Role.NIGHTLY, "", now, 1.0,
                          failure=failure)
            store.save_image(run, name, {"status": "broken", "run": run}, [build],
                             {build.id: "log of " + run})
        store.finish_run(run, now)
"""


def test_a_store_survives_kill_at_random_moments(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    url = f"sqlite:///{tmp_path}/drift.db"
    for _ in range(20):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", "the next run could not begin"
        time.sleep(moments.uniform(0, 0.2))
        writer.kill()
        writer.wait()
        writer.stdout.close()
        _assert_whole(url)


def _assert_whole(url: str) -> None:
    with Store.open(url) as store:
        for summary in store.runs(1000):
            run = store.run(summary.id)
            assert run is not None
            for name, document in run.images.items():
                assert document == {"status": "broken", "run": run.id}
                build = store.build(f"{run.id}-{name}")
                assert build is not None
                assert build.failure is not None
                assert store.log(build.id) == f"log of {run.id}"
            if run.finished_at is not None:
                assert set(run.images) == {"web", "api"}


def test_the_run_after_a_kill_replaces_what_was_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/drift.db"
    with Store.open(url) as store, store.exclusive(0, print):
        for run in ("killed", "next"):
            store.begin_run(run, date(2026, 11, 23), datetime.now(UTC), None)
            store.save_image(run, "web", {"status": "first"}, [], {})
        store.finish_run("next", datetime.now(UTC))
        assert [run.id for run in store.runs(9)] == ["next"]
