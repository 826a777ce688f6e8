"""Receivers on loopback, and no pauses between tries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drift.publish import attempts
from support.receivers import Hook, Inbox, hook_server, mail_server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(attempts, "TIMEOUT", 1.0)
    monkeypatch.setattr(attempts, "WITHIN", 5.0)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as server:
        yield server
