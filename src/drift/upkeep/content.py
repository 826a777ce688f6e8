"""Whether a newer image differs in content from one that runs, and what that means for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from drift.attribute.alone import compare_alone
from drift.attribute.model import Cause, Kind, Origin, Status
from drift.attribute.risk import Risk
from drift.compare.model import Comparison
from drift.engine.engine import Engine
from drift.errors import EngineError, SnapshotError
from drift.oci import Platform
from drift.report.words import counted
from drift.snapshot.model import Snapshot
from drift.snapshot.overlay import Overlay
from drift.snapshot.take import snapshot_of_stream
from drift.snapshot.tree import MergedTree, merge
from drift.store.store import Store

_RISKS: Mapping[str, str] = {  # where "1 new" would not be said
    Risk.ENTRYPOINT: "another entrypoint",
    Risk.COMMAND: "another command",
    Risk.ENVIRONMENT: "other variables",
    Risk.PORTS: "other ports",
    Risk.LOST_SYMBOLS: "lost symbols",
    Risk.ACCOUNTS_UNKNOWN: "accounts that cannot be read",
    Risk.SYMBOLS_UNKNOWN: "symbols that cannot be read",
}
_NEVER_UNNAMED = (Kind.PACKAGE_REPUBLISHED, Kind.FILE)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the newer image differs: causes, packages by number, risks by word.

    ``hidden`` where every difference lies below a mount of the container. ``unexplained``
    names why nobody but its owner should take it: files whose source no one knows, a package
    published twice, packages that could not be read.
    """

    same: bool
    hidden: bool
    packages: int
    risks: tuple[tuple[str, int], ...]
    causes: tuple[Cause, ...]
    unexplained: tuple[str, ...]

    def __str__(self) -> str:
        if self.same:
            return "newer, but the same in content"
        if self.hidden:
            return "newer; its changes are not visible in this container, a mount covers them"
        parts = [counted(self.packages, "package")] if self.packages else []
        bases = sorted(one.subject for one in self.causes if one.kind is Kind.BASE_IMAGE)
        parts += [f"base {base}" for base in bases]
        parts += [_RISKS.get(risk, f"{number} new {risk}") for risk, number in self.risks]
        return ", ".join(parts) or "other files"


class Reader:
    """Reads images, those of the store's builds from there, the rest from the engine."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._layers = Overlay(store.layers)
        self._known: dict[str, Snapshot] = {}

    def knows(self, snapshot: Snapshot) -> None:
        """Take what a build left in the store for its image."""
        self._known.setdefault(str(snapshot.image_id), snapshot)

    def has(self, image_id: str) -> bool:
        """Whether an image can be compared without reading it from the engine."""
        known = self._known.get(image_id)
        return known is not None and all(one.diff_id in self._layers for one in known.layers)

    def compare(self, before: str, after: str, mounts: Collection[str]) -> Difference:
        """Compare two images by their ids, for a container with these mount points.

        Raises:
            Error: one of them cannot be read whole.
        """
        try:
            told = compare_alone(self._read(before), self._read(after), self._layers)
        except KeyError as error:
            raise SnapshotError(f"the layer {error.args[0]} is not known any more") from error
        status, comparison, attribution = told
        return difference_of(status, comparison, attribution.causes, mounts)

    def tree(self, image_id: str) -> tuple[Snapshot, MergedTree]:
        """An image by its id, with its merged tree.

        Raises:
            Error: it cannot be read whole.
        """
        snapshot = self._read(image_id)
        try:
            return snapshot, merge(self._layers.get(one.diff_id) for one in snapshot.layers)
        except KeyError as error:
            raise SnapshotError(f"the layer {error.args[0]} is not known any more") from error

    def _read(self, image_id: str) -> Snapshot:
        if not self.has(image_id):
            inspected = self._engine.inspect(image_id)
            if inspected is None:
                raise EngineError(f"the engine has no image {image_id} any more")
            with self._engine.export(image_id) as stream:
                self._known[image_id] = snapshot_of_stream(
                    stream, image_id, self._layers, expected=inspected.diff_ids
                )
        return self._known[image_id]


def difference_of(
    status: Status, comparison: Comparison, causes: Sequence[Cause], mounts: Collection[str]
) -> Difference:
    """What a comparison means for a container with these mount points."""
    real = [cause for cause in causes if cause.origin is not Origin.NONDETERMINISM]
    paths = [change.path for change in comparison.files]
    covered = [_below(path, mounts) for path in paths]
    risks = Counter(risk for cause in real for risk in cause.risk)
    unexplained = [
        f"{cause.kind} {cause.subject}" for cause in real if cause.kind in _NEVER_UNNAMED
    ]
    unexplained += [f"{kind} packages are unknown" for kind in sorted(comparison.packages_unknown)]
    return Difference(
        same=status in (Status.IDENTICAL, Status.EQUIVALENT),
        hidden=bool(paths) and all(covered) and not comparison.config,
        packages=len(comparison.packages),
        risks=tuple(sorted(risks.items())),
        causes=tuple(real),
        unexplained=tuple(unexplained),
    )


def _below(path: str, mounts: Collection[str]) -> bool:
    return any(path.startswith(f"{mount.rstrip('/')}/") for mount in mounts)


def same_platform(wanted: Platform, offered: Sequence[Platform]) -> bool:
    """Whether one of the platforms is the wanted one; none named is taken for a match."""
    return not offered or any(one.fits(wanted) for one in offered)
