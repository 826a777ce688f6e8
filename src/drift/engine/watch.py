"""The end of a build that takes too long, or that nobody wants any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_INTERVAL = 0.2


class Watch:
    """Calls ``stop``, again and again, from when time is up or ``cancelled`` is set.

    Again, because what has to be stopped may not have begun yet. It ends with its block; then
    ``expired`` and ``was_cancelled`` tell whether, and why, it stopped anything.
    """

    def __init__(
        self, stop: Callable[[], None], timeout: float, cancelled: threading.Event
    ) -> None:
        self.expired = False
        self.was_cancelled = False
        self._stop = stop
        self._deadline = time.monotonic() + timeout
        self._cancelled = cancelled
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._look, name="drift-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finished.set()
        self._thread.join()

    @property
    def stopped(self) -> bool:
        return self.expired or self.was_cancelled

    def _look(self) -> None:
        while not self._finished.wait(_INTERVAL):
            if self._cancelled.is_set():
                self.was_cancelled = True
            elif time.monotonic() > self._deadline:
                self.expired = True
            if self.stopped:
                self._stop()
