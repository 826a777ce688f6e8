"""Reading what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from drift.builds import Build, Role, StageSnapshot
from drift.snapshot.model import Packages
from drift.source.model import EngineIdentity
from drift.store import serial
from drift.store.schema import (
    accepted,
    build_bases,
    build_stages,
    builds,
    causes,
    events,
    images,
    nights,
    packages,
    runs,
)
from drift.store.sightings import Sighting
from drift.store.standing import Seen

Connection = sa.Connection


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with its images' documents, in the order they were saved.

    ``finished_at`` is None for a run that is under way or was killed: it holds the images
    that were whole by then.
    """

    id: str
    night: date
    started_at: datetime
    finished_at: datetime | None
    engine: EngineIdentity | None
    images: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs: how many images it holds, and how many are flagged."""

    id: str
    night: date
    started_at: datetime
    finished_at: datetime | None
    images: int
    flagged: int


@dataclass(frozen=True, slots=True)
class ImageNight:
    """What a night said of an image."""

    image: str
    night: date
    run: str
    status: str
    origins: tuple[str, ...]
    flagged: bool


@dataclass(frozen=True, slots=True)
class Recurring:
    """A cause over the nights of one image: how many had it, the first and the last of them."""

    origin: str | None
    kind: str
    subject: str
    nights: int
    first: date
    last: date


def baseline(connection: Connection, image: str, before: date) -> Build | None:
    """The last successful nightly build of a night earlier than ``before``."""
    return _first(connection, _successful(image).where(builds.c.night < before))


def _successful(image: str) -> sa.Select[Any]:
    newest = (builds.c.night.desc(), builds.c.started_at.desc(), builds.c.id.desc())
    nightly = (builds.c.image == image, builds.c.role == Role.NIGHTLY.value, builds.c.ok)
    return _builds().where(*nightly).order_by(*newest)


def _builds() -> sa.Select[Any]:
    joined = builds.outerjoin(packages, builds.c.packages == packages.c.digest)
    columns = (builds.c.body, packages.c.digest, packages.c.body.label("packages"))
    return sa.select(*columns).select_from(joined)


def _first(connection: Connection, query: sa.Select[Any]) -> Build | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _build(connection, row, {})


def _build(connection: Connection, row: sa.Row[Any], known: dict[str, Packages]) -> Build:
    """A build of its row; ``known`` are packages read before: most nights have the same."""
    build = serial.unpack(Build, row.body)
    if any(stage.snapshot for stage in build.stages):
        build = replace(build, stages=_stages(connection, build, known))
    if build.snapshot is None:
        return build
    if row.packages is None:  # never an image without packages
        raise serial.damaged(f"the packages of {build.id} are missing")
    if row.digest not in known:
        known[row.digest] = serial.unpack(Packages, row.packages)
    return replace(build, snapshot=replace(build.snapshot, packages=known[row.digest]))


def _stages(
    connection: Connection, build: Build, known: dict[str, Packages]
) -> tuple[StageSnapshot, ...]:
    """A build's stages with their packages."""
    query = sa.select(build_stages.c.packages).where(build_stages.c.build == build.id)
    digests = iter(connection.execute(query.order_by(build_stages.c.position)).scalars().all())
    found: list[StageSnapshot] = []
    for stage in build.stages:
        if stage.snapshot is not None:
            installed = _packages(connection, next(digests, None), known)
            stage = replace(stage, snapshot=replace(stage.snapshot, packages=installed))
        found.append(stage)
    return tuple(found)


def _packages(connection: Connection, digest: str | None, known: dict[str, Packages]) -> Packages:
    if digest is None:
        raise serial.damaged("the packages of a stage are missing")
    if digest not in known:
        query = sa.select(packages.c.body).where(packages.c.digest == digest)
        known[digest] = serial.unpack(Packages, connection.execute(query).scalar_one())
    return known[digest]


def baseline_accepted(connection: Connection, image: str) -> Build | None:
    """The build that was accepted last for the image."""
    taken = sa.select(accepted.c.build).where(accepted.c.image == image)
    newest = taken.order_by(accepted.c.id.desc()).limit(1).scalar_subquery()
    return _first(connection, _builds().where(builds.c.id == newest))


def build_by_id(connection: Connection, build: str) -> Build | None:
    return _first(connection, _builds().where(builds.c.id == build))


