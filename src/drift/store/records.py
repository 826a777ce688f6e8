"""Writing runs: one transaction for each image, and the replacement of a night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from drift.builds import Build
from drift.errors import StoreError
from drift.oci import DiffId, Digest
from drift.snapshot.model import Packages
from drift.source.model import EngineIdentity
from drift.store import serial
from drift.store.schema import (
    accepted,
    build_bases,
    build_layers,
    build_stages,
    builds,
    causes,
    events,
    images,
    nights,
    packages,
    runs,
)
from drift.store.sightings import merged, sightings_of

Connection = sa.Connection


def begin_run(
    connection: Connection,
    run: str,
    night: date,
    started_at: datetime,
    engine: EngineIdentity | None,
) -> None:
    """Record that a run has begun."""
    body = None if engine is None else serial.pack(engine)
    row = {"id": run, "night": night, "started_at": started_at, "engine": body}
    connection.execute(runs.insert(), row)


def finish_run(connection: Connection, run: str, finished_at: datetime) -> tuple[str, ...]:
    """End a run: its images replace those of the night's earlier runs. The ids of lost builds."""
    own = connection.execute(sa.select(runs).where(runs.c.id == run)).first()
    if own is None:
        raise StoreError(f"there is no run {run} in the store", hint="see `drift history`")
    of_the_night = sa.select(runs.c.id).where(runs.c.night == own.night, runs.c.id != run)
    others = set(connection.execute(of_the_night).scalars())
    names = set(connection.execute(sa.select(images.c.image).where(images.c.run == run)).scalars())
    replaced = _delete_images(connection, others, names)
    connection.execute(runs.update().where(runs.c.id == run).values(finished_at=finished_at))
    connection.execute(events.update().where(events.c.run == run).values(night=own.night))
    _note_night(connection, run, own.night)
    delete_empty_runs(connection, runs.c.id.in_(others))
    return replaced


def _note_night(connection: Connection, run: str, night: date) -> None:
    """Note in the calendar what a run said of each of its images."""
    said = ("status", "origins", "flagged")
    built = sa.select(images.c.image).where(images.c.run == run)
    connection.execute(nights.delete().where(nights.c.night == night, nights.c.image.in_(built)))
    here = sa.select(
        sa.literal(night, sa.Date), images.c.image, images.c.run, *(images.c[name] for name in said)
    ).where(images.c.run == run)
    connection.execute(nights.insert().from_select(["night", "image", "run", *said], here))


def _delete_images(connection: Connection, others: set[str], names: set[str]) -> tuple[str, ...]:
    for table in (images, events):
        which = (table.c.run.in_(others), table.c.image.in_(names))
        connection.execute(table.delete().where(*which))
    lost = sa.select(builds.c.id).where(
        builds.c.run.in_(others),
        builds.c.image.in_(names),
        builds.c.id.not_in(sa.select(accepted.c.build)),
    )
    ids = tuple(sorted(connection.execute(lost).scalars()))
    delete_builds(connection, ids)
    return ids


def delete_builds(connection: Connection, ids: Sequence[str]) -> None:
    """Remove builds; some hundreds at a time, databases limit a statement's parameters."""
    for start in range(0, len(ids), 500):
        connection.execute(builds.delete().where(builds.c.id.in_(ids[start : start + 500])))


