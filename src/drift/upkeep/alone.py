"""One ``drift upgrade`` at a time on an engine, as far as one machine can see."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drift.engine.connection import Connection
from drift.errors import EngineError


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold this machine's lock on upgrades of an engine; it is gone with the process.

    Raises:
        EngineError: another process holds it, or it cannot be taken.
    """
    with connection.failures("asking what it is"):
        system = connection.client.info()
    # Two engines of one machine may have one ID.
    told = "\0".join(str(system.get(key)) for key in ("ID", "Name", "DockerRootDir"))
    known = hashlib.sha256(told.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"drift-upgrade-{known}.lock"
    try:
        file = _opened(path)
    except OSError as error:
        raise EngineError(f"no lock for upgrades at {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EngineError(
                "another `drift upgrade` is at work on this engine", hint="wait until it is done"
            ) from error
        yield
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    """The lock's file, nobody's link; another user's is opened without making it."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, 0o644)
