"""What ``drift doctor`` looks at, one finding after the other.

A finding that fails keeps no other from being made: what depends on it is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from drift.cli.mounts import lacking
from drift.cli.opening import configuration, database_file, existing_store
from drift.cli.telling import undelivered_in_words
from drift.cli.unfinished import MEND, unfinished
from drift.config import Config
from drift.engine.engine import Engine
from drift.errors import EngineError, Error, StoreError
from drift.nightly.room import Need, needed, shortage
from drift.report.words import counted, size
from drift.store.store import Store

OK, WARN, FAIL = "ok", "warn", "fail"
_LOW = 5 << 30  # bytes on the engine's disk: a fleet's images and their caches soon take it


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, warn or fail; ``mend`` says what to do about it."""

    state: str
    of: str
    said: str
    mend: str | None = None


def examine(path: Path, *, optional: bool) -> Iterator[Finding]:
    """Look at everything that a night needs; ``optional`` lets the configuration be absent."""
    if optional and not os.path.lexists(path):
        yield Finding(WARN, "config", f"no {path} here", "`drift init` writes one")
        config = None
    else:
        try:
            config = configuration(path)
            yield Finding(OK, "config", f"{path}: {counted(len(config.images), 'image')}")
        except Error as error:
            config = None
            yield _failed("config", error)
    if config is not None:
        yield _store(config)
    yield _git()
    yield from _engine(config)
    if config is not None:
        for line in lacking(config):
            yield Finding(WARN, "mounts", line, "builds that mount it fail without it")
        yield from _deliveries(config)
        yield _directory("reports", config.report.directory, "name another in [report] directory")


def _failed(of: str, error: Error) -> Finding:
    return Finding(FAIL, of, error.message, error.hint)


def _store(config: Config) -> Finding:
    file = database_file(config)
    if file is not None and not os.path.lexists(file):
        found = _directory("store", file.parent, "name another place in [store] url")
        said = f"{file}: not there yet, the first check makes it"
        return Finding(OK, "store", said) if found.state == OK else found
    try:
        with Store.open(config.store.url) as store:
            runs = store.runs(1)
            newest = f"newest night {runs[0].night}" if runs else "no night yet"
            return _lease(store, f"{file or 'the database'}: {newest}")
    except Error as error:
        return _failed("store", error)


def _lease(store: Store, said: str) -> Finding:
    """Whether a run could begin now; to hold the lease for a moment proves that one can write."""
    try:
        with store.exclusive(0.0, lambda _holder: None):
            return Finding(OK, "store", said)
    except StoreError as error:
        if error.message.startswith("another run holds"):
            return Finding(WARN, "store", f"{said}; {error.message}", error.hint)
        raise


def _deliveries(config: Config) -> Iterator[Finding]:
    """What did not reach those who are to be told; nothing is sent to find out."""
    if not config.notify:
        return
    try:
        store = existing_store(config)
        with store or nullcontext():
            failed = list(undelivered_in_words(store.undelivered())) if store else []
    except Error:
        return  # the store's own finding says it
    from drift.publish.channels import troubles

    mend = "`drift notify --test` tries every target"
    failed = [*troubles(config), *failed]
    for line in failed:
        yield Finding(WARN, "notify", line, mend)
    if not failed:
        yield Finding(OK, "notify", f"{counted(len(config.notify), 'target')}, all told so far")


def _git() -> Finding:
    program = shutil.which("git")
    if program is None:
        return Finding(
            FAIL, "git", "not found", "install git: revisions and git contexts are read with it"
        )
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(FAIL, "git", f"{program} does not run: {error}", "reinstall git")
    return Finding(OK, "git", f"{told.stdout.strip()} ({program})")


def _engine(config: Config | None) -> Iterator[Finding]:
    try:
        engine = Engine.connect(config.engine.host if config else None)
    except Error as error:
        yield _failed("engine", error)
        return
    with engine:
        try:
            yield _identity(engine)
            yield _builder(engine, config.engine.builder if config else "auto")
            yield _disk(engine, _need(config))
            said = unfinished(engine)
            if said:
                yield Finding(WARN, "upgrade", said, MEND)
        except Error as error:
            yield _failed("engine", error)


def _identity(engine: Engine) -> Finding:
    identity = engine.identity("classic")
    said = (
        f"{identity.name} {identity.version}, API {engine.connection.api_version}, "
        f"{identity.platform}, at {engine.connection.endpoint.host}"
    )
    return Finding(OK, "engine", said)


def _builder(engine: Engine, setting: str) -> Finding:
    try:
        chosen = engine.choose_builder(setting, None)
    except EngineError as error:
        return _failed("builder", error)
    return Finding(OK, "builder", f"{engine.identity(chosen).builder} (engine.builder = {setting})")


def _need(config: Config | None) -> Need | None:
    """What a night is expected to take; None where no night tells."""
    try:
        store = existing_store(config) if config else None
        if config is None or store is None:
            return None
        with store:
            need = needed(store, config.images, config.engine.jobs)
    except Error:
        return None  # the store's own finding says why
    return need if need.likely else None


def _disk(engine: Engine, need: Need | None) -> Finding:
    disk = engine.disk()
    if disk is None:
        said = f"unknown: {engine.data_root or 'its data'} is not on this machine"
        return Finding(WARN, "disk", said, "keep some gigabytes free there")
    said = f"{size(disk.free)} of {size(disk.total)} free at {engine.data_root}"
    mend = "free some: `drift gc`, then images and caches that nothing uses"
    if need is not None:
        said += f"; a night takes {size(need.certain)}, up to {size(need.likely)}"
    if shortage(disk, need.certain if need else 0):
        return Finding(FAIL, "disk", said, mend)
    short = shortage(disk, need.likely) if need else disk.free < _LOW
    return Finding(WARN, "disk", said, mend) if short else Finding(OK, "disk", said)


def _directory(of: str, directory: Path, mend: str) -> Finding:
    """Whether files can be made in a directory, or the directory itself."""
    place = directory
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return Finding(FAIL, of, f"{place} is not a directory", mend)
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(FAIL, of, f"{place} cannot be written", f"change its permissions, or {mend}")
    return Finding(OK, of, str(directory))
