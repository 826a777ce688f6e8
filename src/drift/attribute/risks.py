"""All risks of a night, found on its paths and settings, and marked on its causes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar

from drift.attribute.accounts import ACCOUNT_FILES, account_risks
from drift.attribute.libraries import symbol_risks
from drift.attribute.model import Attribution
from drift.attribute.risk import Risk, mark, mode_risks
from drift.attribute.risky_paths import place_risk
from drift.attribute.sides import Sides
from drift.compare.model import Comparison, FileChange
from drift.errors import StoreError
from drift.oci import Digest
from drift.snapshot.model import EntryType, Layer, Layers

T = TypeVar("T")

_LARGEST = 4 << 20  # bytes of an account file that is looked into


def with_risks(
    attribution: Attribution, comparison: Comparison, sides: Sides, layers: Layers
) -> Attribution:
    """The attribution with the risks of each cause's paths and settings."""
    return mark(attribution, comparison, risks_of_paths(comparison, sides, layers))


def risks_of_paths(
    comparison: Comparison, sides: Sides, layers: Layers
) -> Mapping[str, frozenset[Risk]]:
    """The risks of every changed path that has some, whatever its cause."""
    content = _Content(sides, layers)
    found: dict[str, set[Risk]] = defaultdict(set)
    for change in comparison.files:
        words = set(mode_risks(change))
        if risk := place_risk(change):
            words.add(risk)
        if change.path in ACCOUNT_FILES:
            words |= content.account_risks(change)
        if words:
            found[change.path] |= words
    for change, risk in symbol_risks(comparison.files, content.exports):
        found[change.path].add(risk)
    return {path: frozenset(words) for path, words in found.items()}


class _Content:
    """What the layers keep of the files that differ, found by their content's digest.

    A path in a layer is not always that of the merged tree: a parent may be a link.
    """

    def __init__(self, sides: Sides, layers: Layers) -> None:
        self._sides = sides
        self._layers = layers
        self._exports: dict[tuple[bool, int], Mapping[Digest, tuple[str, ...]]] = {}

    def account_risks(self, change: FileChange) -> set[Risk]:
        """The risks of a file of accounts; one that cannot be read on a side is unknown."""
        if change.after is None or (change.before and "content" not in change.fields):
            return set()
        after = self._text(change, before=False)
        before = self._text(change, before=True) if change.before else b""
        if before is None or after is None:
            return {Risk.ACCOUNTS_UNKNOWN}
        return set(account_risks(change.path, before, after))

    def exports(self, change: FileChange, before: bool) -> frozenset[str] | None:
        """The symbols that a side of a library exports; None where they are not known."""
        entry = change.before if before else change.after
        index = change.before_layer if before else change.after_layer
        if entry is None or entry.digest is None or index is None:
            return None
        if (before, index) not in self._exports:
            layer = self._layer(index, before=before)
            self._exports[before, index] = _by_digest(layer, layer.symbols) if layer else {}
        symbols = self._exports[before, index].get(entry.digest)
        return None if symbols is None else frozenset(symbols)

    def _text(self, change: FileChange, *, before: bool) -> bytes | None:
        entry = change.before if before else change.after
        index = change.before_layer if before else change.after_layer
        if entry is None or entry.type is not EntryType.FILE or entry.size > _LARGEST:
            return None
        layer = None if index is None else self._layer(index, before=before)
        if layer is None or entry.digest is None:
            return None
        with suppress(StoreError):  # damaged in the store: as good as not kept
            for kept in (layer.captured, layer.texts):
                if (content := _by_digest(layer, kept).get(entry.digest)) is not None:
                    return content
        return None

    def _layer(self, index: int, *, before: bool) -> Layer | None:
        stack = (self._sides.before if before else self._sides.after).layers
        with suppress(KeyError, IndexError, StoreError):
            return self._layers.get(stack[index].diff_id)
        return None


def _by_digest(layer: Layer, kept: Mapping[str, T]) -> Mapping[Digest, T]:
    """What a layer keeps of its files' content, by the digest of that content."""
    if not kept:
        return {}
    digests = {entry.path: entry.digest for entry in layer.entries if entry.path in kept}
    return {digest: kept[path] for path, digest in digests.items() if digest is not None}
