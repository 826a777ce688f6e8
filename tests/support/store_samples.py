"""Sample builds and documents for a store, and the databases that stores are tested on."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from drift.builds import Build, Failure, FailureKind, Role
from drift.oci import DiffId, Digest, ImageConfig
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
from drift.store import migrate
from drift.store.schema import metadata
from drift.store.store import Store

DATABASES = ["sqlite", *filter(None, [os.environ.get("DRIFT_TEST_POSTGRES")])]
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
NIGHT = date(2026, 11, 23)
ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
DIGEST = Digest.of(b"x")
LAYER = DiffId.of(b"layer")
MANIFEST = Layer(LAYER, 1, (Entry("/a\udcff", EntryType.FILE, digest=DIGEST),), {"/a": b"1"})


def empty_database(database: str, directory: Path) -> str:
    """The URL of a new SQLite store in the directory, or of a PostgreSQL emptied for one."""
    if database == "sqlite":
        return f"sqlite:///{directory}/new/drift.db"
    engine = sa.create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {migrate.VERSION_TABLE}")
    engine.dispose()
    return database


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
