"""Which layer a directory of docker's oldest archive layout holds.

Engines up to 24 export ``<v1 ID>/json`` and ``<v1 ID>/layer.tar``. A v1 ID is the digest of
that json with the layer's chain ID in it (moby ``image/v1/imagev1.go``, ``CreateID``), so an
image's known diff IDs tell which layer follows before it is read. It is a hint only: the
content is hashed all the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from drift.oci import ChainId, DiffId, Digest


class LegacyLayers:
    """Learns from each directory's json which of the expected layers it stands for."""

    def __init__(self, expected: Sequence[DiffId]) -> None:
        self._chains = {
            ChainId.of_layers(expected[: index + 1]): diff_id
            for index, diff_id in enumerate(expected)
        }
        self._layers: dict[str, DiffId] = {}

    def learn(self, member: str, content: bytes) -> None:
        """Look at a document of the archive; other documents are passed over."""
        v1_id, _, rest = member.partition("/")
        if rest != "json" or not self._chains:
            return
        try:
            document = json.loads(content)
            parent = document.pop("parent", None)
            document.pop("id", None)
        except (ValueError, AttributeError, RecursionError):
            return
        for chain, diff_id in self._chains.items():
            if _create_id(document, chain, parent) == v1_id:
                self._layers[f"{v1_id}/layer.tar"] = diff_id

    def diff_id(self, member: str) -> DiffId | None:
        """The diff ID of a layer.tar, if its directory's json told."""
        return self._layers.get(member)


def _create_id(document: dict[str, Any], chain: ChainId, parent: str | None) -> str:
    fields = {**document, "layer_id": chain}
    if parent:
        fields["parent"] = f"sha256:{parent}"
    # Go writes a map's keys sorted, and a raw message as it came.
    ordered = {key: fields[key] for key in sorted(fields)}
    return Digest.of(
        json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    ).encoded
