"""Which build is next, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from drift.attribute.experiment import (
    AGAIN_PHASE,
    CONTROL_PHASE,
    REPLAY_PHASE,
    Progress,
    next_build,
)
from drift.attribute.model import Need
from drift.builds import Role

REPLAY = (Role.REPLAY, REPLAY_PHASE)
AGAIN = (Role.NIGHTLY, AGAIN_PHASE)
CONTROL = (Role.CONTROL, CONTROL_PHASE)

TABLE: list[tuple[str, dict[str, Any], tuple[Role, int] | None]] = [
    ("nothing is open", {}, None),
    ("a source is not named", {"needs": {Need.CONTROL}}, CONTROL),
    ("and the control is there", {"needs": {Need.CONTROL}, "controls": 1}, None),
    ("it agrees", {"needs": {Need.SECOND_CONTROL}, "controls": 1}, CONTROL),
    ("two agree", {"needs": {Need.SECOND_CONTROL}, "controls": 2}, None),
    ("a control that failed", {"needs": {Need.CONTROL}, "control_failed": True}, None),
    ("control never", {"needs": {Need.CONTROL}, "policy": "never"}, None),
    ("control always", {"policy": "always"}, CONTROL),
    ("control always, and done", {"policy": "always", "controls": 1}, None),
    (
        "the repository changed",
        {"needs": {Need.REPLAY, Need.CONTROL}, "replayable": True},
        REPLAY,
    ),
    (
        "the replay is there",
        {"needs": {Need.CONTROL}, "replayable": True, "replays": 1},
        CONTROL,
    ),
    (
        "all differ",
        {"needs": {Need.SECOND_REPLAY}, "replayable": True, "replays": 1},
        CONTROL,
    ),
    (
        "all differ, and it is not noise",
        {"needs": {Need.SECOND_REPLAY}, "replayable": True, "replays": 1, "controls": 1},
        REPLAY,
    ),
    (
        "all differ, and no control can be had",
        {"needs": {Need.SECOND_REPLAY}, "replayable": True, "replays": 1, "policy": "never"},
        REPLAY,
    ),
    (
        "all differ, twice",
        {"needs": {Need.SECOND_REPLAY}, "replayable": True, "replays": 2},
        None,
    ),
    ("no replay can be had", {"needs": {Need.REPLAY}}, None),
    (
        "the replay failed",
        {"needs": {Need.REPLAY}, "replayable": True, "replay_failed": True},
        None,
    ),
    ("failed, nothing to replay", {"built": False, "failed": 1}, AGAIN),
    ("failed, the repository changed", {"built": False, "failed": 1, "replayable": True}, REPLAY),
    (
        "failed, and last night's revision builds",
        {"built": False, "failed": 1, "replayable": True, "replays": 1},
        AGAIN,
    ),
    (
        "failed, and so does last night's revision",
        {"built": False, "failed": 1, "replayable": True, "replay_failed": True},
        AGAIN,
    ),
    ("failed twice", {"built": False, "failed": 2}, None),
    ("failed for good", {"built": False, "failed": 1, "again": False}, None),
]


@pytest.mark.parametrize(("facts", "expected"), [pytest.param(*r[1:], id=r[0]) for r in TABLE])
def test_the_next_build(facts: dict[str, Any], expected: tuple[Role, int] | None) -> None:
    wanted = next_build(Progress(**{"built": True, **facts}))
    assert (wanted and (wanted.role, wanted.phase)) == expected
    assert wanted is None or wanted.reason


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("policy", ["auto", "always", "never"])
def test_every_experiment_ends(built: bool, policy: str) -> None:
    """Whatever stays open, at most two builds of each role are made."""
    made = {Role.NIGHTLY: 1, Role.REPLAY: 0, Role.CONTROL: 0}
    for _ in range(10):
        wanted = next_build(
            Progress(
                built=built,
                failed=0 if built else made[Role.NIGHTLY],
                replayable=True,
                replays=made[Role.REPLAY],
                controls=made[Role.CONTROL],
                policy=policy,
                needs=frozenset(Need),
            )
        )
        if wanted is None:
            break
        made[wanted.role] += 1
    assert wanted is None
    assert max(made.values()) <= 2
