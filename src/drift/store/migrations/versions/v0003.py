"""What was learned of layers' files, and small texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("layers", sa.Column("observed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "texts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_texts")),
    )
    op.create_table(
        "layer_texts",
        sa.Column("diff_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["diff_id"],
            ["layers.diff_id"],
            name=op.f("fk_layer_texts_diff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("diff_id", "digest", name=op.f("pk_layer_texts")),
    )
    with op.batch_alter_table("layer_texts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_layer_texts_digest"), ["digest"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("layer_texts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_layer_texts_digest"))

    op.drop_table("layer_texts")
    op.drop_table("texts")
    with op.batch_alter_table("layers", schema=None) as batch_op:
        batch_op.drop_column("observed")
