"""Layers by position: where two images part, and which instructions made what differs."""

from __future__ import annotations

from collections.abc import Sequence

from drift.compare.model import LayerChange
from drift.snapshot.model import LayerDescriptor


def compare_layers(
    before: Sequence[LayerDescriptor], after: Sequence[LayerDescriptor]
) -> tuple[LayerChange, ...]:
    """Each position where the diff IDs differ, bottom first.

    Size and instruction are the candidate's, or the baseline's where it has no such layer.
    """
    changes = []
    for index in range(max(len(before), len(after))):
        one = before[index] if index < len(before) else None
        other = after[index] if index < len(after) else None
        shown = other or one
        if shown and (one is None or other is None or one.diff_id != other.diff_id):
            change = LayerChange(
                index=index,
                before=one.diff_id if one else None,
                after=other.diff_id if other else None,
                size=shown.size,
                instruction=shown.instruction,
            )
            changes.append(change)
    return tuple(changes)
