"""Whether containers that were started work: healthy, or running long enough."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from drift.engine import census
from drift.engine.connection import Connection
from drift.report.words import lasting

_EVERY = 0.5  # seconds between two looks
_SECOND = 10**9  # nanoseconds
LONGEST = 600.0  # seconds that a health check may take, where the watch is not longer
_INTERVAL, _TIMEOUT, _RETRIES = 30.0, 30.0, 3  # the engine's, for a check that does not say


def wait_until_well(
    connection: Connection, containers: Mapping[str, str], watch: float
) -> str | None:
    """Wait for containers that were just started; why one does not work, None where all do.

    ``containers`` are names by id. One with a health check works when that says healthy; one
    without when it has run for ``watch`` seconds. For a check see :func:`patience`.

    Raises:
        EngineError: the engine does not answer.
    """
    began = time.monotonic()
    waiting = set(containers)
    while True:
        for one in sorted(waiting):
            passed = time.monotonic() - began
            well = _is_well(census.container(connection, one), passed, watch)
            if isinstance(well, str):
                return f"{containers[one]} {well}"
            if well:
                waiting.discard(one)
        if not waiting:
            # A healthy one may have ended while another was waited for.
            return _ended(connection, containers)
        time.sleep(_EVERY)


def _ended(connection: Connection, containers: Mapping[str, str]) -> str | None:
    for one, name in containers.items():
        state = (census.container(connection, one) or {}).get("State") or {}
        if not state.get("Running"):
            return f"{name} ended with exit code {state.get('ExitCode')}"
    return None


def _is_well(document: Mapping[str, Any] | None, passed: float, watch: float) -> bool | str:
    """True, False while it is not known yet, or what is wrong."""
    if document is None:
        return "is gone"
    state = document.get("State") or {}
    if not state.get("Running"):
        return f"ended with exit code {state.get('ExitCode')}"
    health = (state.get("Health") or {}).get("Status") or "none"
    if health == "none":
        return passed >= watch
    if health == "healthy":
        return True
    if health == "unhealthy":
        return "is unhealthy"
    within = patience(_check(document), watch)
    return f"was not healthy within {lasting(within)}" if passed > within else False


def awaited(connection: Connection, containers: Mapping[str, str], watch: float) -> str:
    """What is waited for, in words: ``web to be healthy within 2 minutes``.

    Raises:
        EngineError: the engine does not answer.
    """
    said = []
    for one, name in containers.items():
        check = _check(census.container(connection, one) or {})
        well = f"be healthy within {lasting(patience(check, watch))}"
        said.append(f"{name} to {well if _checks(check) else f'run for {lasting(watch)}'}")
    return ", ".join(said)


def patience(check: Mapping[str, Any], watch: float) -> float:
    """How long a container may take to be healthy, in seconds: the time that its check gives
    itself, its start period and all its retries; no more than :data:`LONGEST`, as some have a
    start period that never ends in practice; and at least ``watch``, which its owner can set."""
    interval, timeout, start = (
        float(check.get(key) or 0) / _SECOND for key in ("Interval", "Timeout", "StartPeriod")
    )
    retries = int(check.get("Retries") or _RETRIES)
    takes = start + (retries + 1) * ((interval or _INTERVAL) + (timeout or _TIMEOUT))
    return max(watch, min(takes, LONGEST))


def _check(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return (document.get("Config") or {}).get("Healthcheck") or {}


def _checks(check: Mapping[str, Any]) -> bool:
    return str([*(check.get("Test") or ()), "NONE"][0]) != "NONE"
