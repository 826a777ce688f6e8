"""The table over random paths: no change of the world that can be seen may be missed."""

from __future__ import annotations

from collections import Counter

import pytest

from support.origin_simulation import Outcome, all_dependencies, simulate

SEED, PATHS = 4, 20_000


@pytest.mark.parametrize("nights_before", [0, 1, 5])
def test_no_change_of_the_world_is_missed(nights_before: int) -> None:
    tally = simulate(PATHS, SEED, nights_before)
    missed = Counter(
        {key: count for key, count in tally.outcomes.items() if key[2] is Outcome.MISSED}
    )
    assert not missed, missed.most_common(5)


def test_only_a_coin_makes_a_false_alarm() -> None:
    """A file of two values fools each control every other time; nothing else fools any."""
    tally = simulate(PATHS, SEED)
    alarms = {key for key in tally.outcomes if key[2] is Outcome.FALSE_ALARM}
    assert all("coin" in depends for depends, _, _ in alarms), alarms


def test_false_alarms_become_fewer_as_nights_go_by() -> None:
    shares = [simulate(PATHS, SEED, nights).of(Outcome.FALSE_ALARM) for nights in (0, 2, 8)]
    assert shares == sorted(shares, reverse=True)
    assert shares[2] < shares[0] / 2


def test_every_combination_is_simulated() -> None:
    tally = simulate(PATHS, SEED)
    named = {depends for depends, _, _ in tally.outcomes}
    assert named == {depends.named for depends in all_dependencies()}
