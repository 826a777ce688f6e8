"""Three tries within a minute, for every target at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drift.errors import PublishError

WITHIN = 60.0  # seconds for all tries together
TIMEOUT = 15.0  # of each answer that a try waits for
PAUSES = (2.0, 6.0)  # between the tries

Try = Callable[[float], None]


@dataclass(slots=True)
class Attempt:
    """How sending one message goes: ``error`` is None once it has arrived."""

    error: str | None = f"no answer within {WITHIN:.0f} s"


def attempt_all(tries: Sequence[Try]) -> list[str | None]:
    """Send several messages at once; of each None, or why the last of its tries failed.

    A try that outlives the minute is left behind, and counts as failed.
    """
    attempts = [Attempt() for _ in tries]
    threads = [
        threading.Thread(target=_attempt, args=(send, attempt), daemon=True)
        for send, attempt in zip(tries, attempts, strict=True)
    ]
    deadline = time.monotonic() + WITHIN
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [attempt.error for attempt in attempts]


def _attempt(send: Try, attempt: Attempt) -> None:
    deadline = time.monotonic() + WITHIN
    for pause in (0.0, *PAUSES):
        time.sleep(pause)
        left = deadline - time.monotonic()
        if left <= 0:
            return
        try:
            send(min(TIMEOUT, left))
        except PublishError as error:
            attempt.error = error.message
        except Exception as error:  # a library's own, which may quote an address
            attempt.error = f"a bug in drift: {type(error).__name__}"
        else:
            attempt.error = None
            return
