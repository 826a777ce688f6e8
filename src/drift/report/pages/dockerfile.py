"""A Dockerfile's lines, with those marked that a cause or a failure points at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from drift.source.dockerfile.model import DockerfileError
from drift.source.dockerfile.parse import parse
from drift.source.dockerfile.scope import expand, global_scope

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


def lines_of_base(text: str, base: str) -> list[int]:
    """The lines of the FROMs that name a base, by itself or by build arguments.

    Which arguments the build was given is not known here: their defaults are taken, and where
    those lead elsewhere, the only FROM that has an argument is meant.
    """
    plain = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line[:5].upper() == "FROM " and base in line.split()
    ]
    return plain or _by_argument(text, base)


def _by_argument(text: str, base: str) -> list[int]:
    try:
        dockerfile = parse(text.encode("utf-8", "backslashreplace"))
        named = [stage for stage in dockerfile.stages if "$" in stage.base]
        known = global_scope(dockerfile, {}, {})
        meant = [
            stage
            for stage in named
            if expand(stage.base, known, dockerfile.escape, stage.line) == base
        ]
    except DockerfileError:  # cut, or a value in it is hidden
        return []
    return [stage.line for stage in meant or (named if len(named) == 1 else [])]
