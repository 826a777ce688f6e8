"""The layers of both sides as two stacks, and where they part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Level:
    """One position of the two stacks; a side is None where it has no such layer.

    The widths are those of bars, from 0 to 100.
    """

    index: int
    before: Part | None
    after: Part | None
    before_width: int
    after_width: int
    same: bool
    parts_here: bool

    @property
    def instruction(self) -> Part | None:
        """What made the layer, the candidate's where it has one there."""
        made: Part | None = self._shown["instruction"]
        return made

    @property
    def created_by(self) -> str | None:
        """What the image's history says of it, where no instruction is known."""
        said: str | None = self._shown.get("created_by")
        return said

    @property
    def base(self) -> bool:
        """Whether a base brought it."""
        return bool(self._shown["base"])

    @property
    def _shown(self) -> Part:
        """The side that is told of: a base with one layer more pushes others' to its place."""
        return self.after or self.before or {"instruction": None, "base": False}


def stacks(image: Part) -> list[Level]:
    """The levels of both stacks, the lowest first; none where they are not known."""
    sides = [(image[name] or {}).get("layers") or [] for name in ("baseline", "candidate")]
    if not sides[1]:
        return []
    sizes = [layer["size"] for side in sides for layer in side]
    largest = max(sizes, default=0)
    levels: list[Level] = []
    parted = not sides[0]
    for index, (before, after) in enumerate(zip_longest(*sides)):
        same = bool(before and after and before["diff_id"] == after["diff_id"])
        here = not same and not parted
        parted = parted or here
        widths = [_width(side, largest) for side in (before, after)]
        levels.append(Level(index, before, after, widths[0], widths[1], same, here))
    return levels


def _width(layer: Part | None, largest: int) -> int:
    """A bar's length: the square root, so that small layers can be seen beside large ones."""
    if layer is None or not largest or layer["size"] <= 0:
        return 0
    return max(1, round(100 * math.sqrt(layer["size"] / largest)))