def builds_of(connection: Connection, image: str, role: Role | None) -> tuple[Build, ...]:
    """An image's builds, newest first."""
    query = _builds().where(builds.c.image == image)
    if role is not None:
        query = query.where(builds.c.role == role.value)
    newest = query.order_by(builds.c.night.desc(), builds.c.started_at.desc(), builds.c.id.desc())
    known: dict[str, Packages] = {}
    return tuple(_build(connection, row, known) for row in connection.execute(newest).all())


def flapped(connection: Connection, image: str, before: date) -> dict[str, frozenset[str]]:
    """By path, the values that builds of the same inputs gave on earlier nights."""
    query = (
        sa.select(images.c.flapped)
        .join_from(images, runs)
        .where(images.c.image == image, images.c.flapped.is_not(None), runs.c.night < before)
    )
    found: dict[str, frozenset[str]] = {}
    for stored in connection.execute(query).scalars():
        for path, values in serial.unpack_json(stored).items():
            found[path] = found.get(path, frozenset()).union(values)
    return found


def log(connection: Connection, build: str) -> str | None:
    query = sa.select(builds.c.log).where(builds.c.id == build)
    stored = connection.execute(query).scalar_one_or_none()
    return None if stored is None else serial.decompress(stored).decode("utf-8", "surrogatepass")


def run_by_id(connection: Connection, run: str | None) -> StoredRun | None:
    """A run; without an id the newest that has finished."""
    query = sa.select(runs).order_by(runs.c.night.desc(), runs.c.started_at.desc(), runs.c.id)
    wanted = runs.c.finished_at.is_not(None) if run is None else runs.c.id == run
    row = connection.execute(query.where(wanted).limit(1)).first()
    if row is None:
        return None
    saved = sa.select(images.c.image, images.c.document).where(images.c.run == row.id)
    documents = connection.execute(saved.order_by(images.c.position))
    return StoredRun(
        row.id,
        row.night,
        row.started_at,
        row.finished_at,
        None if row.engine is None else serial.unpack(EngineIdentity, row.engine),
        {image: serial.unpack_json(document) for image, document in documents},
    )


def run_summaries(connection: Connection, limit: int) -> tuple[RunSummary, ...]:
    """The newest runs first, unfinished ones among them."""
    flagged = sa.func.sum(sa.case((images.c.flagged, 1), else_=0))
    query = (
        sa.select(
            runs.c.id,
            runs.c.night,
            runs.c.started_at,
            runs.c.finished_at,
            sa.func.count(images.c.image),
            sa.func.coalesce(flagged, 0),
        )
        .select_from(runs.outerjoin(images))
        .group_by(runs.c.id, runs.c.night, runs.c.started_at, runs.c.finished_at)
        .order_by(runs.c.night.desc(), runs.c.started_at.desc(), runs.c.id)
    )
    return tuple(RunSummary(*row) for row in connection.execute(query.limit(limit)))


def image_document(connection: Connection, run: str, image: str) -> dict[str, Any] | None:
    """What a run said of one image."""
    query = sa.select(images.c.document).where(images.c.run == run, images.c.image == image)
    stored = connection.execute(query).scalar_one_or_none()
    return None if stored is None else serial.unpack_json(stored)


def sightings(
    connection: Connection, origin: str | None, kind: str, subject: str
) -> tuple[tuple[str, date], ...]:
    """The images and nights of finished runs that saw a cause: by night, then by image."""
    query = (
        sa.select(causes.c.image, runs.c.night)
        .join_from(causes, runs, causes.c.run == runs.c.id)
        .where(
            causes.c.origin == origin,
            causes.c.kind == kind,
            causes.c.subject == subject,
            runs.c.finished_at.is_not(None),
        )
        .order_by(runs.c.night, causes.c.image)
        .distinct()
    )
    return tuple((row.image, row.night) for row in connection.execute(query))


def history(connection: Connection, image: str | None, limit: int) -> tuple[ImageNight, ...]:
    """What finished runs said of one image, or of all: newest night first, then by name."""
    query = (
        sa.select(
            images.c.image,
            runs.c.night,
            images.c.run,
            images.c.status,
            images.c.origins,
            images.c.flagged,
        )
        .join_from(images, runs)
        .where(runs.c.finished_at.is_not(None))
        .order_by(runs.c.night.desc(), images.c.image, images.c.run)
    )
    if image is not None:
        query = query.where(images.c.image == image)
    return _nights(connection, query.limit(limit))


def calendar(
    connection: Connection, image: str | None = None, since: date | None = None
) -> tuple[ImageNight, ...]:
    """What finished runs said of one image, or of all, documents kept or not: newest first."""
    query = sa.select(nights).order_by(nights.c.night.desc(), nights.c.image)
    if image is not None:
        query = query.where(nights.c.image == image)
    if since is not None:
        query = query.where(nights.c.night >= since)
    return _nights(connection, query)


