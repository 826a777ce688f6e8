"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "context_chunks",
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("blob", "position", name=op.f("pk_context_chunks")),
    )
    op.create_table(
        "contexts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contexts")),
        sa.UniqueConstraint("blob"),
    )
    op.create_table(
        "layers",
        sa.Column("diff_id", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("captured", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("diff_id", name=op.f("pk_layers")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("heartbeat", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "packages",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_packages")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("engine", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_night"), ["night"], unique=False)

    op.create_table(
        "builds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("packages", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("log", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["packages"], ["packages.digest"], name=op.f("fk_builds_packages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_builds")),
    )
    with op.batch_alter_table("builds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_builds_image"), ["image"], unique=False)
        batch_op.create_index(batch_op.f("ix_builds_packages"), ["packages"], unique=False)
        batch_op.create_index(batch_op.f("ix_builds_run"), ["run"], unique=False)

    op.create_table(
        "images",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.id"], name=op.f("fk_images_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "image", name=op.f("pk_images")),
    )
    op.create_table(
        "accepted",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["build"], ["builds.id"], name=op.f("fk_accepted_build")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted")),
    )
    with op.batch_alter_table("accepted", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_accepted_build"), ["build"], unique=False)
        batch_op.create_index(batch_op.f("ix_accepted_image"), ["image"], unique=False)

    op.create_table(
        "build_bases",
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["build"], ["builds.id"], name=op.f("fk_build_bases_build"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("build", "position", name=op.f("pk_build_bases")),
    )
    with op.batch_alter_table("build_bases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_build_bases_reference"), ["reference"], unique=False)

    op.create_table(
        "build_layers",
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("diff_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build"], ["builds.id"], name=op.f("fk_build_layers_build"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("build", "position", name=op.f("pk_build_layers")),
    )
    with op.batch_alter_table("build_layers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_build_layers_diff_id"), ["diff_id"], unique=False)

    op.create_table(
        "causes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "image"],
            ["images.run", "images.image"],
            name="fk_causes_image",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_causes")),
    )
    with op.batch_alter_table("causes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_causes_image"), ["image"], unique=False)
        batch_op.create_index(batch_op.f("ix_causes_run"), ["run"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("causes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_causes_run"))
        batch_op.drop_index(batch_op.f("ix_causes_image"))

    op.drop_table("causes")
    with op.batch_alter_table("build_layers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_build_layers_diff_id"))

    op.drop_table("build_layers")
    with op.batch_alter_table("build_bases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_build_bases_reference"))

    op.drop_table("build_bases")
    with op.batch_alter_table("accepted", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_accepted_image"))
        batch_op.drop_index(batch_op.f("ix_accepted_build"))

    op.drop_table("accepted")
    op.drop_table("images")
    with op.batch_alter_table("builds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_builds_run"))
        batch_op.drop_index(batch_op.f("ix_builds_packages"))
        batch_op.drop_index(batch_op.f("ix_builds_image"))

    op.drop_table("builds")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_night"))

    op.drop_table("runs")
    op.drop_table("packages")
    op.drop_table("lease")
    op.drop_table("layers")
    op.drop_table("contexts")
    op.drop_table("context_chunks")
