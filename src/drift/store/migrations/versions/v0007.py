"""The calendar: what each night said of each image, when its document is long forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    nights = op.create_table(
        "nights",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("night", "image", name=op.f("pk_nights")),
    )
    _remember(nights)


def _remember(nights: sa.Table) -> None:
    """Have the nights that are stored already."""
    runs = sa.table("runs", sa.column("id"), sa.column("night", sa.Date), sa.column("finished_at"))
    said = ("status", "origins", "flagged")
    images = sa.table("images", *map(sa.column, ("run", "image", *said)))
    query = (
        sa.select(runs.c.night, images.c.image, images.c.run, *(images.c[name] for name in said))
        .join_from(images, runs, images.c.run == runs.c.id)
        .where(runs.c.finished_at.is_not(None))  # of those a night has one for each image
    )
    columns = ["night", "image", "run", *said]
    op.get_bind().execute(nights.insert().from_select(columns, query))


def downgrade() -> None:
    op.drop_table("nights")
