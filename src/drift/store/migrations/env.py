"""Alembic's entry: runs the migrations on the connection that drift.store.migrate gives."""

from alembic import context

from drift.store.migrate import VERSION_TABLE
from drift.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
