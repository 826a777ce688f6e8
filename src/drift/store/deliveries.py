"""Who was told what, and which messages could not be delivered.

A target is known by a digest: addresses may be secret. What it was told is kept by the digest
of the item, with the value that was told; it counts only once a message was delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from drift.store.schema import deliveries, told

Connection = sa.Connection


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one target, tried as often as it is; ``error`` is None where it arrived.

    ``name`` is the target as people may see it. ``run`` is None where the night's run could
    not be done; ``about`` then says why.
    """

    target: str
    name: str
    run: str | None
    night: date
    at: datetime
    error: str | None = None
    about: str | None = None


def record(connection: Connection, delivery: Delivery, items: Mapping[str, str]) -> None:
    """Keep a delivery; where it arrived its target has been told the items."""
    columns = [column.name for column in deliveries.columns if column.name != "id"]
    row = {name: getattr(delivery, name) for name in columns}
    connection.execute(deliveries.insert(), row)
    if delivery.error is None:
        forget(connection, delivery.target, items)
        for item, value in items.items():
            row = {"target": delivery.target, "item": item, "value": value, "at": delivery.at}
            connection.execute(told.insert(), row)


def forget(connection: Connection, target: str, items: Collection[str]) -> None:
    """Let items be news again for a target."""
    for item in items:
        connection.execute(told.delete().where(told.c.target == target, told.c.item == item))


def told_to(connection: Connection, target: str) -> dict[str, str]:
    """What a target was told: values by items."""
    rows = connection.execute(sa.select(told).where(told.c.target == target))
    return {row.item: row.value for row in rows}


def failing(connection: Connection, target: str | None = None) -> tuple[Delivery, ...]:
    """What could not be delivered since something last was, the oldest first.

    Of one target, or of all.
    """
    arrived = (
        sa.select(deliveries.c.target, sa.func.max(deliveries.c.id).label("id"))
        .where(deliveries.c.error.is_(None))
        .group_by(deliveries.c.target)
        .subquery()
    )
    query = (
        sa.select(deliveries)
        .select_from(deliveries.outerjoin(arrived, arrived.c.target == deliveries.c.target))
        .where(sa.or_(arrived.c.id.is_(None), deliveries.c.id > arrived.c.id))
        .order_by(deliveries.c.id)
    )
    if target is not None:
        query = query.where(deliveries.c.target == target)
    return tuple(
        Delivery(row.target, row.name, row.run, row.night, row.at, row.error, row.about)
        for row in connection.execute(query)
    )
