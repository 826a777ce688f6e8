"""Every error that drift raises on purpose: one root, one leaf per stage.

An :class:`Error` is written for the person who reads it: what happened, and, as its
hint, what to do. The command line prints both and exits with :attr:`Error.exit_code`;
anything else that escapes is a bug, and exits 2 as well (never 1: that means "flagged").
"""

from __future__ import annotations

from typing import ClassVar


class Error(Exception):
    """Something that the user can understand and usually mend."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def with_hint(error: Error) -> str:
    """An error in one line, for where there is room for one."""
    return error.message if error.hint is None else f"{error.message} ({error.hint})"


class ConfigError(Error):
    """drift.toml is missing, unreadable or wrong; all its mistakes in one message."""


class SourceError(Error):
    """The context, the revision or the Dockerfile cannot be had."""


class EngineError(Error):
    """The container engine refused, failed or went away."""


class SnapshotError(Error):
    """An image, layer or archive is corrupt, truncated, absurd or not what it claims to be."""


class StoreError(Error):
    """The store cannot be opened, read, written or locked."""


class ReportError(Error):
    """A report cannot be found, made or written."""


class PublishError(Error):
    """A message could not be delivered."""
