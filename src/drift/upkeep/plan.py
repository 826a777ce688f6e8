"""The plan of ``drift gc``: what would go, in which order, and what each removal frees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drift.config.model import FreeSpace
from drift.engine.model import DiskSpace
from drift.upkeep.candidates import Candidate, Kept, Kind, Looking, choose
from drift.upkeep.freed import Freed, Ledger

_ORDER = (Kind.CONTAINER, Kind.TAG, Kind.IMAGE, Kind.CACHE)


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal. ``expected`` is false where there is likely room enough before its turn."""

    candidate: Candidate
    frees: Freed
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes, in order, and what was kept. ``target`` are the bytes that are to be free
    (None: all of it goes), ``blocked`` says why nothing can be removed."""

    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]
    disk: DiskSpace | None
    target: int | None = None
    blocked: str | None = None

    @property
    def frees(self) -> int:
        """What the removals that are expected free, in bytes, as far as it is known."""
        return sum(one.frees.now for one in self.removals if one.expected)


def make_plan(looking: Looking, disk: DiskSpace | None) -> Plan:
    """What the rules let go, stalest first; with ``until_free``, only as much as is needed."""
    going, kept = choose(looking)
    until = looking.rules.until_free
    if until is None:
        going.sort(key=lambda one: _ORDER.index(one.kind))  # stable: by staleness within a kind
    going = _children_first(going, looking)
    removals = _struck(going, Ledger(looking.census))
    if until is None:
        return Plan(removals, tuple(kept), disk)
    target = wanted(until, disk)
    if disk is None or target is None:
        blocked = "how much is free cannot be known here, so until_free cannot be judged"
        waiting = tuple(replace(one, expected=False) for one in removals)
        return Plan(waiting, tuple(kept), disk, blocked=blocked)
    return Plan(_until(removals, target - disk.free), tuple(kept), disk, target)


def wanted(until: FreeSpace, disk: DiskSpace | None) -> int | None:
    """How many bytes are to be free; None where a share of an unknown disk is asked for."""
    if until.bytes is not None:
        return until.bytes
    if disk is None or until.percent is None:
        return None
    return int(disk.total * until.percent / 100)


def _struck(going: Sequence[Candidate], ledger: Ledger) -> tuple[Removal, ...]:
    return tuple(Removal(one, ledger.strike(one)) for one in going)


def _until(removals: Sequence[Removal], missing: int) -> tuple[Removal, ...]:
    found = []
    for one in removals:
        found.append(replace(one, expected=missing > 0))
        missing -= one.frees.now
    return tuple(found)


def _children_first(going: Sequence[Candidate], looking: Looking) -> list[Candidate]:
    """The same order, but no cache record before those that were made from it."""
    records = {one.id: one for one in going if one.kind is Kind.CACHE}
    placed: dict[str, Candidate] = {}

    def place(one: Candidate) -> None:
        key = f"{one.kind} {one.id} {' '.join(one.names)}"
        if key in placed:
            return
        if one.kind is Kind.CACHE:
            for child in sorted(records):
                if one.id in looking.census.cache[child].parents:
                    place(records[child])
        placed[key] = one

    for one in going:
        place(one)
    return list(placed.values())
