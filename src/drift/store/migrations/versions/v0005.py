"""What happened outside of the repository, and who was told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from drift.store.records import insert_events
from drift.store.serial import unpack_json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_run"), "events", ["run"])
    op.create_index(op.f("ix_events_image"), "events", ["image"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_target"), "deliveries", ["target"])
    op.create_table(
        "told",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target", "item", name=op.f("pk_told")),
    )
    _remember_events()


def _remember_events() -> None:
    """Have the events of the nights that are stored already, from their documents."""
    connection = op.get_bind()
    runs = sa.table("runs", sa.column("id"), sa.column("night", sa.Date), sa.column("finished_at"))
    images = sa.table("images", *map(sa.column, ("run", "image", "document")))
    query = (
        sa.select(images.c.run, images.c.image, runs.c.night, images.c.document)
        .join_from(images, runs, images.c.run == runs.c.id)
        .where(runs.c.finished_at.is_not(None))
    )
    for row in connection.execute(query).all():
        insert_events(connection, row.run, row.image, unpack_json(row.document), row.night)


def downgrade() -> None:
    for table in ("told", "deliveries", "events"):
        op.drop_table(table)
