"""Which images of an engine were seen in use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "image_uses",
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(), nullable=False),
        sa.Column("last_used", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("engine", "image", name=op.f("pk_image_uses")),
    )


def downgrade() -> None:
    op.drop_table("image_uses")
