"""What a night is compared with."""

from __future__ import annotations

from datetime import date

from drift.builds import Build
from drift.config.model import Policy
from drift.store.store import Store


def baseline_of(store: Store, policy: Policy, image: str, night: date) -> Build | None:
    """The baseline of an image on a night, as the policy wants it; None for a first one."""
    if policy.baseline == "accepted":
        return store.baseline_accepted(image)
    return store.baseline(image, night)
