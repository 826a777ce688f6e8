"""Signals that ask drift to stop: builds are cancelled, and nothing is left running."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_POLITE = (signal.SIGTERM, signal.SIGHUP)
_AGAIN = 0.05  # seconds


@contextmanager
def stoppable() -> Iterator[None]:
    """While this lasts SIGTERM and a lost terminal stop as Ctrl-C does, by KeyboardInterrupt.

    CI runners send one signal after the other: once drift is stopping, only another Ctrl-C
    cuts its cleaning up short. Signals that are ignored (nohup, a shell's background jobs)
    stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = (signal.SIGINT, *_POLITE)
    before = {number: signal.getsignal(number) for number in wanted}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    stop = _Stop()
    for number in heard:
        signal.signal(number, stop)
    try:
        with stop.certain():
            yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


class _Stop:
    """The handler. Where its exception gets lost it is called again a moment later: Python lets
    none out of an object's end, and a signal may come in just that."""

    def __init__(self) -> None:
        self._number: int = signal.SIGINT
        self._timer: threading.Timer | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self._number = number
        for polite in _POLITE:
            signal.signal(polite, signal.SIG_IGN)
        raise KeyboardInterrupt

    @contextmanager
    def certain(self) -> Iterator[None]:
        """While this lasts an exception that got lost is noticed."""
        otherwise = sys.unraisablehook

        def lost(found: sys.UnraisableHookArgs) -> None:
            if not issubclass(found.exc_type, KeyboardInterrupt):
                otherwise(found)
                return
            signal.signal(self._number, self)
            self._timer = threading.Timer(_AGAIN, os.kill, (os.getpid(), self._number))
            self._timer.start()

        sys.unraisablehook = lost
        try:
            yield
        finally:
            sys.unraisablehook = otherwise
            if self._timer is not None:
                self._timer.cancel()
