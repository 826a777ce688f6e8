"""What the store promises, on SQLite, and on PostgreSQL where DRIFT_TEST_POSTGRES names one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from alembic import command

from drift.errors import StoreError
from drift.oci import DiffId, Platform
from drift.snapshot.model import Layer
from drift.store import migrate, serial
from drift.store.database import Database
from drift.store.store import Store
from support.store_samples import (
    DIGEST,
    ENGINE,
    LAYER,
    MANIFEST,
    NIGHT,
    NOW,
    build,
    document,
    record,
    snapshot,
)


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


def test_layers_are_read_lazily_and_missing_ones_are_key_errors(store: Store) -> None:
    store.layers.put(MANIFEST)
    store.layers.put(MANIFEST)
    assert store.layers.get(LAYER) == MANIFEST
    with pytest.raises(KeyError):
        store.layers.get(DiffId.of(b"other"))


def test_a_rerun_after_retention_has_the_same_baseline(store: Store) -> None:
    record(store, "old", NIGHT - timedelta(50))
    record(store, "tonight")
    store.prune(NIGHT, 1, 0)
    found = store.baseline("web", NIGHT)
    assert found == build("old", night=NIGHT - timedelta(50))
    record(store, "again")
    store.prune(NIGHT, 1, 0)
    assert store.baseline("web", NIGHT) == found


def test_a_night_in_the_past_forgets_nothing_of_later_nights(store: Store) -> None:
    for days in (0, 40, 41):
        record(store, f"r{days}", NIGHT + timedelta(days))
    store.layers.put(MANIFEST)
    pruned = store.prune(NIGHT + timedelta(1), 1, 0)
    assert (pruned.runs, pruned.documents, pruned.builds, pruned.layers) == (0, 0, 0, 0)
    assert store.baseline("web", NIGHT + timedelta(2)) == build("r0")
    assert [run.id for run in store.runs(9)] == ["r41", "r40", "r0"]


def test_any_number_of_nights_can_be_kept(store: Store) -> None:
    record(store, "r1", NIGHT)
    assert store.prune(NIGHT, 10**12, 0).documents == 0
    assert store.prune(NIGHT, 0, 0).documents == 0


def test_a_context_too_large_to_keep_does_not_push_out_the_others(store: Store) -> None:
    store.keep_context(DIGEST, [b"small"])
    store.keep_context(LAYER, [os.urandom(2 << 20)])
    assert store.prune(NIGHT, 30, 1 << 20).contexts == 1
    assert store.touch_context(DIGEST)
    assert not store.touch_context(LAYER)


def test_a_context_that_cannot_be_read_to_its_end_is_not_kept(store: Store) -> None:
    def breaks() -> Iterator[bytes]:
        yield os.urandom(3 << 20)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        store.keep_context(DIGEST, breaks())
    assert store.open_context(DIGEST) is None
    store.keep_context(DIGEST, [b"whole"])
    opened = store.open_context(DIGEST)
    assert opened is not None
    assert opened.read() == b"whole"


def test_an_empty_context_is_a_context(store: Store) -> None:
    store.keep_context(DIGEST, [])
    opened = store.open_context(DIGEST)
    assert opened is not None
    assert opened.read() == b""


def test_names_that_databases_refuse_come_back_as_they_were(store: Store) -> None:
    store.begin_run("r1", NIGHT, NOW, ENGINE)
    subjects = ["a\0b", "a\udcffb", "a\\u0000b", "\\", "ä\U0001f600"]
    causes = [{"origin": None, "kind": "file", "subject": subject} for subject in subjects]
    store.save_image("r1", "web", document(causes=causes), [], {})
    store.finish_run("r1", NOW)
    for subject in subjects:
        assert store.first_night("web", None, "file", subject) == NIGHT
    assert store.first_night("web", None, "file", "a") is None


def test_the_same_document_gives_the_same_bytes(store: Store) -> None:
    given = document(run="r1", text="\udcff\0ä", deep={"b": [1, {"a": None}], "a": 0.1})
    store.begin_run("r1", NIGHT, NOW, ENGINE)
    store.save_image("r1", "web", given, [], {})
    store.finish_run("r1", NOW)
    first, second = store.run("r1"), store.run()
    assert first is not None
    assert second is not None
    assert json.dumps(first.images["web"]) == json.dumps(second.images["web"]) == json.dumps(given)


def test_a_document_of_100_000_paths_is_kept_small(store: Store) -> None:
    entry = {"change": "modified", "fields": ["content"], "layer": 2, "cause": "c1"}
    sides = {"before": {"type": "file", "digest": DIGEST}, "after": {"type": "file", "size": 1}}
    files = [{"path": f"/srv/{n % 977}/{n}", **entry, **sides} for n in range(100_000)]
    store.begin_run("r1", NIGHT, NOW, ENGINE)
    store.save_image("r1", "web", document(files={"entries": files}), [], {})
    store.finish_run("r1", NOW)
    run = store.run("r1")
    assert run is not None
    assert run.images["web"]["files"]["entries"] == files
    assert len(serial.pack_json(files)) < 2_000_000
