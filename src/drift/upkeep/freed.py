"""What a removal really frees, given what is gone before it. No effects.

A layer lies on the disk once, for all images and cache records that hold it: it is freed with
the last of them. The engine does not say which layer a cache record shares, only that it shares
one; records are tied to layers by their size, which is the same to the byte.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from drift.upkeep.candidates import Candidate, Kind
from drift.upkeep.model import Census


@dataclass(frozen=True, slots=True)
class Freed:
    """Bytes: ``now`` with this removal, ``with_cache`` only once the build-cache records
    ``records`` are gone too. ``known`` is false where layers' sizes are not told: then it is
    at least so much."""

    now: int
    with_cache: int = 0
    records: tuple[str, ...] = ()
    known: bool = True


class Ledger:
    """Who holds which layer, while removals are struck off one by one."""

    def __init__(self, census: Census) -> None:
        self._sizes: dict[str, int] = {}
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._unsized: set[str] = set()
        for image in census.images:
            for layer in image.layers:
                self._holders[layer.chain].add(image.id)
                if layer.size is None:
                    self._unsized.add(layer.chain)
                else:
                    self._sizes[layer.chain] = layer.size
        self._layers = {i.id: tuple(layer.chain for layer in i.layers) for i in census.images}
        self._names = {i.id: set(i.tags) for i in census.images}
        self._cache = dict(census.cache)
        self._writable = {one.id: one.size for one in census.containers}
        self._sharing: dict[str, set[str]] = defaultdict(set)
        by_size: dict[int, set[str]] = defaultdict(set)
        for chain, size in self._sizes.items():
            by_size[size].add(chain)
        for record in self._cache.values():
            if record.shared and record.size:
                for chain in by_size[record.size]:
                    self._sharing[chain].add(record.id)

    def strike(self, one: Candidate) -> Freed:
        """What removing this frees, after all that was struck off before."""
        if one.kind is Kind.CONTAINER:
            return Freed(self._writable.pop(one.id, 0))
        if one.kind is Kind.CACHE:
            return self._strike_record(one.id)
        names = self._names.get(one.id, set())
        names -= set(one.names)
        return self._strike_image(one.id) if not names else Freed(0)

    def _strike_image(self, image: str) -> Freed:
        now = later = 0
        records: set[str] = set()
        known = True
        for chain in self._layers.pop(image, ()):
            self._holders[chain].discard(image)
            if self._holders[chain]:
                continue
            if self._sharing[chain]:
                later += self._sizes[chain]
                records |= self._sharing[chain]
            else:
                now += self._sizes.get(chain, 0)
                known &= chain in self._sizes
        return Freed(now, later, tuple(sorted(records)), known)

    def _strike_record(self, key: str) -> Freed:
        record = self._cache.pop(key, None)
        if record is None:
            return Freed(0)
        chains = [chain for chain, sharing in self._sharing.items() if key in sharing]
        for chain in chains:
            self._sharing[chain].discard(key)
        if not record.shared:
            return Freed(record.size)
        free = any(not self._holders[chain] and not self._sharing[chain] for chain in chains)
        return Freed(record.size if free else 0, known=bool(chains) or not record.size)
