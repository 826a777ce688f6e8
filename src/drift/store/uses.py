"""Which images an engine was seen to hold, and when one was last seen in use.

Nothing in an engine remembers a container that was removed with its end, so "unused" can only
mean: not seen in use while drift watched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from drift.store.schema import image_uses


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Since when drift has seen an image, and when it last saw it in use (None: never)."""

    first_seen: datetime
    last_used: datetime | None


def of_engine(connection: sa.Connection, engine: str) -> dict[str, ImageUse]:
    """What is known of an engine's images, by image ID."""
    query = sa.select(image_uses).where(image_uses.c.engine == engine)
    return {row.image: ImageUse(row.first_seen, row.last_used) for row in connection.execute(query)}


def watch(
    connection: sa.Connection,
    engine: str,
    present: Iterable[str],
    used: Iterable[str],
    at: datetime,
) -> None:
    """Note the images that the engine holds, and those of them that are in use; forget those
    that are gone, so that one that comes back is new."""
    known = of_engine(connection, engine)
    present, used = set(present), set(used)
    of_this = image_uses.c.engine == engine
    for image in sorted(set(known) - present):
        connection.execute(sa.delete(image_uses).where(of_this, image_uses.c.image == image))
    new = [
        {
            "engine": engine,
            "image": image,
            "first_seen": at,
            "last_used": at if image in used else None,
        }
        for image in sorted(present - set(known))
    ]
    if new:
        connection.execute(sa.insert(image_uses), new)
    for image in sorted(used & present & set(known)):
        row = sa.update(image_uses).where(of_this, image_uses.c.image == image)
        connection.execute(row.values(last_used=at))
