"""Bringing a database to the schema that this version of drift reads and writes."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from drift.errors import StoreError
from drift.store.database import Database

VERSION_TABLE = "drift_version"
_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x6472696674  # "drift": any constant that no other program takes


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for the migrations in the package, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Migrate to the newest schema in one transaction; a second starter waits for the first.

    Raises:
        StoreError: a newer drift has written the store, or it can't be read.
    """
    with database.read() as connection:
        if _is_current(connection):
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":  # SQLite has locked the file already
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if not _is_current(connection):
            command.upgrade(configuration(connection), "head")


def _is_current(connection: sa.Connection) -> bool:
    """Raises StoreError where the schema is one that this version does not know."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    revision = context.get_current_revision()
    scripts = ScriptDirectory.from_config(configuration(connection))
    if revision is not None:
        _refuse_unknown(scripts, revision)
    return revision == scripts.get_current_head()


def _refuse_unknown(scripts: ScriptDirectory, revision: str) -> None:
    try:
        scripts.get_revision(revision)
    except CommandError as error:
        raise StoreError(
            f"the store was written by a newer drift (its schema is {revision})",
            hint="upgrade drift (pip install --upgrade imagedrift), or name another store",
        ) from error
