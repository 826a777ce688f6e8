"""What commands open first: the configuration and the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from drift.cli import output
from drift.errors import StoreError

if TYPE_CHECKING:
    from drift.config import Config
    from drift.store.store import Store

_SQLITE = "sqlite:///"


def configuration(path: Path) -> Config:
    """The configuration; what came from variables is masked on stderr from here on.

    Raises:
        ConfigError: it is missing or wrong.
    """
    from drift.config import load

    config = load(path)
    output.conceal(config.masked)
    return config


def database_file(config: Config) -> Path | None:
    """Where a SQLite store lies, None for a database server."""
    if not config.store.url.startswith(_SQLITE):
        return None
    return Path(config.store.url.removeprefix(_SQLITE).partition("?")[0])


def existing_store(config: Config) -> Store | None:
    """The store, None where there is none yet: looking at it should not make one."""
    from drift.store.store import Store

    file = database_file(config)
    if file is not None and not os.path.lexists(file):
        return None
    return Store.open(config.store.url)


@contextmanager
def store_to_read(config: Config) -> Iterator[Store]:
    """The store where there is one, else an empty one that does not outlive the context."""
    from drift.store.store import Store

    with ExitStack() as opened:
        store = existing_store(config)
        if store is None:
            nowhere = opened.enter_context(TemporaryDirectory(prefix="drift-"))
            store = Store.open(f"{_SQLITE}{nowhere}/drift.db")
        yield opened.enter_context(store)


def look_for(image: str, config: Config, store: Store | None) -> None:
    """Tell a name that was mistyped from an image without a night.

    Raises:
        ConfigError: drift.toml has no such image, nor has the store, which outlives it there.
    """
    from drift.config.naming import no_such_images

    stored = store is not None and store.history(image, 1)
    if not stored and image not in {one.name for one in config.images}:
        raise no_such_images([image], config)


def filled_store(config: Config) -> Store:
    """The store of earlier nights.

    Raises:
        StoreError: there is none yet, or it cannot be read.
    """
    store = existing_store(config)
    if store is None:
        raise StoreError("nothing is stored yet", hint="`drift check` records the first night")
    return store
