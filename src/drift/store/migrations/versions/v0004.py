"""The packages of the stages that builds copy from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "build_stages",
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("packages", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build"], ["builds.id"], name=op.f("fk_build_stages_build"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["packages"], ["packages.digest"], name=op.f("fk_build_stages_packages")
        ),
        sa.PrimaryKeyConstraint("build", "position", name=op.f("pk_build_stages")),
    )
    with op.batch_alter_table("build_stages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_build_stages_packages"), ["packages"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("build_stages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_build_stages_packages"))

    op.drop_table("build_stages")
