"""Two snapshots compared: all their differences, without a reason."""

from __future__ import annotations

from drift.compare.files import Ignored, compare_files
from drift.compare.layers import compare_layers
from drift.compare.model import Comparison
from drift.compare.packages import compare_packages, unknown_packages
from drift.compare.settings import compare_settings
from drift.snapshot.model import Layers, Snapshot


def compare(
    before: Snapshot, after: Snapshot, layers: Layers, ignored: Ignored = lambda _path: False
) -> Comparison:
    """All differences from a baseline to a candidate.

    ``layers`` holds both images' layer manifests; those that differ are read from it.

    Raises:
        KeyError: a manifest that is needed is not kept.
        SnapshotError: an image's layers cannot be merged.
    """
    files = compare_files(
        [layer.diff_id for layer in before.layers],
        [layer.diff_id for layer in after.layers],
        layers,
        ignored,
    )
    return Comparison(
        layers=compare_layers(before.layers, after.layers),
        files=files.changed,
        metadata_only=files.metadata_only,
        ignored=files.ignored,
        shadowed=files.shadowed,
        packages=compare_packages(before.packages, after.packages),
        packages_unknown=unknown_packages(before.packages, after.packages),
        config=compare_settings(before.config, after.config),
    )
