"""Progress on stderr: live lines for each build on a terminal, plain lines elsewhere.

Both are :class:`drift.nightly.watch.Watcher`: they are called from several threads. Names
of steps come from Dockerfiles and builders: they are masked and made inert before they are
shown, and never read as markup.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drift.cli import output

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from drift.builds import Role
    from drift.nightly.watch import Watcher

_LONGEST = 200  # characters of a plain line
_PLACE = re.compile(r"^(?:\[[^\]]*\]|Step [0-9]+/[0-9]+ :)\s*")


@contextmanager
def watching() -> Iterator[Watcher]:
    """A watcher as stderr deserves it, for as long as the context lasts."""
    if output.is_terminal(sys.stderr) and not os.environ.get("CI"):
        with LiveLines() as live:
            yield live
    else:
        with output.unheeded(sys.stderr):
            yield PlainLines()


def step_line(step: int, steps: int, name: str) -> str:
    """``step 3/7 RUN apt-get …``: the builder's own count within a stage is left out."""
    return f"step {step}/{steps} {_PLACE.sub('', name)}"


def end_line(seconds: float, outcome: str) -> str:
    """``built in 21.4 s``, or why not."""
    if outcome == "built":
        return f"built in {seconds:.1f} s"
    return f"not built, after {seconds:.1f} s: {outcome}"


def label(image: str, role: str) -> str:
    """The image; with the role where it is not the night's own build."""
    return image if role == "nightly" else f"{image} ({role})"


class PlainLines:
    """One line for each thing that happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._labels: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def says(self, message: str) -> None:
        self._line("drift", message)

    def begins(self, image: str, role: Role, reason: str) -> None:
        self._labels[image] = label(image, role.value)
        self._line(self._labels[image], f"building: {reason}")

    def steps(self, image: str, step: int, steps: int, name: str) -> None:
        said = step_line(step, steps, name)
        if self._shown.get(image) != said:
            self._shown[image] = said
            self._line(self._labels.get(image, image), said)

    def ends(self, image: str, role: Role, seconds: float, outcome: str) -> None:
        self._shown.pop(image, None)
        self._line(label(image, role.value), end_line(seconds, outcome))

    def _line(self, who: str, what: str) -> None:
        line = output.inert(f"{who}: {what}")
        with self._lock:
            output.say(line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")


@dataclass(slots=True)
class _Running:
    """A build that is under way."""

    label: str
    what: str = "waiting for the builder"
    since: float = field(default_factory=time.monotonic)


class LiveLines:
    """A line for each running build that changes in place; what has ended scrolls away."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        coloured = output.is_coloured(sys.stderr)
        self._console = console or Console(stderr=True, no_color=not coloured, highlight=False)
        self._running: dict[str, _Running] = {}
        self._live = Live(
            get_renderable=self._lines,
            console=self._console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveLines:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def says(self, message: str) -> None:
        self._print("drift", message)

    def begins(self, image: str, role: Role, reason: str) -> None:
        named = label(image, role.value)
        self._running[image] = _Running(named)
        if named != image:  # why the night's own build is made goes without saying
            self._print(named, f"building: {reason}")

    def steps(self, image: str, step: int, steps: int, name: str) -> None:
        if image in self._running:
            self._running[image].what = step_line(step, steps, name)

    def ends(self, image: str, role: Role, seconds: float, outcome: str) -> None:
        self._running.pop(image, None)
        self._print(label(image, role.value), end_line(seconds, outcome))

    def _print(self, who: str, what: str) -> None:
        from rich.text import Text

        self._console.print(Text(output.inert(f"{who}: {what}")), soft_wrap=True)

    def _lines(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        lines = [
            Text.assemble(
                (f"{elapsed(now - one.since):>6} ", "dim"),
                (output.inert(one.label), "bold"),
                f" {output.inert(one.what)}",
            )
            for one in list(self._running.values())
        ]
        for line in lines:
            line.truncate(max(10, self._console.width - 1), overflow="ellipsis")
        return Text("\n").join(lines)


def elapsed(seconds: float) -> str:
    """``7s``, ``2m05s``, ``1h02m``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
