"""The store's tables, as SQLAlchemy Core.

Nothing here is peculiar to one database. Values that are only ever read whole (documents,
builds, manifests, logs) are compressed bytes whose format :mod:`drift.store.serial` and
:mod:`drift.store.manifests` own; what is searched for is a column. A change here needs a
migration; a test holds the two together.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept as naive UTC: SQLite has no time zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the store keeps aware datetimes only")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class AnyText(sa.types.TypeDecorator[str]):
    """Text that images and Dockerfiles chose: NUL and lone surrogates, which databases refuse,
    are kept as escapes."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        escaped = value.replace("\\", r"\u005c").replace("\0", r"\u0000")
        return escaped.encode("utf-8", "backslashreplace").decode("utf-8")

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        return value and _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)


_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("night", sa.Date, nullable=False, index=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),  # NULL: under way, or killed
    sa.Column("engine", sa.LargeBinary),
)

images = sa.Table(
    "images",
    metadata,
    sa.Column("run", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),  # the order of saving
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("origins", sa.Text, nullable=False),  # joined by commas
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("flapped", sa.LargeBinary),  # NULL: no control was built
)

causes = sa.Table(
    "causes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("image", sa.Text, nullable=False, index=True),
    sa.Column("origin", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", AnyText, nullable=False),
    sa.ForeignKeyConstraint(
        ["run", "image"], ["images.run", "images.image"], name="fk_causes_image", ondelete="CASCADE"
    ),
)

# What finished runs said of each image, in a few words: the calendar, which outlives documents.
nights = sa.Table(
    "nights",
    metadata,
    sa.Column("night", sa.Date, primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("origins", sa.Text, nullable=False),  # joined by commas
    sa.Column("flagged", sa.Boolean, nullable=False),
)

# What each image saw happen outside of the repository. The rows outlive the document of their
# night: they tell since when an event stands.
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("image", sa.Text, nullable=False, index=True),
    sa.Column("night", sa.Date),  # NULL until the run has finished
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", AnyText, nullable=False),
    sa.Column("before", AnyText),
    sa.Column("after", AnyText),
)

# One row a message and target; what was tried three times and failed is one row.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("target", sa.Text, nullable=False, index=True),  # a digest: addresses are secret
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("run", sa.Text),  # NULL: of a run that could not be done
    sa.Column("night", sa.Date, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("error", AnyText),  # NULL: delivered
    sa.Column("about", AnyText),  # why the run could not be done
)

# What a target was told: the digest of what it is about, and the value that was told.
told = sa.Table(
    "told",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),  # for who asks the database: nothing turns on it
)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

# Builds outlive the run that made them: an accepted one stays when its night is replaced.
builds = sa.Table(
    "builds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("image", sa.Text, nullable=False, index=True),
    sa.Column("night", sa.Date, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("packages", sa.ForeignKey("packages.digest"), index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("log", sa.LargeBinary),
)

build_layers = sa.Table(
    "build_layers",
    metadata,
    sa.Column("build", sa.ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("diff_id", sa.Text, nullable=False, index=True),
)

# The stages that a build copies from, those that could be had, in their order. Their layers
# stand in ``build_layers``, after the image's own.
build_stages = sa.Table(
    "build_stages",
    metadata,
    sa.Column("build", sa.ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("packages", sa.ForeignKey("packages.digest"), nullable=False, index=True),
)

build_bases = sa.Table(
    "build_bases",
    metadata,
    sa.Column("build", sa.ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("reference", AnyText, nullable=False, index=True),
    sa.Column("digest", sa.Text),
)

accepted = sa.Table(
    "accepted",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("image", sa.Text, nullable=False, index=True),
    sa.Column("build", sa.ForeignKey("builds.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

layers = sa.Table(
    "layers",
    metadata,
    sa.Column("diff_id", sa.Text, primary_key=True),
    sa.Column("manifest", sa.LargeBinary, nullable=False),
    sa.Column("captured", sa.LargeBinary, nullable=False),  # read only when it is needed
    sa.Column("observed", sa.LargeBinary),  # likewise; NULL: nothing was learned of its files
)

texts = sa.Table(
    "texts",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

layer_texts = sa.Table(
    "layer_texts",
    metadata,
    sa.Column("diff_id", sa.ForeignKey("layers.diff_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True, index=True),
)

contexts = sa.Table(
    "contexts",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("blob", sa.Text, nullable=False, unique=True),
    sa.Column("size", sa.BigInteger, nullable=False),  # compressed
    sa.Column("last_used", UtcDateTime, nullable=False),
)

# Chunks come before the context that they belong to: what no context names is invisible.
context_chunks = sa.Table(
    "context_chunks",
    metadata,
    sa.Column("blob", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

image_uses = sa.Table(
    "image_uses",
    metadata,
    sa.Column("engine", AnyText, primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.Column("last_used", UtcDateTime),  # NULL: not since drift watches
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("heartbeat", UtcDateTime, nullable=False),
)
