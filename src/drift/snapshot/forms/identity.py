"""A machine's identity (machine-id(5)): made at random when systemd or D-Bus is installed."""

from __future__ import annotations

import re

from drift.snapshot.forms.model import Window

PATHS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_ID = re.compile(rb"[0-9a-f]{32}\n?")


class MachineId:
    """That there is an identity, and not which. Not exact: it may as well have been chosen."""

    name = "machine-id"
    kind = "random"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """A constant; None where there is no identity, or another text."""
        del path, window
        return b"machine-id" if _ID.fullmatch(content) else None
