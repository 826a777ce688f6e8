"""The table over random paths: no change of the world that can be seen may be missed."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from support.origin_simulation import Outcome, Tally, all_dependencies, simulate

SEED, PATHS = 4, 8_000


@cache
def tally(nights_before: int) -> Tally:
    return simulate(PATHS, SEED, nights_before)


@pytest.mark.parametrize("nights_before", [0, 4])
def test_no_change_of_the_world_is_missed(nights_before: int) -> None:
    """But on nights on which the engine moved too: what that did, nobody can tell apart."""
    found = tally(nights_before).outcomes
    missed = Counter({key: count for key, count in found.items() if key[2] is Outcome.MISSED})
    assert not missed, missed.most_common(5)


def test_only_a_coin_or_a_moved_engine_makes_a_false_alarm() -> None:
    """A file of two values fools each control every other time."""
    alarms = {key[:2] for key in tally(0).outcomes if key[2] is Outcome.FALSE_ALARM}
    assert alarms
    assert all("coin" in depends or "engine" in moved for depends, moved in alarms), alarms


def test_a_coin_is_known_after_some_nights() -> None:
    """Then no false alarm is left where nothing moved."""

    def quiet_alarms(nights: int) -> int:
        return sum(
            count
            for (_, moved, outcome), count in tally(nights).outcomes.items()
            if outcome is Outcome.FALSE_ALARM and moved == "nothing"
        )

    assert quiet_alarms(4) < quiet_alarms(0)


def test_every_combination_is_simulated() -> None:
    named = {depends for depends, _, _ in tally(0).outcomes}
    assert named == {depends.named for depends in all_dependencies()}
