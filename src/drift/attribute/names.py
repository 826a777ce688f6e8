"""Random names: files of one directory that each build calls something else.

(Contract: "names found in only one of Y, T and A, in one directory of one layer, are one
set: nondeterminism if T and A each have one".) A name of the baseline belongs to the set only
where it looks like the others: what else went from the directory is not excused by them. A
date in a name is one in each: builds of one night share more of it than of another's.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from drift.attribute.sides import Sides
from drift.attribute.values import Values
from drift.compare.model import Change, Comparison, FileChange
from drift.snapshot.model import EntryType

# A date, perhaps with a time (ISO 8601 with any separators), or seconds since the epoch.
_STAMP = re.compile(
    r"(?<!\d)(?:20\d\d([-_.]?)(?:0\d|1[0-2])\1(?:[0-2]\d|3[01])"
    r"(?:[T_ .-]?[0-2]\d(?:[:_.-]?[0-5]\d){1,2}(?:[._,]\d+)?)?|1\d{9}(?:\d{3})?)(?!\d)"
)

_Place = tuple[str, str | None, EntryType]


@dataclass(frozen=True, slots=True)
class NameSet:
    """Names that one instruction makes up in one directory; ``layer`` is tonight's."""

    directory: str
    layer: int | None


class RandomNames:
    """The paths whose names are noise, and all that lies below them."""

    def __init__(self, sides: Sides, comparison: Comparison, values: Values) -> None:
        self._sides = sides
        tonight = [c for c in comparison.files if c.change is Change.ADDED]
        baseline = [c for c in comparison.files if c.change is Change.REMOVED]
        known = {change.path for change in baseline}
        again = [c for c in values.only_in_controls() if c.path not in known]
        held = {change.path for change in values.only_in_controls()}
        here = self._sets((c for c in tonight if values.absent_from_controls(c.path)), before=False)
        there = self._sets(again, before=False)
        then = self._sets((c for c in baseline if c.path not in held), before=True)
        layers = {change.path: change.after_layer for change in tonight}
        self._sets_of: dict[str, NameSet] = {}
        for place in here.keys() & there.keys():
            alike = [*here[place], *there[place]]
            names = [name for name in then.get(place, ()) if _looks_like(name, alike)]
            found = NameSet(place[0], layers[here[place][0]])
            self._sets_of.update((name, found) for name in (*here[place], *names))

    def set_of(self, path: str) -> NameSet | None:
        """The set that a path belongs to, or one of its parents does; None for most paths."""
        while path not in ("", "/"):
            if path in self._sets_of:
                return self._sets_of[path]
            path = posixpath.dirname(path)
        return None

    def _sets(self, changes: Iterable[FileChange], *, before: bool) -> dict[_Place, list[str]]:
        """Paths by directory, instruction and type; those below others of them left out."""
        found: dict[_Place, list[str]] = defaultdict(list)
        taken: set[str] = set()
        for change in sorted(changes, key=lambda change: change.path):
            parent = posixpath.dirname(change.path)
            entry = change.after or change.before
            taken.add(change.path)
            if parent in taken or entry is None:
                continue
            layer = change.before_layer if before else change.after_layer
            made_by = self._sides.made_by(layer, before=before)
            text = made_by.text if made_by else None  # its line may have moved
            found[parent, text, entry.type].append(change.path)
        return found


def _looks_like(path: str, others: Iterable[str]) -> bool:
    """Whether a name has what the others have in common: beginning, end, and length."""
    names = [_undated(other) for other in others]
    name = _undated(path)
    prefix = _common_start(names)
    suffix = _common_start([other[::-1] for other in names])[::-1]
    lengths = {len(other) for other in names}
    same_length = len(lengths) > 1 or len(name) in lengths
    return same_length and name.startswith(_steady(prefix)) and name.endswith(_steady(suffix))


def _undated(path: str) -> str:
    """A path's name; of a date in it, only its shape."""
    return _STAMP.sub(lambda found: re.sub(r"\d", "0", found[0]), posixpath.basename(path))


def _common_start(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    end = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:end]


def _steady(common: str) -> str:
    """Of what names share at an end, all but a letter that they may share by chance."""
    return common if len(common) > 1 else ""
