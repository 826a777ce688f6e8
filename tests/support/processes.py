"""What runs on this machine, and waiting: until it does or does no more, or for the clock."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable


def unique_sleep() -> str:
    """A command that nothing else on this machine runs; it outlasts the test."""
    return f"sleep {random.randrange(10**6, 10**7)}"


def processes(command: str) -> list[str]:
    """The ids of all processes of this machine that run exactly this command."""
    listed = subprocess.run(["ps", "axww", "-o", "pid=,args="], capture_output=True, text=True)
    lines = (line.split(maxsplit=1) for line in listed.stdout.splitlines())
    return [pid for pid, arguments in lines if arguments == command]


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def next_second() -> None:
    """Wait for the clock's next second: modification times are whole ones, and differ then."""
    time.sleep(1 - time.time() % 1)
