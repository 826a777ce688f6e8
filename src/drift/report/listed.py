"""Which paths of an image are worth a reader's time, where there is no room for all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
    rank = {cause: place for place, cause in enumerate(ordered)}
    turns = sorted(
        _turns(entries), key=lambda turn: (turn[0], rank.get(turn[1]["cause"], len(rank)))
    )
    found: dict[str | None, list[Part]] = defaultdict(list)
    for _, entry in turns[:limit]:
        found[entry["cause"]].append(entry)
    return found


def weight(entry: Part) -> int:
    """The larger side's size."""
    return max((side["size"] for side in (entry["before"], entry["after"]) if side), default=0)


def _turns(entries: Sequence[Part]) -> Iterator[tuple[int, Part]]:
    """Each entry with its turn within its cause: those with a diff, then the largest, first."""
    seen: Counter[str | None] = Counter()
    for entry in sorted(entries, key=lambda e: ("diff" not in e, -weight(e), e["path"])):
        yield seen[entry["cause"]] // _CHUNK, entry
        seen[entry["cause"]] += 1
