"""Fixtures of the end-to-end tests."""

from support.command import drift

__all__ = ["drift"]
