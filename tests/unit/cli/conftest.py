"""Fixtures of the unit tests of the command line."""

from support.command import drift

__all__ = ["drift"]