def delete_empty_runs(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    """Remove those of the runs that hold no image any more; how many."""
    full = sa.select(images.c.run)
    return connection.execute(runs.delete().where(which, runs.c.id.not_in(full))).rowcount


def save_image(
    connection: Connection,
    run: str,
    name: str,
    document: Mapping[str, Any],
    made: Sequence[Build],
    logs: Mapping[str, str],
    flapped: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write all of one image; saved again in the same run, the new takes the old one's place."""
    for table in (images, events, builds):
        connection.execute(table.delete().where(table.c.run == run, table.c.image == name))
    _insert_image(connection, run, name, document, flapped)
    insert_events(connection, run, name, document)
    for build in made:
        _insert_build(connection, build, logs.get(build.id))


def _insert_image(
    connection: Connection,
    run: str,
    name: str,
    document: Mapping[str, Any],
    flapped: Mapping[str, Sequence[str]] | None,
) -> None:
    last = sa.select(sa.func.max(images.c.position)).where(images.c.run == run)
    position = connection.execute(last).scalar_one()
    row = {
        "run": run,
        "image": name,
        "position": 0 if position is None else position + 1,
        "status": document["status"],
        "origins": ",".join(origin or "" for origin in document.get("origins") or ()),
        "flagged": bool(document.get("flagged")),
        "document": serial.pack_json(document),
        "flapped": None if flapped is None else serial.pack_json(flapped),
    }
    connection.execute(images.insert(), row)
    known = {(c["origin"], c["kind"], c["subject"]) for c in document.get("causes") or ()}
    for origin, kind, subject in sorted(known, key=str):
        connection.execute(
            causes.insert(),
            {"run": run, "image": name, "origin": origin, "kind": kind, "subject": subject},
        )


def insert_events(
    connection: Connection,
    run: str,
    name: str,
    document: Mapping[str, Any],
    night: date | None = None,
) -> None:
    """Write what an image saw happen; ``night`` is set where the run has finished."""
    about = {"run": run, "image": name, "night": night, "status": document["status"]}
    about["flagged"] = bool(document.get("flagged"))
    for sighting in merged(sightings_of(name, document)):
        connection.execute(events.insert(), {**about, **sighting._asdict()})


def _insert_build(connection: Connection, build: Build, log: str | None) -> None:
    lean, installed, of_stages = _without_packages(connection, build)
    row = {
        "id": build.id,
        "run": build.run,
        "image": build.image,
        "night": build.night,
        "role": build.role.value,
        "ok": build.ok,
        "started_at": build.started_at,
        "packages": installed,
        "body": serial.pack(lean),
        "log": None if log is None else serial.compress(log.encode("utf-8", "surrogatepass")),
    }
    connection.execute(builds.insert(), row)
    for position, diff_id in enumerate(_layers(build)):
        row = {"build": build.id, "position": position, "diff_id": diff_id}
        connection.execute(build_layers.insert(), row)
    for position, digest in enumerate(of_stages):
        row = {"build": build.id, "position": position, "packages": digest}
        connection.execute(build_stages.insert(), row)
    for position, base in enumerate(build.inputs.bases if build.inputs else ()):
        row = {"build": build.id, "position": position, "reference": base.reference}
        connection.execute(build_bases.insert(), row | {"digest": base.digest})


def _layers(build: Build) -> Iterator[DiffId]:
    """The layers that a build needs: the image's, then those of its stages."""
    for snapshot in (build.snapshot, *(stage.snapshot for stage in build.stages)):
        for layer in snapshot.layers if snapshot else ():
            yield layer.diff_id


def _without_packages(
    connection: Connection, build: Build
) -> tuple[Build, Digest | None, list[Digest]]:
    """The build without its packages, and their digests: most nights they are the same.

    The image's own, then those of each stage that has a snapshot.
    """
    installed: Digest | None = None
    if build.snapshot is not None:
        installed = _keep_packages(connection, build.snapshot.packages)
        build = replace(build, snapshot=replace(build.snapshot, packages=Packages()))
    of_stages, stages = [], []
    for stage in build.stages:
        if stage.snapshot is not None:
            of_stages.append(_keep_packages(connection, stage.snapshot.packages))
            stage = replace(stage, snapshot=replace(stage.snapshot, packages=Packages()))
        stages.append(stage)
    return replace(build, stages=tuple(stages)), installed, of_stages


def _keep_packages(connection: Connection, installed: Packages) -> Digest:
    body = serial.pack(installed)
    digest = Digest.of(body)
    if not connection.execute(sa.select(1).where(packages.c.digest == digest)).first():
        connection.execute(packages.insert(), {"digest": digest, "body": body})
    return digest
