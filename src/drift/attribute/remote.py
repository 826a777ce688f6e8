"""Sources that moved: URLs and git refs whose probes tell something else than in the baseline.

A probe is what a source told drift itself on one night. A *move* is a pair of probes of one
address and ref: the baseline's, and one of tonight's (the first look, or the second, after the
controls), with different identities. The Dockerfiles of both nights name the address, so that
it was the world that moved it: ``external``. An address that only one night's Dockerfile names
is the repository's doing, or was first asked tonight: the experiment decides, and what is
known is offered as evidence.

What a move holds, with *served* for the content's digest, those of the files in its archive
(the name of such a file must end as the path does, unless both sides fit), and for a commit
that of the file in ``.git`` that names it:

1. ``proven``: the baseline's file was served then and no more tonight, and tonight's file is
   served tonight and was not then.
2. ``proven``: one of the two sides fits so (the source may be gone tonight, or have been gone
   then), and the repository cannot have done the rest: the fingerprint is the same, or the replay
   gives tonight's value. What only the repository could have chosen anew (another file of the
   archive) is not told from the world otherwise.
3. ``inferred``: tonight's file is served tonight, the address has no probe in the baseline,
   and the repository cannot have done it, as above.
4. ``inferred``: the path was made by the instruction that names the address, on both sides with
   the same text, it is the only source of that instruction that moved (of several, the only one
   that its command writes there), no base moved, the repository cannot have done it, and no
   control says that the path is noise. Where digests
   show where a download went, only what lies there: the rest of the instruction is its own, but
   where it runs nothing else that may have fetched (``derived``).
   (A clone is there to be built from: what it made lies anywhere.)

Empty files prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from drift.attribute.claims import Claim
from drift.attribute.installs import downloads
from drift.attribute.model import Grade
from drift.attribute.served import Address, Move, address_of, by_address, moves_of
from drift.attribute.sides import Decider, Sides
from drift.attribute.stale import stale_adds
from drift.attribute.values import Values
from drift.compare.model import Change, Comparison, FileChange
from drift.snapshot.model import Entry, EntryType, Instruction, Layers
from drift.source.model import Probe, RemoteKind

_ALONE_THERE = "of the sources of this instruction that moved, it alone is written there"

Place = tuple[str, int]  # an instruction's stage and line


class MovedRemotes:
    """Claims for the sources that moved, and for the paths that they hold."""

    def __init__(
        self,
        sides: Sides,
        comparison: Comparison,
        values: Values,
        layers: Layers | None = None,
    ) -> None:
        self._sides, self._values, self._layers = sides, values, layers
        found = {move.address: move for move in moves_of(sides)}
        self._moves = {address: move for address, move in found.items() if move.then}
        self._new = [move for move in found.values() if move.then is None]
        self._proven: dict[str, tuple[Address, str]] = {}
        self._roots: dict[Address, set[str]] = {}
        for change in comparison.files if self._moves else ():
            self._prove(change)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """One for each source that moved since the baseline."""
        return tuple(move.claim(self._sides) for move in self._moves.values())

    def of_path(self, change: FileChange) -> Claim | None:
        """The source that moved and holds a path, by any of the four rules."""
        return self.proven(change) or self.first_asked(change) or self._alone(change)

    def _alone(self, change: FileChange) -> Claim | None:
        """Rule 4, where nothing else is known of the path than the builds at hand."""
        told = self._not_the_repository(change) and not self._is_noise(change)
        return self.by_instruction(change) if told else None

    def proven(self, change: FileChange) -> Claim | None:
        """Rules 1 and 2: digests show it."""
        address, evidence = self._proven.get(change.path, (None, ""))
        return self._with(self._moves[address], Grade.PROVEN, evidence) if address else None

    def _prove(self, change: FileChange) -> None:
        before, after = _digest(change.before), _digest(change.after)
        if before == after:
            return  # its content is not what changed
        for address, move in self._own_first(change):
            then, now = move.served_then, move.served_now
            was = then.has(before) and not now.has(before)
            became = now.has(after) and not then.has(after)
            if was and became:
                evidence = "the file's content was the source's then, and is tonight"
            elif was and then.has_at(before, change.path) and self._not_the_repository(change):
                evidence = "the file's content was the source's then"
            elif became and now.has_at(after, change.path) and self._not_the_repository(change):
                evidence = "the file's content is what the source serves tonight"
            else:
                continue
            if move.now.remote.kind is not RemoteKind.GIT:
                root = now.root(after, change.path) if became else then.root(before, change.path)
                self._roots.setdefault(address, set()).add(root)
            self._moves[address] = move.showing(after) if became else move
            self._proven[change.path] = (address, evidence)
            return

    def _own_first(self, change: FileChange) -> list[tuple[Address, Move]]:
        """The moves, those that the path's own instruction names first: two may serve the same."""
        made_by = self._sides.made_by(change.after_layer)
        place = (made_by.stage, made_by.line) if made_by else None
        return sorted(self._moves.items(), key=lambda item: _place(item[1].now) != place)

    def first_asked(self, change: FileChange) -> Claim | None:
        """Rule 3."""
        after = _digest(change.after)
        for move in self._new:
            if move.served_now.has_at(after, change.path) and self._not_the_repository(change):
                evidence = "the file's content is what the source serves tonight"
                return self._with(move.showing(after), Grade.INFERRED, evidence)
        return None

    def by_instruction(self, change: FileChange) -> Claim | None:
        """Rule 4, to be asked where the experiment says that the outside did it.

        A directory that comes or goes has the cause of what it holds.
        """
        path, there = change.path, change.after or change.before
        if there and there.type is EntryType.DIRECTORY and change.change is not Change.MODIFIED:
            return None
        # What a base has where an instruction made something on one side alone, it always had.
        deciders = [decider for decider in self._sides.deciders(change) if not decider.base]
        texts = {decider.instruction.text for decider in deciders if decider.instruction}
        if len(texts) != 1 or self._sides.moved_bases:
            return None
        named = [self._named(decider) for decider in deciders]
        moves = [self._moves_among(probes) for probes in named]
        alone = [
            found if len(found) == 1 else self._moves_among(p for p in probes if _writes(p, path))
            for found, probes in zip(moves, named, strict=True)
        ]
        if any(len(found) != 1 or found[0] is not alone[0][0] for found in alone):
            return None
        move = alone[0][0]
        if moves != alone:
            return self._with(move, Grade.INFERRED, _ALONE_THERE)
        if self._went_to(move, path):
            evidence = "the only source of this instruction that moved"
            return self._with(move, Grade.INFERRED, evidence)
        return self._made_of(move, deciders)

    def _made_of(self, move: Move, deciders: Sequence[Decider]) -> Claim | None:
        """What an instruction made of a download that went elsewhere, if it had nothing else."""
        for decider in deciders:
            run = decider.instruction
            probes = {address_of(probe) for probe in self._named(decider)}
            if run is None or downloads(run.text) != len(probes):
                return None
        evidence = "derived: its instruction runs nothing else that may have fetched"
        return self._with(move, Grade.DERIVED, evidence)

    def _went_to(self, move: Move, path: str) -> bool:
        """Whether a path lies where digests show that a source went, if they show it at all."""
        roots = self._roots.get(move.address)
        return not roots or any(_lies_in(path, root) for root in roots)

    def _moves_among(self, probes: Iterable[Probe]) -> list[Move]:
        """The sources that moved, of those that were asked."""
        asked = {address_of(probe) for probe in probes}
        return [move for address, move in self._moves.items() if address in asked]

    def _named(self, decider: Decider) -> list[Probe]:
        """The probes of what an instruction names, on its own night."""
        run = decider.instruction
        side = self._sides.baseline if decider.before else self._sides.candidate
        if run is None or side is None:
            return []
        return [probe for probe in side.probes if _place(probe) == (run.stage, run.line)]

    def unseen(self) -> tuple[Claim, ...]:
        """Claims for ADDs that moved and were served from the builder's cache: of no files."""
        candidate = self._sides.candidate
        if candidate is None or self._layers is None:
            return ()
        stale = {(address_of(a.probe), a.used) for a in stale_adds(candidate, self._layers)}
        evidence = "the builder served its cache: the image has the old content"
        return tuple(
            self._with(move, Grade.PROVEN, evidence)
            for address, move in self._moves.items()
            if move.then and (address, move.then.identity) in stale
        )

    def notes_of(self, instruction: Instruction | None) -> tuple[str, ...]:
        """Evidence of the addresses that only one night's instruction names, or that failed."""
        baseline, candidate = self._sides.baseline, self._sides.candidate
        if instruction is None or baseline is None or candidate is None:
            return ()
        then = by_address(baseline.probes)
        place = (instruction.stage, instruction.line)
        found = []
        for probe in candidate.probes:
            if _place(probe) != place:
                continue
            if probe.problem is not None:
                found.append(f"{probe.remote.url}: {probe.problem}")
            elif baseline.probes and address_of(probe) not in then:
                found.append(f"the baseline's Dockerfile does not name {probe.remote.url}")
        return tuple(found)

    def named_anew(self, change: FileChange) -> str | None:
        """As evidence: a path's content is what an address serves that the baseline lacks."""
        after = _digest(change.after)
        for move in self._new:
            if move.served_now.has_at(after, change.path):
                url = move.now.remote.url
                return f"the file's content is what {url} serves, which the baseline does not name"
        return None

    def _not_the_repository(self, change: FileChange) -> bool:
        if self._sides.same_repo_side:
            return True
        values = self._values.of(change)
        return bool(values.replays) and all(one.same(values.t) for one in values.replays)

    def _is_noise(self, change: FileChange) -> bool:
        return bool(self._sides.controls) and self._values.of(change).noisy

    def _with(self, move: Move, grade: Grade, evidence: str) -> Claim:
        claim = move.claim(self._sides)
        return replace(claim, grade=grade, evidence=(*claim.evidence, evidence))


def _place(probe: Probe) -> Place:
    return probe.remote.stage, probe.remote.line


def _writes(probe: Probe, path: str) -> bool:
    """Whether the command that fetches something writes it to a path, or to a directory of it."""
    target = probe.remote.target
    return target is not None and _lies_in(path, target)


def _lies_in(path: str, root: str) -> bool:
    return f"{path}/".startswith(f"{root.rstrip('/')}/")


def _digest(entry: Entry | None) -> str | None:
    return entry.digest if entry is not None and entry.type is EntryType.FILE else None
