"""Whether an index that moved moved for one platform. Only asks; what cannot be told is no."""

from __future__ import annotations

from collections.abc import Sequence

from drift.engine.manifests import Manifests
from drift.oci import Digest, Platform

_MOST = 3  # older indexes that are looked at


def is_still(
    manifests: Manifests, platform: Platform, image_id: str, known: Sequence[str], newest: Digest
) -> bool:
    """Whether an index has for ``platform`` what runs.

    ``image_id`` is the running image's, the digest of its configuration or, in some stores, of
    a manifest or an index; ``known`` are the digests that it came by.

    Raises:
        EngineError: the registry does not tell.
    """
    new = manifests.image(newest, platform)
    if new is None:
        return False
    if {image_id, *known} & set(new):
        return True
    # An engine that knows only the index by which it pulled: what that one has.
    return any(manifests.image(Digest(one), platform) == new for one in known[:_MOST])
