"""The merged trees of two images: which paths differ, and in what.

Layers that both images share at the bottom are merged once and never compared; only paths
that the layers above touch are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drift.compare.model import Change, FileChange
from drift.errors import SnapshotError
from drift.oci import DiffId
from drift.snapshot.model import Entry, EntryType, Layer, Layers
from drift.snapshot.tree import MergedTree, merge

Ignored = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class FileDifferences:
    """How two merged trees differ.

    ``changed`` holds added, removed and modified paths, ``metadata_only`` those that differ
    in nothing but mtime; both sorted by path. ``ignored`` counts differing paths that a rule
    leaves out, ``shadowed`` those that differ in a layer but not in the merged tree.
    """

    changed: tuple[FileChange, ...] = ()
    metadata_only: tuple[FileChange, ...] = ()
    ignored: int = 0
    shadowed: int = 0


def compare_files(
    before: Sequence[DiffId], after: Sequence[DiffId], layers: Layers, ignored: Ignored
) -> FileDifferences:
    """Compare two stacks of layers, given bottom first.

    Raises:
        KeyError: a layer's manifest is not kept.
        SnapshotError: a stack cannot be merged.
    """
    if list(before) == list(after):
        return FileDifferences()
    shared = shared_layers(before, after)
    ours = [[layers.get(diff_id) for diff_id in side[shared:]] for side in (before, after)]
    common = merge(layers.get(diff_id) for diff_id in before[:shared])
    trees = [merge(side, onto=common.fork(), first=shared) for side in ours]
    return _differences(trees[0], trees[1], ours[0], ours[1], ignored)


def shared_layers(before: Sequence[DiffId], after: Sequence[DiffId]) -> int:
    """How many layers two stacks share at the bottom."""
    pairs = zip(before, after, strict=False)
    return next(
        (i for i, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after))
    )


def _differences(
    before: MergedTree,
    after: MergedTree,
    before_layers: Sequence[Layer],
    after_layers: Sequence[Layer],
    ignored: Ignored,
) -> FileDifferences:
    changed: list[FileChange] = []
    metadata_only: list[FileChange] = []
    left_out = 0
    for path in sorted(before.touched | after.touched):
        change = _change(path, before, after)
        if change is None:
            continue
        if ignored(path):
            left_out += 1
        elif change.change is Change.METADATA_ONLY:
            metadata_only.append(change)
        else:
            changed.append(change)
    differing = {change.path for change in (*changed, *metadata_only)}
    shadowed = sum(
        1
        for path in _differing_in_layers(before, before_layers, after, after_layers)
        if path not in differing and not ignored(path)
    )
    return FileDifferences(tuple(changed), tuple(metadata_only), left_out, shadowed)


def _change(path: str, one: MergedTree, other: MergedTree) -> FileChange | None:
    """How one path differs; None where it does not."""
    before, after = one.nodes.get(path), other.nodes.get(path)
    if before is None or after is None:
        if before is after:
            return None
        kind = Change.ADDED if before is None else Change.REMOVED
        fields: tuple[str, ...] = ()
    else:
        fields = differing_fields(before.entry, after.entry)
        if not fields:
            return None
        kind = Change.METADATA_ONLY if fields == ("mtime",) else Change.MODIFIED
    return FileChange(
        path=path,
        change=kind,
        fields=fields,
        before=before.entry if before else None,
        after=after.entry if after else None,
        before_layer=before.layer if before else None,
        after_layer=after.layer if after else None,
        removing_layer=_removing(path, one, other, kind),
        before_source=before.source if before else None,
        after_source=after.source if after else None,
    )


def _removing(path: str, before: MergedTree, after: MergedTree, kind: Change) -> int | None:
    lacking = {Change.ADDED: before, Change.REMOVED: after}.get(kind)
    return lacking.removed_by(path) if lacking else None


def differing_fields(before: Entry, after: Entry) -> tuple[str, ...]:
    """The names of the fields that differ, in the order of :class:`FileChange`."""
    pairs = (
        ("content", before.digest, after.digest),
        ("type", before.type, after.type),
        ("link", before.link, after.link),
        ("mode", before.mode, after.mode),
        ("owner", (before.uid, before.gid), (after.uid, after.gid)),
        ("xattrs", before.xattrs, after.xattrs),
        ("device", before.device, after.device),
        ("mtime", before.mtime, after.mtime),
    )
    return tuple(name for name, one, other in pairs if one != other)


def _differing_in_layers(
    before: MergedTree,
    before_layers: Sequence[Layer],
    after: MergedTree,
    after_layers: Sequence[Layer],
) -> list[str]:
    """Paths that the layers treat differently, whatever the merged trees say."""
    one = _treatments(before, before_layers)
    other = _treatments(after, after_layers)
    return [path for path in one.keys() | other.keys() if one.get(path) != other.get(path)]


def _place(tree: MergedTree, path: str) -> str:
    """Where a layer's path lies in the merged tree; as written where it has no place there."""
    try:
        return tree.resolve(path)
    except SnapshotError:
        return path


def _treatments(tree: MergedTree, layers: Sequence[Layer]) -> dict[str, list[tuple[object, ...]]]:
    """What each layer in turn does to a path: mtimes and repeated directories aside."""
    found: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for layer in layers:
        for entry in layer.entries:
            if entry.type is EntryType.OPAQUE:
                continue  # engines add it where it hides nothing
            treatment = (entry.type, entry.digest, entry.link, entry.mode, entry.uid, entry.gid)
            seen = found[_place(tree, entry.path)]
            if not (entry.type is EntryType.DIRECTORY and seen and seen[-1] == treatment):
                seen.append(treatment)
    return dict(found)