def recurring(connection: Connection, image: str | None = None) -> dict[str, list[Recurring]]:
    """By image, the causes of the nights that are stored: the one seen last comes first."""
    key = (causes.c.image, causes.c.origin, causes.c.kind, causes.c.subject)
    span = (sa.func.count(), sa.func.min(runs.c.night), sa.func.max(runs.c.night))
    query = (
        sa.select(*key, *span)
        .join_from(causes, runs, causes.c.run == runs.c.id)
        .where(runs.c.finished_at.is_not(None))
        .group_by(*key)
        .order_by(span[2].desc(), span[0].desc(), *key[1:])
    )
    if image is not None:
        query = query.where(causes.c.image == image)
    found: dict[str, list[Recurring]] = {}
    for name, *row in connection.execute(query):
        found.setdefault(name, []).append(Recurring(*row))
    return found


def _nights(connection: Connection, query: sa.Select[Any]) -> tuple[ImageNight, ...]:
    return tuple(
        ImageNight(r.image, r.night, r.run, r.status, _split(r.origins), r.flagged)
        for r in connection.execute(query)
    )


def _split(origins: str) -> tuple[str, ...]:
    return tuple(origins.split(",")) if origins else ()


def registry_digest_seen(connection: Connection, reference: str) -> bool:
    """Whether any stored build got this base reference from a registry."""
    from_registry = build_bases.c.digest.is_not(None)
    query = sa.select(1).where(build_bases.c.reference == reference, from_registry)
    return connection.execute(query.limit(1)).first() is not None


def standing_since(
    connection: Connection, image: str, origin: str | None, kind: str, subject: str
) -> date | None:
    """The first night of a cause that the image's last acceptance does not cover."""
    rows: Sequence[Any] = first_nights(connection, image)
    cause = (origin, kind, subject)
    return next((row.night for row in rows if (row.origin, row.kind, row.subject) == cause), None)


def first_nights(connection: Connection, image: str | None = None) -> Sequence[Any]:
    """Of each standing cause of each image: (image, origin, kind, subject, night).

    A cause stands until a build of its night, or of a later one, is accepted.
    """
    covered = _covered().subquery()
    key = (causes.c.image, causes.c.origin, causes.c.kind, causes.c.subject)
    query = (
        sa.select(*key, sa.func.min(runs.c.night).label("night"))
        .select_from(
            causes.join(runs, causes.c.run == runs.c.id).outerjoin(
                covered, covered.c.image == causes.c.image
            )
        )
        .where(sa.or_(covered.c.night.is_(None), runs.c.night > covered.c.night))
        .group_by(*key)
    )
    if image is not None:
        query = query.where(causes.c.image == image)
    return connection.execute(query).all()


def accepted_nights(connection: Connection) -> dict[str, date]:
    """By image, the newest night of which a build was accepted."""
    return {row.image: row.night for row in connection.execute(_covered())}


def _covered() -> sa.Select[Any]:
    newest = sa.func.max(builds.c.night).label("night")
    by_image = sa.select(accepted.c.image, newest).join_from(accepted, builds)
    return by_image.group_by(accepted.c.image)


def seen_nights(connection: Connection, until: date | None = None) -> list[Seen]:
    """What finished runs said of each image, the oldest night first, up to and with a night.

    Of nights whose documents are forgotten only the images that saw events.
    """
    query = (
        sa.select(images.c.run, images.c.image, runs.c.night, images.c.status, images.c.flagged)
        .join_from(images, runs)
        .where(runs.c.finished_at.is_not(None))
        .order_by(runs.c.night, runs.c.started_at, images.c.position)
    )
    told = sa.select(events).where(events.c.night.is_not(None)).order_by(events.c.id)
    if until is not None:
        query, told = query.where(runs.c.night <= until), told.where(events.c.night <= until)
    found = {
        (row.run, row.image): Seen(row.image, row.night, row.status, row.flagged)
        for row in connection.execute(query)
    }
    saw: dict[tuple[str, str], list[Sighting]] = {}
    for row in connection.execute(told):
        key = (row.run, row.image)
        found.setdefault(key, Seen(row.image, row.night, row.status, row.flagged))
        sighting = Sighting(row.origin, row.kind, row.subject, row.before, row.after)
        saw.setdefault(key, []).append(sighting)
    nights = [replace(seen, events=tuple(saw.get(key, ()))) for key, seen in found.items()]
    return sorted(nights, key=lambda seen: seen.night)
