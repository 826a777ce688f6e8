"""Signals that ask drift to stop: builds are cancelled, and nothing is left running."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_POLITE = (signal.SIGTERM, signal.SIGHUP)


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
    for number in heard:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _POLITE:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
