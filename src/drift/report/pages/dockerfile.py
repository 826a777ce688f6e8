"""A Dockerfile's lines, with those marked that a cause or a failure points at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

LINES = 1500
_WIDTH = 1000  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``causes`` where it begins an instruction that they name.

    ``guilty`` is true for every line of such an instruction.
    """

    number: int
    text: str
    causes: tuple[str, ...] = ()
    guilty: bool = False
    failed: bool = False


def lines(
    text: str, guilty: Mapping[int, Sequence[str]], failed: Collection[int] = ()
) -> list[Line]:
    """The lines of a Dockerfile; ``guilty`` has the ids of causes by the line they name."""
    found: list[Line] = []
    marked = stopped = False
    for number, line in enumerate(text.splitlines()[:LINES], 1):
        goes_on = bool(found) and found[-1].text.rstrip().endswith(("\\", "`"))
        ids = tuple(dict.fromkeys(guilty.get(number, ())))
        marked = bool(ids) or (marked and goes_on)
        stopped = number in failed or (stopped and goes_on)
        found.append(Line(number, line[:_WIDTH], ids, marked, stopped))
    return found
