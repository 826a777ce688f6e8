"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes an example slow, not wrong; pytest's own timeout ends what hangs.
settings.register_profile("drift", deadline=None)
settings.load_profile("drift")
