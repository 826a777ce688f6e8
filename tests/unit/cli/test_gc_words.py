"""What ``drift gc`` says of its plan."""

from __future__ import annotations

from datetime import UTC, datetime

from drift.cli.gc import Own
from drift.cli.swept import as_text
from drift.engine.model import DiskSpace
from drift.upkeep.candidates import Candidate, Kind
from drift.upkeep.freed import Freed
from drift.upkeep.plan import Plan, Removal

NOTHING = Own(0, 0, ())
DISK = DiskSpace(67 * 10**9, 252 * 10**9)


def removal(*names: str) -> Removal:
    since = datetime(2026, 11, 23, tzinfo=UTC)
    one = Candidate(Kind.IMAGE, "sha256:" + "a" * 64, names, "no tag names it", since)
    return Removal(one, Freed(10**6))


def test_what_until_free_asks_for_is_told_beside_what_is_free() -> None:
    told = as_text(NOTHING, Plan((removal(),), (), DISK, 100 * 10**9), None, None)
    wants = "until_free wants 100.0 GB free on the engine's disk; 67.0 GB of 252.0 GB is free now."
    assert wants in told
    after = DiskSpace(99 * 10**9, 252 * 10**9)
    told = as_text(NOTHING, Plan((), (), DISK, 100 * 10**9), [], after)
    assert "99.0 GB of 252.0 GB is free now" in told
    assert "until_free" not in as_text(NOTHING, Plan((removal(),), (), DISK), None, None)


def test_a_name_by_digest_leaves_room_for_the_reason() -> None:
    told = as_text(
        NOTHING, Plan((removal(f"registry/app@sha256:{'b' * 64}"),), (), None), None, None
    )
    (row,) = [line for line in told.splitlines() if line.startswith("image")]
    assert row.split("  ")[1:3] == ["registry/app@sha256:bbbbbbbbbbbb", "no tag names it"]


def test_that_no_rule_is_set_is_said() -> None:
    told = as_text(NOTHING, None, None, None)
    for key in ("dangling", "images_unused", "keep_tags", "containers_stopped", "build_cache"):
        assert key in told
