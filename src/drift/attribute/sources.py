"""What a file can be generated from: packages that moved, and a base that did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drift.attribute.claims import Claim
from drift.attribute.model import Origin
from drift.attribute.purls import bare_name, ecosystem, rank
from drift.compare.model import FileChange, PackageChange


@dataclass(frozen=True, slots=True)
class Source:
    """A named source that moved, and what it holds.

    ``ecosystem`` is None for a base: it holds packages of any. ``layers`` are those of its
    changed files, empty where none changed. ``files`` are all that it holds on either side.
    """

    claim: Claim
    purl: str = ""
    ecosystem: str | None = None
    came_or_went: bool = False
    layers: frozenset[int] = frozenset()
    files: frozenset[str] = frozenset()

    @classmethod
    def of_base(cls, claim: Claim) -> Source:
        """A base that moved."""
        return cls(claim)

    @classmethod
    def of_package(
        cls,
        claim: Claim,
        change: PackageChange,
        held: Sequence[FileChange],
        files: Iterable[str],
    ) -> Source:
        """A package that moved, or that was published anew; ``held`` are its changed files."""
        return cls(
            claim=claim,
            purl=change.purl,
            ecosystem=ecosystem(change.purl),
            came_or_went=None in (change.before, change.after),
            layers=frozenset(file.layer for file in held),
            files=frozenset(files),
        )

    @property
    def name(self) -> str:
        """The package's name; empty for a base."""
        return bare_name(self.purl)

    def reaches(self, layer: int, *, same: bool) -> bool:
        """Whether it can have shaped a file of a layer: from below, or in the very same."""
        if not self.layers:
            return True
        return layer in self.layers if same else min(self.layers) <= layer

    def order(self, layer: int) -> tuple[bool, bool, bool, bool, tuple[bool, str]]:
        """The best first: the world's, packages, of the file's own layer, new or gone."""
        return (
            self.claim.origin is Origin.REPO,
            self.ecosystem is None,
            layer not in self.layers,
            not self.came_or_went,
            rank(self.purl),
        )
