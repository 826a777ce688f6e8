"""Which paths of an image are worth a reader's time, where there is no room for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest
from typing import Any

Part = dict[str, Any]

FILES_SHOWN = 2000  # paths of one image; the others are counted
_CHUNK = 100  # causes take turns in portions of so many paths


def listed(
    entries: Sequence[Part], ordered: Sequence[str], limit: int = FILES_SHOWN
) -> dict[str | None, list[Part]]:
    """The entries by cause: the largest, and no cause crowded out by another.

    ``ordered`` are the ids of the causes, the most important first.
    """
    by_cause: dict[str | None, list[Part]] = defaultdict(list)
    for entry in entries:
        by_cause[entry["cause"]].append(entry)
    best = {cause: nsmallest(limit, held, key=_rank) for cause, held in by_cause.items()}
    order = sorted(best, key=lambda c: ordered.index(c) if c in ordered else len(ordered))
    found: dict[str | None, list[Part]] = defaultdict(list)
    for start in range(0, limit, _CHUNK):
        for cause in order:
            taken = best[cause][start : start + _CHUNK][:limit]
            limit -= len(taken)
            if taken:
                found[cause] += taken
    return found


def weight(entry: Part) -> int:
    """The larger side's size."""
    before, after = entry["before"], entry["after"]
    one = before["size"] if before else 0
    other = after["size"] if after else 0
    return int(one if one > other else other)


def _rank(entry: Part) -> tuple[bool, int, str]:
    """Those with a diff come first, then the largest."""
    return "diff" not in entry, -weight(entry), entry["path"]
