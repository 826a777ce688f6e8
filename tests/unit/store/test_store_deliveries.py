"""Who was told what: only what arrived counts, and what did not is not forgotten."""

from __future__ import annotations

from datetime import timedelta

from drift.store.deliveries import Delivery
from drift.store.store import Store
from support.store_samples import NIGHT, NOW


def delivery(days: int, error: str | None, target: str = "t", run: str | None = "r") -> Delivery:
    about = None if run else "no engine"
    return Delivery(target, "mail", run, NIGHT + timedelta(days), NOW, error, about)


def test_only_what_arrived_was_told(store: Store) -> None:
    store.delivered(delivery(0, "refused"), {"a": "1"})
    assert store.told("t") == {}
    store.delivered(delivery(1, None), {"a": "1", "b": ""})
    store.delivered(delivery(2, None), {"a": "2"})
    assert store.told("t") == {"a": "2", "b": ""}
    assert store.told("other") == {}
    store.let_be_news("t", ["a"])
    assert store.told("t") == {"b": ""}


def test_what_failed_is_listed_until_something_arrives(store: Store) -> None:
    failed = [delivery(0, "refused\0", run=None), delivery(1, "time-out")]
    store.delivered(delivery(0, None), {})
    for one in failed:
        store.delivered(one, {})
    elsewhere = delivery(1, "no", target="u")
    store.delivered(elsewhere, {})
    assert store.undelivered("t") == tuple(failed)
    assert store.undelivered() == (*failed, elsewhere)
    store.delivered(delivery(2, None), {})
    assert store.undelivered() == (elsewhere,)


def test_failures_are_forgotten_with_their_nights(store: Store) -> None:
    store.delivered(delivery(0, "refused"), {})
    store.delivered(delivery(9, "refused"), {})
    store.prune(NIGHT + timedelta(10), 5, 0)
    assert store.undelivered() == (delivery(9, "refused"),)
