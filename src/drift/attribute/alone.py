"""Two images alone, without a history: what differs, its causes and the verdict."""

from __future__ import annotations

from drift.attribute.attribute import attribute
from drift.attribute.model import Attribution, Status
from drift.attribute.risks import with_risks
from drift.attribute.sides import Sides
from drift.attribute.verdict import status_of
from drift.compare.compare import compare
from drift.compare.model import Comparison
from drift.snapshot.model import Layers, Snapshot


def compare_alone(
    before: Snapshot, after: Snapshot, layers: Layers
) -> tuple[Status, Comparison, Attribution]:
    """Compare two snapshots, and say why they differ as far as the two alone tell.

    Raises:
        KeyError: a layer's manifest is not in ``layers``; the key is its diff ID.
    """
    comparison = compare(before, after, layers)
    sides = Sides(before, after)
    causes = attribute(sides, comparison, layers)
    attribution = with_risks(causes, comparison, sides, layers)
    return status_of(comparison, attribution), comparison, attribution
