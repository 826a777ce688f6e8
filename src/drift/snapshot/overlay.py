"""Layer manifests above others: what is read for one comparison need not be kept."""

from __future__ import annotations

from drift.oci import DiffId
from drift.snapshot.model import Layer, Layers, LayersInMemory


class Overlay:
    """The manifests below (a store's), and those read for this comparison, in memory."""

    def __init__(self, below: Layers) -> None:
        self._below = below
        self._own = LayersInMemory()

    def __contains__(self, diff_id: object) -> bool:
        return diff_id in self._own or diff_id in self._below

    def get(self, diff_id: DiffId) -> Layer:
        """The layer's manifest. Raises KeyError where it is not kept."""
        return self._own.get(diff_id) if diff_id in self._own else self._below.get(diff_id)

    def put(self, layer: Layer) -> None:
        """Keep a layer's manifest in memory."""
        self._own.put(layer)
