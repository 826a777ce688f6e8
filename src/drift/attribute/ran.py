"""What a RUN of the image itself made, traced to what moved before it.

As in a stage (:mod:`drift.attribute.made`), a RUN makes its files of what lies below it and of
what it mounts; but here a RUN that names anything to fetch from elsewhere is not read: that may
be what moved. It is asked where the experiment says that the outside did it, so that only which
of the outside's moves it was is read, and that from the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim, Claims
from drift.attribute.made import besides, in_order, reaching
from drift.attribute.model import Grade, Origin
from drift.attribute.mounts import may_fetch
from drift.attribute.sides import Sides
from drift.attribute.stagepair import BELOW, Mover, Source, mounted_by, sources_of
from drift.compare.model import Change, FileChange
from drift.snapshot.model import Instruction

_ACCOUNTS = ("/etc/passwd", "/etc/group")
_CHOWN = re.compile(
    r"(?:ONBUILD\s+)?(?:COPY|ADD)\s+(?:--\S+\s+)*?--chown=(?!\d+(?::\d+)?\s)(\S+)", re.IGNORECASE
)
_FROM_CONTEXT = re.compile(r"(?:ONBUILD\s+)?(?:COPY|ADD)\s+(?!.*(?:--from=|://|git@))", re.I | re.S)


class MadeOfMoved:
    """Claims for what RUNs made of the image's own sources that moved.

    ``moved`` says what moved in a stage that a RUN mounts.
    """

    def __init__(self, sides: Sides, bases: MovedBases, moved: Mover) -> None:
        self._sides, self._bases, self._moved = sides, bases, moved
        self._sources: list[Source] = []
        self._accounts: list[Source] = []
        self._found: dict[int, Claim | None] = {}

    def learn(
        self, named: Claims, remotes: Iterable[Claim], changes: Mapping[str, FileChange]
    ) -> None:
        """Take in the sources that are named, and the layers in which each changed something."""
        self._found = {}
        self._sources = sources_of(self._of(named, remotes, changes), Origin.EXTERNAL)
        accounts = (path for path in _ACCOUNTS if path in named.paths)
        claims = ((named.first[named.paths[path]], changes[path].layer) for path in accounts)
        self._accounts = sources_of(claims, Origin.EXTERNAL)

    def _of(
        self, named: Claims, remotes: Iterable[Claim], changes: Mapping[str, FileChange]
    ) -> Iterator[tuple[Claim, int | None]]:
        base = self._bases.of_image
        if base is not None:
            yield base, BELOW
        for claim in (*map(named.first.__getitem__, named.packages.values()), *remotes):
            yield claim, claim.layer
        for path, key in named.paths.items():
            if base is None or key != base.key:
                yield named.first[key], changes[path].layer

    def of_run(self, change: FileChange) -> Claim | None:
        """The source of a file that a RUN made; None where nothing named moved before it."""
        made = self._sides.maker(change)
        if made is None:
            return None
        layer, run = made
        if layer not in self._found:
            self._found[layer] = self._of_layer(layer, run)
        return self._found[layer]

    def _of_layer(self, layer: int, run: Instruction) -> Claim | None:
        if may_fetch(run.text):
            return None
        mounted = mounted_by(run.text, Origin.EXTERNAL, self._bases, self._moved)
        if mounted is None:
            return None
        found = in_order(reaching(self._sources, mounted, layer), run)
        if not found:
            return None
        nearest, *others = (claim for claim, _ in found)
        said = f"line {run.line} ran on what moved, and names nothing else outside"
        evidence = (*nearest.evidence, said, *besides(others))
        return replace(nearest, grade=Grade.DERIVED, evidence=evidence)

    def of_owner(self, change: FileChange) -> Claim | None:
        """What made the accounts by whose names a COPY or ADD gives its files another owner."""
        made = self._sides.maker(change)
        if made is None or set(change.fields) - {"mtime"} != {"owner"}:
            return None
        owner = _CHOWN.match(made[1].text)
        found = in_order(reaching(self._accounts, (), made[0]), made[1])
        if owner is None or not found:
            return None
        said = f"line {made[1].line} names the owner {owner[1]}, whose number the accounts give"
        claim = found[0][0]
        return replace(claim, grade=Grade.DERIVED, evidence=(*claim.evidence, said))

    def of_place(self, change: FileChange) -> Claim | None:
        """What moved below a COPY or ADD of the context, which lands where links there lead.

        A builder's own reading of the context: nothing else outside can have to do with it.
        """
        made = self._sides.maker(change)
        if made is None or _FROM_CONTEXT.match(made[1].text) is None:
            return None
        found = in_order(reaching(self._sources, (), made[0]), made[1])
        if not found or change.change is Change.MODIFIED:
            return None
        said = f"line {made[1].line} copies the context to where links lead that may have moved"
        claim = found[0][0]
        return replace(claim, grade=Grade.DERIVED, evidence=(*claim.evidence, said))

    def beside(self, change: FileChange) -> tuple[str, ...]:
        """As evidence for a file without a source: what moved below its RUN, or in it."""
        made = self._sides.maker(change)
        if made is None or not made[1].is_run:
            return ()
        layer, run = made
        found = in_order(reaching(self._sources, (), layer), run)
        return tuple(besides([claim for claim, _ in found]))
