"""Fixtures of the end-to-end tests."""

from support.command import drift
from support.receivers import hook, inbox

__all__ = ["drift", "hook", "inbox"]
