"""Layer manifests above others: what is read for one comparison need not be kept."""

from __future__ import annotations

from collections.abc import Callable

from drift.oci import DiffId, Digest
from drift.snapshot.model import Layer, Layers, LayersInMemory

TextOf = Callable[[Digest], bytes | None]


class Overlay(LayersInMemory):
    """The manifests below (a store's), and those read for this comparison, in memory.

    ``text_below`` gives the content of a small text file of the layers below by its digest.
    """

    def __init__(self, below: Layers, text_below: TextOf = lambda _digest: None) -> None:
        super().__init__()
        self._below, self._text_below = below, text_below
        self._texts: dict[Digest, bytes] = {}

    def __contains__(self, diff_id: object) -> bool:
        return super().__contains__(diff_id) or diff_id in self._below

    def get(self, diff_id: DiffId) -> Layer:
        """The layer's manifest. Raises KeyError where it is not kept."""
        return super().get(diff_id) if super().__contains__(diff_id) else self._below.get(diff_id)

    def put(self, layer: Layer) -> None:
        """Keep a layer's manifest in memory."""
        super().put(layer)
        self._texts.update((Digest.of(content), content) for content in layer.texts.values())

    def text(self, digest: Digest) -> bytes | None:
        """A small text file of one of these layers; None where it is not known."""
        mine = self._texts.get(digest)
        return mine if mine is not None else self._text_below(digest)
