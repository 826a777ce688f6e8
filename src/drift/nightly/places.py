"""Where drift keeps its own files; they belong to no context."""

from __future__ import annotations

from pathlib import Path

from drift.config.model import Config

_SQLITE = "sqlite:///"


def cache_of(config: Config) -> Path:
    """The directory of clones and temporary checkouts."""
    return config.root / ".drift" / "cache"


def drift_own(config: Config) -> tuple[Path, ...]:
    """drift's store, reports and temporaries, wherever the configuration puts them."""
    own = [config.root / ".drift", config.report.directory]
    if config.store.url.startswith(_SQLITE):
        database = config.store.url.removeprefix(_SQLITE).partition("?")[0]
        own += [Path(database + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
    return tuple(own)
