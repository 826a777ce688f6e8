"""What can go wrong with the demo itself."""

from __future__ import annotations

from drift.errors import Error


class DemoError(Error):
    """The demo's world cannot be made, or its nights did not come out as promised."""
