"""How long a new container may take until it works."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from drift.engine import census
from drift.upkeep import watching
from drift.upkeep.watching import LONGEST, patience, wait_until_well

S = 10**9  # nanoseconds


@pytest.mark.parametrize(
    ("check", "watch", "seconds"),
    [
        ({}, 60, 240),  # the engine's 30 s twice, and its three retries after the first
        ({"Interval": S, "Timeout": S, "Retries": 1}, 1, 4),
        ({"Interval": S, "Timeout": S, "Retries": 1, "StartPeriod": 120 * S}, 60, 124),
        ({"Interval": S, "Timeout": S, "Retries": 1}, 60, 60),
        ({"StartPeriod": 24 * 3600 * S}, 60, LONGEST),
        ({"Interval": S, "Retries": 10**9}, 60, LONGEST),
        ({"StartPeriod": 24 * 3600 * S}, 3600, 3600),
    ],
)
def test_a_check_has_the_time_that_it_gives_itself_within_bounds(
    check: dict[str, Any], watch: float, seconds: float
) -> None:
    assert patience(check, watch) == seconds


def test_one_whose_start_period_does_not_end_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = {
        "State": {"Running": True, "Health": {"Status": "starting"}},
        "Config": {"Healthcheck": {"Test": ["CMD", "false"], "StartPeriod": 10**6 * S}},
    }
    monkeypatch.setattr(watching, "LONGEST", 0.01)
    monkeypatch.setattr(watching, "_EVERY", 0.01)
    monkeypatch.setattr(census, "container", lambda *_: document)
    why = wait_until_well(Mock(), {"id": "web"}, 0.01)
    assert why == "web was not healthy within 1 second"
