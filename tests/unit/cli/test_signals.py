"""What stops drift, and what does not any more once it is stopping."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest

from drift.cli.signals import stoppable

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _handlers_are_given_back(heeded_signals: None) -> Iterator[None]:
    before = [signal.getsignal(number) for number in ALL]
    yield
    assert [signal.getsignal(number) for number in ALL] == before


@pytest.mark.parametrize("number", ALL)
def test_each_signal_stops(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), stoppable():
        signal.raise_signal(number)


@pytest.mark.parametrize("number", ALL)
def test_one_that_comes_where_none_can_be_raised_is_not_lost(number: signal.Signals) -> None:
    class Ends:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def wait() -> None:
        Ends()
        for _ in range(100):
            time.sleep(0.01)
        pytest.fail("it went on")

    with pytest.raises(KeyboardInterrupt), stoppable():
        wait()


def test_what_else_cannot_be_raised_is_told_as_ever() -> None:
    class Ends:
        def __del__(self) -> None:
            raise ValueError("at its end")

    told: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda found: told.append(str(found.exc_value))
    try:
        with stoppable():
            Ends()
    finally:
        sys.unraisablehook = before
    assert told == ["at its end"]


def clean_up_after(first: signal.Signals, second: signal.Signals, done: list[str]) -> None:
    """Be stopped by one signal, and hear another while cleaning up."""
    with stoppable():
        try:
            signal.raise_signal(first)
        finally:
            signal.raise_signal(second)
            done.append("cleaned")


@pytest.mark.parametrize("first", ALL)
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_cleaning_up_is_not_cut_short_by_what_follows(
    first: signal.Signals, second: signal.Signals
) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        clean_up_after(first, second, done)
    assert done == ["cleaned"]


def test_another_ctrl_c_cuts_it_short() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        clean_up_after(signal.SIGINT, signal.SIGINT, done)
    assert done == []


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
