"""The store against SQLite, and PostgreSQL where DRIFT_TEST_POSTGRES gives an empty database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.builds import Build, Failure, FailureKind, Role
from drift.errors import StoreError
from drift.oci import DiffId, Digest, ImageConfig, Platform
from drift.snapshot.model import (
    Entry,
    EntryType,
    Instruction,
    Layer,
    LayerDescriptor,
    Package,
    Packages,
    Snapshot,
)
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from drift.store import manifests, migrate, serial
from drift.store.database import Database
from drift.store.schema import lease, metadata
from drift.store.store import Store

URLS = ["sqlite", *filter(None, [os.environ.get("DRIFT_TEST_POSTGRES")])]
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
NIGHT = date(2026, 11, 23)
ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
DIGEST = Digest.of(b"x")
LAYER = DiffId.of(b"layer")


@pytest.fixture(params=URLS, ids=lambda url: url.partition(":")[0])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/drift.db"
    engine = sa.create_engine(request.param)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {migrate.VERSION_TABLE}")
    engine.dispose()
    return str(request.param)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened


def snapshot(version: str = "1") -> Snapshot:
    config = ImageConfig.parse(b'{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}')
    made = LayerDescriptor(LAYER, 10, instruction=Instruction("0", 2, "RUN x"))
    package = Package("pkg:deb/debian/a", version, files=("/a\udcff",), digests={"/a": "md5:0"})
    return Snapshot(DIGEST, config, (made,), Packages((package,), {"npm": "damaged"}))


def build(run: str, image: str = "web", night: date = NIGHT, ok: bool = True) -> Build:
    base = Base("debian", DIGEST, DIGEST, (LAYER,), 3, roles=("stage:0",))
    inputs = Inputs(RepoSide(DIGEST, DIGEST, {"A": "1"}), (base,), ENGINE)
    failure = None if ok else Failure(FailureKind.STEP, "no", Instruction("0", 1, "RUN"), ("l",))
    return Build(
        f"{run}-{image}", image, run, night, Role.NIGHTLY, "nightly", NOW, 1.5, inputs,
        snapshot() if ok else None, failure,
    )  # fmt: skip


def document(status: str = "drifted", **more: Any) -> dict[str, Any]:
    cause = {"origin": "external", "kind": "package", "subject": "pkg:deb/debian/a"}
    return {"status": status, "origins": ["external"], "flagged": True, "causes": [cause], **more}


def record(
    store: Store, run: str, night: date = NIGHT, names: str = "web", ok: bool = True,
    finish: bool = True,
) -> tuple[str, ...]:  # fmt: skip
    store.begin_run(run, night, NOW, ENGINE)
    for name in names.split():
        made = build(run, name, night, ok)
        store.save_image(run, name, document(run=run), [made], {made.id: "log\udcff"})
    return store.finish_run(run, NOW) if finish else ()


def test_a_build_comes_back_as_it_was_saved(store: Store) -> None:
    record(store, "r1")
    assert store.build("r1-web") == build("r1")
    assert store.log("r1-web") == "log\udcff"
    assert store.registry_digest_seen("debian")
    assert not store.registry_digest_seen("alpine")
    assert build("r1").snapshot == snapshot()
    assert snapshot().config.platform == Platform("linux", "amd64")
    run = store.run()
    assert run is not None
    assert (run.engine, run.images) == (ENGINE, {"web": document(run="r1")})


def test_a_rerun_replaces_its_night_image_by_image(store: Store) -> None:
    record(store, "r1", names="web api")
    assert record(store, "r2", names="web") == ("r1-web",)
    assert {(line.image, line.run) for line in store.history(None, 9)} == {
        ("web", "r2"),
        ("api", "r1"),
    }
    record(store, "r3", names="web api")
    assert [run.id for run in store.runs(9)] == ["r3"]


def test_an_unfinished_run_replaces_nothing_and_is_told(store: Store) -> None:
    record(store, "r1")
    record(store, "r2", finish=False)
    newest = store.run()
    assert newest is not None
    assert newest.id == "r1"
    assert {r.id: r.finished_at is None for r in store.runs(9)} == {"r1": False, "r2": True}
    record(store, "r3")
    assert [run.id for run in store.runs(9)] == ["r3"]


def test_the_baseline_is_the_last_good_earlier_night(store: Store) -> None:
    record(store, "good", NIGHT - timedelta(2))
    record(store, "bad", NIGHT - timedelta(1), ok=False)
    record(store, "tonight")
    found = store.baseline("web", NIGHT)
    assert found is not None
    assert found.run == "good"
    assert store.baseline("web", NIGHT - timedelta(2)) is None


def test_an_accepted_build_outlives_its_night(store: Store) -> None:
    record(store, "r1")
    store.accept("web", "r1-web", NOW, "reviewed")
    assert record(store, "r2") == ()
    store.prune(NIGHT + timedelta(400), 1, 0)
    assert store.baseline_accepted("web") == build("r1")
    with pytest.raises(StoreError, match="no successful build"):
        store.accept("web", "nothing", NOW, "")


def test_retention_keeps_first_nights_and_the_next_baseline(store: Store) -> None:
    store.layers.put(Layer(LAYER, 1, ()))
    store.layers.put(Layer(DiffId.of(b"unused"), 1, ()))
    for days in range(5):
        record(store, f"r{days}", NIGHT + timedelta(days))
    pruned = store.prune(NIGHT + timedelta(100), 30, 0)
    assert (pruned.documents, pruned.builds, pruned.layers) == (3, 4, 1)
    assert [run.id for run in store.runs(9)] == ["r4", "r0"]
    assert store.first_night("web", "external", "package", "pkg:deb/debian/a") == NIGHT
    store.accept("web", "r4-web", NOW, "")
    assert store.first_night("web", "external", "package", "pkg:deb/debian/a") is None
    assert LAYER in store.layers


def test_expired_builds_are_all_but_the_newest(store: Store) -> None:
    for days in range(3):
        record(store, f"r{days}", NIGHT + timedelta(days))
    assert store.expired_builds("web", 1) == ("r1-web", "r0-web")


def test_a_context_is_streamed_back_and_capped(store: Store) -> None:
    content = os.urandom(3 << 20)
    store.keep_context(DIGEST, [content[:7], content[7:]])
    opened = store.open_context(DIGEST)
    assert opened is not None
    assert opened.read() == content
    assert store.prune(NIGHT, 30, 1 << 30).contexts == 0
    assert store.prune(NIGHT, 30, 1 << 20).contexts == 1
    assert store.open_context(DIGEST) is None


def test_a_second_run_is_told_who_holds_the_store(store: Store) -> None:
    with (
        store.exclusive(0, print),
        pytest.raises(StoreError, match=f"process {os.getpid()} on"),
        store.exclusive(0, print),
    ):
        pytest.fail("two runs at once")
    with store.exclusive(0, print):
        pass


def test_a_dead_process_loses_the_lease(store: Store, url: str) -> None:
    dead = (
        "import os, sys; from drift.store.store import Store;"
        "held = Store.open(sys.argv[1]).exclusive(0, print); held.__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", dead, url], check=False)
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(sa.select(lease.c.pid)).scalar_one() != os.getpid()
    database.close()
    with store.exclusive(0, print):
        pass


def test_the_models_and_the_migrations_agree(url: str) -> None:
    Store.open(url).close()
    database = Database(url)
    with database.write() as connection:
        command.check(migrate.configuration(connection))
        command.downgrade(migrate.configuration(connection), "base")
    Store.open(url).close()
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'")
    database.close()
    with pytest.raises(StoreError, match="newer drift"):
        Store.open(url)


def test_a_file_that_is_no_store_says_so(tmp_path: Path) -> None:
    (tmp_path / "drift.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/drift.db")


PATHS = st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
ENTRIES = st.builds(
    Entry,
    PATHS,
    st.sampled_from(EntryType),
    st.integers(0, 0o7777),
    mtime=st.integers(-(2**63), 2**63),
    size=st.integers(0, 2**63),
    digest=st.none() | st.binary().map(Digest.of),
    link=st.none() | PATHS,
    device=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
    xattrs=st.lists(st.tuples(PATHS, st.just("00")), max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(st.lists(ENTRIES, max_size=5).map(tuple), st.dictionaries(PATHS, st.binary(), max_size=3))
def test_manifests_round_trip(entries: tuple[Entry, ...], files: dict[str, bytes]) -> None:
    layer = Layer(LAYER, 7, entries, files, {"/big": "too large"})
    captured = manifests.unpack_captured(manifests.pack_captured(files))
    assert manifests.unpack_manifest(LAYER, manifests.pack_manifest(layer), captured) == layer


def test_layers_are_read_lazily_and_missing_ones_are_key_errors(store: Store) -> None:
    layer = Layer(LAYER, 1, (Entry("/a", EntryType.FILE),), {"/a": b"1"})
    store.layers.put(layer)
    store.layers.put(layer)
    assert store.layers.get(LAYER) == layer
    with pytest.raises(KeyError):
        store.layers.get(DiffId.of(b"other"))


def test_damaged_bytes_are_an_error_not_a_value() -> None:
    with pytest.raises(StoreError, match="damaged"):
        serial.unpack_json(serial.compress(b"{}")[:-4])
