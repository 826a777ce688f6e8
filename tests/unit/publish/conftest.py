"""Receivers on loopback, and no pauses between tries."""

from __future__ import annotations

import pytest

from drift.publish import attempts
from support.receivers import hook, inbox

__all__ = ["hook", "inbox"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(attempts, "TIMEOUT", 1.0)
    monkeypatch.setattr(attempts, "WITHIN", 5.0)
