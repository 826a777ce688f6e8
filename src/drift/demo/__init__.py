"""The demo: a small world of its own on loopback, and three real nights in it."""

from __future__ import annotations

from drift.demo.failure import DemoError
from drift.demo.thread import run

__all__ = ["DemoError", "run"]
