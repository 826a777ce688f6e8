"""What the store forgets, and what it never does.

Kept whatever their age: an accepted build; of each image the newest successful nightly build
before tonight (the baseline, should tonight be run again) and the newest document before
tonight; the documents of the first night of a cause that still stands, and what tells since
when an event does. Tonight and later nights (a run may name an older one) are never old. Layer
manifests, texts and packages go when nothing refers to them, contexts when there are too many
bytes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from drift.builds import Role
from drift.store.queries import accepted_nights, first_nights, seen_nights
from drift.store.records import delete_builds, delete_empty_runs
from drift.store.schema import (
    accepted,
    build_layers,
    build_stages,
    builds,
    context_chunks,
    contexts,
    deliveries,
    events,
    images,
    layer_texts,
    layers,
    nights,
    packages,
    runs,
    texts,
)
from drift.store.standing import forgettable

Connection = sa.Connection


CALENDAR = timedelta(days=400)  # that the calendar shows, when documents are long gone


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many of each were removed. ``documents`` are images of runs."""

    runs: int
    documents: int
    builds: int
    layers: int
    contexts: int


def prune(
    connection: Connection, today: date, keep_nights: int, keep_contexts_bytes: int
) -> Pruned:
    """Forget what is older than ``keep_nights`` nights, today's among them.

    Must run under the store's lease: what another run has not recorded yet looks unused.
    """
    oldest = _oldest(today, keep_nights)
    _prune_events(connection, oldest)
    connection.execute(nights.delete().where(nights.c.night < today - CALENDAR))
    connection.execute(deliveries.delete().where(deliveries.c.night < oldest))
    return Pruned(
        documents=_prune_documents(connection, today, oldest),
        runs=delete_empty_runs(connection, runs.c.night < oldest),
        builds=_prune_builds(connection, today, oldest),
        layers=_prune_unreferenced(connection),
        contexts=_prune_contexts(connection, keep_contexts_bytes),
    )


def _oldest(today: date, keep_nights: int) -> date:
    days = min(max(keep_nights, 1) - 1, (today - date.min).days)
    return today - timedelta(days)


def _prune_documents(connection: Connection, today: date, oldest: date) -> int:
    query = sa.select(images.c.run, images.c.image, runs.c.night).join_from(images, runs)
    earlier = query.where(runs.c.night < today).order_by(runs.c.night)
    rows = connection.execute(earlier).all()
    kept = {(row.image, row.night) for row in first_nights(connection)}
    kept.update({row.image: (row.image, row.night) for row in rows}.values())
    old = [row for row in rows if row.night < oldest and (row.image, row.night) not in kept]
    for row in old:
        this = (images.c.run == row.run, images.c.image == row.image)
        connection.execute(images.delete().where(*this))
    return len(old)


def _prune_events(connection: Connection, oldest: date) -> None:
    """Forget what old nights saw, but nothing that still stands, nor its later nights."""
    nights = seen_nights(connection)
    old = forgettable(nights, accepted_nights(connection), oldest)
    for image, night, (origin, kind, subject) in old:
        key = (events.c.origin == origin, events.c.kind == kind, events.c.subject == subject)
        these = (events.c.image == image, events.c.night == night, *key)
        connection.execute(events.delete().where(*these))
    killed = (events.c.night.is_(None), events.c.run.not_in(sa.select(runs.c.id)))
    connection.execute(events.delete().where(*killed))


def _prune_builds(connection: Connection, today: date, oldest: date) -> int:
    lasting = set(connection.execute(sa.select(accepted.c.build)).scalars())
    good = (builds.c.role == Role.NIGHTLY.value, builds.c.ok, builds.c.night < today)
    newest_last = (builds.c.night, builds.c.started_at, builds.c.id)
    query = sa.select(builds.c.image, builds.c.id).where(*good).order_by(*newest_last)
    lasting.update({row.image: row.id for row in connection.execute(query)}.values())
    old = connection.execute(sa.select(builds.c.id).where(builds.c.night < oldest)).scalars()
    ids = sorted(set(old) - lasting)
    delete_builds(connection, ids)
    return len(ids)


def _prune_unreferenced(connection: Connection) -> int:
    used = sa.exists().where(build_layers.c.diff_id == layers.c.diff_id)
    removed = connection.execute(layers.delete().where(~used)).rowcount
    held = sa.exists().where(layer_texts.c.digest == texts.c.digest)
    connection.execute(texts.delete().where(~held))
    owned = sa.exists().where(builds.c.packages == packages.c.digest)
    of_stage = sa.exists().where(build_stages.c.packages == packages.c.digest)
    connection.execute(packages.delete().where(~owned, ~of_stage))
    return removed


def _prune_contexts(connection: Connection, keep_bytes: int) -> int:
    """Remove those not used for longest until the rest fits, and chunks of no context."""
    latest_first = sa.select(contexts.c.digest, contexts.c.size).order_by(
        contexts.c.last_used.desc(), contexts.c.digest
    )
    total, removed = 0, 0
    for row in connection.execute(latest_first).all():
        if total + row.size > keep_bytes:
            connection.execute(contexts.delete().where(contexts.c.digest == row.digest))
            removed += 1
        else:
            total += row.size
    named = sa.exists().where(contexts.c.blob == context_chunks.c.blob)
    connection.execute(context_chunks.delete().where(~named))
    return removed


def expired_builds(connection: Connection, image: str, keep_images: int) -> tuple[str, ...]:
    """An image's successful builds but the ``keep_images`` newest nightly ones, newest first."""
    newest = (builds.c.night.desc(), builds.c.started_at.desc(), builds.c.id.desc())
    query = sa.select(builds.c.id, builds.c.role).where(builds.c.image == image, builds.c.ok)
    rows = connection.execute(query.order_by(*newest)).all()
    nightly = [row.id for row in rows if row.role == Role.NIGHTLY.value]
    kept = set(nightly[:keep_images])
    return tuple(row.id for row in rows if row.id not in kept)
