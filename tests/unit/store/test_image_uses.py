"""Which images were seen in use, and since when drift has watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from drift.store.store import Store
from drift.store.uses import ImageUse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_what_was_seen_in_use(tmp_path: Path) -> None:
    later, last = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    with Store.open(f"sqlite:///{tmp_path}/drift.db") as store:
        store.watch_images("engine", ["a", "b"], ["a"], NOON)
        store.watch_images("other", ["a"], [], NOON)
        store.watch_images("engine", ["a", "b", "c"], ["b"], later)
        assert store.image_uses("engine") == {
            "a": ImageUse(NOON, NOON),
            "b": ImageUse(NOON, later),
            "c": ImageUse(later, None),
        }
        assert store.image_uses("other") == {"a": ImageUse(NOON, None)}
        store.watch_images("engine", ["b"], [], later)
        store.watch_images("engine", ["a", "b"], [], last)
        found = store.image_uses("engine")
        assert found["a"] == ImageUse(last, None), "one that comes back is new"
        assert found["b"] == ImageUse(NOON, later)


def test_used_but_gone_is_not_kept(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/drift.db") as store:
        store.watch_images("engine", ["a"], ["a", "gone"], NOON)
        assert set(store.image_uses("engine")) == {"a"}
