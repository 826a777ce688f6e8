"""A connection to the store's database: transactions, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from drift.errors import StoreError

_BUSY_SECONDS = 60


Guard = Callable[[sa.Connection], None]


class ConflictError(StoreError):
    """What was written contradicts what is there: a key that exists, a row that is missing."""


class Database:
    """Transactions on one database; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises StoreError for a URL that is not one."""
        self.url = _parsed(url)
        self._engine = _engine(self.url)
        self._guard: Guard | None = None

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the store. Raises StoreError."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all of it is kept, or nothing. Raises ConflictError, StoreError."""
        writing = self._engine.execution_options(drift_write=True)
        with self._translated(), writing.begin() as connection:
            if self._guard is not None:
                self._guard(connection)
            yield connection

    @contextmanager
    def guarded(self, guard: Guard) -> Iterator[None]:
        """Let every write, of any thread, begin with ``guard``; what it raises refuses it."""
        self._guard = guard
        try:
            yield
        finally:
            self._guard = None

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (exc.SQLAlchemyError, ValueError) as error:  # a damaged column is not of its type
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        cause = _cause(getattr(error, "orig", None) or error)
        place = self.url.render_as_string(hide_password=True)
        kind = ConflictError if isinstance(error, exc.IntegrityError) else StoreError
        return kind(f"the store {place} failed: {cause}", hint=_hint(cause))


def _cause(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):  # SQLite's message, which quotes damaged bytes
        return error.object.decode("utf-8", "backslashreplace")
    return str(error).strip()


def _hint(cause: str) -> str:
    advice = {
        "readonly": "give the user that runs drift write permission on the file and its directory",
        "unable to open": "check that the directory exists and that you may write there",
        "not a database": "the file is no drift store: name another in [store] url, or move it",
        "malformed": "the file is damaged: restore it from a copy, or move it and begin anew",
        "locked": "another process is writing to it; try again when that has ended",
        "full": "free disk space where the store lies; nothing that was kept is lost",
        "refused": "check that the database server runs and that [store] url names it",
        "authentication": "check user and password in [store] url",
    }
    fallback = "check [store] url and that the database can be reached and written"
    return next((hint for sign, hint in advice.items() if sign in cause.lower()), fallback)


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise StoreError(
            "the store's URL is not a database URL",
            hint='write e.g. url = "sqlite:///.drift/drift.db" in [store]',
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return parsed
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError(
            "the store must be a file, a store in memory forgets every night",
            hint='write e.g. url = "sqlite:///.drift/drift.db" in [store]',
        )
    return parsed


def _engine(url: sa.URL) -> sa.Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True)
        engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    except (ImportError, exc.SQLAlchemyError) as error:
        raise StoreError(
            f"no driver for a store at {url.drivername}: {error}",
            hint="for PostgreSQL: pip install 'imagedrift[postgresql]'",
        ) from error
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def create_directory(url: sa.URL) -> None:
    """Make the directory that a SQLite file lies in. Raises StoreError where it can't be."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return
    directory = Path(url.database).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot create the store's directory {directory}: {error.strerror}",
            hint="check the permissions, or name another place in [store] url",
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own idea of when a transaction begins leaves DDL and SELECT out of it.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(connection: Any) -> None:
    """Switch to WAL. Of two that do so at once, one is told "locked" without having waited."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns writer half-way fails at once instead of waiting its turn.
    writing = connection.get_execution_options().get("drift_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
