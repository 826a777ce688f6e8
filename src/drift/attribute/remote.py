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
2. ``proven``: one of the two sides fits so, and the repository cannot have done the rest: the
   fingerprint is the same, or the replay gives tonight's value. What only the repository
   could have chosen anew (another file of the archive) is not told from the world otherwise.
3. ``inferred``: tonight's file is served tonight, the address has no probe in the baseline,
   and the repository cannot have done it, as above.
4. ``inferred``: the path was made by the instruction that names the address, on both sides with
   the same text, it is the only source of that instruction that moved, no base moved, the
   repository cannot have done it, and no control says that the path is noise.

Empty files prove nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.attribute.stale import stale_adds
from drift.attribute.values import Values
from drift.compare.model import FileChange
from drift.oci import Digest
from drift.snapshot.model import Entry, EntryType, Instruction, Layers, Snapshot
from drift.source.model import Probe, RemoteKind

Address = tuple[str, str | None, bool]  # URL, git's ref, whether it is git's
Place = tuple[str, int]  # an instruction's stage and line

_EMPTY = Digest.of(b"")


def address_of(probe: Probe) -> Address:
    """What tells sources apart."""
    remote = probe.remote
    return remote.url, remote.ref, remote.kind is RemoteKind.GIT


class Served:
    """The digests that a source served, by what probes tell of it."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self.whole: set[str] = set()
        self.members: dict[str, set[str]] = {}
        for probe in probes:
            if probe.identity is None:
                continue
            is_git = probe.remote.kind is RemoteKind.GIT
            line = Digest.of(f"{probe.identity}\n".encode()) if is_git else probe.identity
            self.whole.add(line)
            for name, digest in probe.members.items():
                self.members.setdefault(digest, set()).add(posixpath.basename(name))

    def has(self, digest: str | None) -> bool:
        """Whether a file of this content was served, under any name."""
        known = digest in self.whole or digest in self.members
        return digest is not None and digest != _EMPTY and known

    def has_at(self, digest: str | None, path: str) -> bool:
        """The same; a file of an archive only under a path's name."""
        if not self.has(digest):
            return False
        names = self.members.get(str(digest), set())
        return digest in self.whole or posixpath.basename(path) in names


@dataclass(frozen=True, slots=True)
class Move:
    """One source that moved; ``then`` is None where it was first asked tonight."""

    then: Probe | None
    now: Probe
    claim: Claim
    served_then: Served
    served_now: Served


class MovedRemotes:
    """Claims for the sources that moved, and for the paths that they hold."""

    def __init__(self, sides: Sides, values: Values, layers: Layers | None = None) -> None:
        self._sides, self._values, self._layers = sides, values, layers
        self._moves: list[Move] = []
        self._new: list[Move] = []
        baseline, candidate = sides.baseline, sides.candidate
        if baseline is None or candidate is None:
            return
        tonight = (candidate, *sides.replays, *sides.controls)
        for address, now in _by_address(candidate.probes).items():
            then = _by_address(baseline.probes).get(address)
            answers = [p for build in tonight for p in build.probes if address_of(p) == address]
            self._compare(then, now, answers)

    def _compare(self, then: Probe | None, now: Probe, answers: list[Probe]) -> None:
        known = [probe for probe in answers if probe.identity is not None]
        if then is None or then.identity is None:
            if known:
                claim = self._claim(None, known[0], len({p.identity for p in known}) > 1)
                self._new.append(Move(None, now, claim, Served(()), Served(known)))
            return
        moved = [probe for probe in known if probe.identity != then.identity]
        if moved:
            again = len({probe.identity for probe in known}) > 1
            claim = self._claim(then, moved[0], again)
            self._moves.append(Move(then, now, claim, Served([then]), Served(moved)))

    def _claim(self, then: Probe | None, now: Probe, again: bool) -> Claim:
        remote = now.remote
        is_git = remote.kind is RemoteKind.GIT
        place = (remote.stage, remote.line)
        layer, instruction = self._made(place)
        evidence = [self._sentence(then, now)]
        if again:
            evidence.append("it moved during the run")
        if self._sides.same_repo_side:
            evidence.append("repo fingerprint unchanged")
        return Claim(
            origin=Origin.EXTERNAL,
            kind=Kind.GIT_REMOTE if is_git else Kind.REMOTE_CONTENT,
            subject=f"{remote.url}#{remote.ref}" if is_git and remote.ref else remote.url,
            grade=Grade.PROVEN,
            before=then.identity if then else None,
            after=now.identity,
            instruction=instruction,
            layer=layer,
            evidence=tuple(evidence),
        )

    def _sentence(self, then: Probe | None, now: Probe) -> str:
        what = "the repository had" if now.remote.kind is RemoteKind.GIT else "the URL served"
        if then is None or self._sides.baseline is None:
            return f"{what} {_short(now)} tonight, and was not asked before"
        night = self._sides.baseline.night
        return f"{what} {_short(then)} on {night} and {_short(now)} tonight"

    def _made(self, place: Place) -> tuple[int | None, Instruction | None]:
        """The layer of an instruction in tonight's image, and the instruction in any stage."""
        candidate = self._sides.candidate
        stages = [stage.snapshot for stage in candidate.stages] if candidate else []
        for snapshot in (self._sides.after, *stages):
            for index, instruction in _instructions(snapshot):
                if (instruction.stage, instruction.line) == place:
                    return (index if snapshot is self._sides.after else None), instruction
        return None, None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """One for each source that moved since the baseline."""
        return tuple(move.claim for move in self._moves)

    def of_path(self, change: FileChange) -> Claim | None:
        """The source that moved and holds a path, by any of the four rules."""
        return self.proven(change) or self.first_asked(change) or self.by_instruction(change)

    def proven(self, change: FileChange) -> Claim | None:
        """Rules 1 and 2: digests show it."""
        before, after = _digest(change.before), _digest(change.after)
        for move in self._moves:
            then, now = move.served_then, move.served_now
            was = then.has(before) and not now.has(before)
            became = now.has(after) and not then.has(after)
            if was and became:
                evidence = "the file's content was the source's then, and is tonight"
                return _with(move.claim, Grade.PROVEN, evidence)
            one = (was and then.has_at(before, change.path)) or (
                became and now.has_at(after, change.path)
            )
            if one and self._not_the_repository(change):
                side = "was the source's then" if was else "is what the source serves tonight"
                return _with(move.claim, Grade.PROVEN, f"the file's content {side}")
        return None

    def first_asked(self, change: FileChange) -> Claim | None:
        """Rule 3."""
        after = _digest(change.after)
        for move in self._new:
            if move.served_now.has_at(after, change.path) and self._not_the_repository(change):
                evidence = "the file's content is what the source serves tonight"
                return _with(move.claim, Grade.INFERRED, evidence)
        return None

    def by_instruction(self, change: FileChange) -> Claim | None:
        """Rule 4."""
        deciders = self._sides.deciders(change)
        texts = {decider.instruction.text for decider in deciders if decider.instruction}
        if not deciders or len(texts) != 1 or any(d.base for d in deciders):
            return None
        claims = {
            claim
            for decider in deciders
            for claim in [self.of_instruction(decider.instruction, before=decider.before)]
        }
        claim = claims.pop() if len(claims) == 1 else None
        if claim is None or not self._not_the_repository(change) or self._is_noise(change):
            return None
        return claim

    def of_instruction(
        self, instruction: Instruction | None, *, before: bool = False
    ) -> Claim | None:
        """The only source of an instruction that moved, ``inferred``; None where a base did.

        ``before`` says that it is one of the baseline's.
        """
        if instruction is None or self._sides.moved_bases:
            return None
        place = (instruction.stage, instruction.line)
        side = self._sides.baseline if before else self._sides.candidate
        named = {address_of(p) for p in (side.probes if side else ()) if _place(p) == place}
        moves = [move for move in self._moves if address_of(move.now) in named]
        if len(moves) != 1:
            return None
        evidence = "the only source of this instruction that moved"
        return _with(moves[0].claim, Grade.INFERRED, evidence)

    def unseen(self) -> tuple[Claim, ...]:
        """Claims for ADDs that moved and were served from the builder's cache: of no files."""
        candidate = self._sides.candidate
        if candidate is None or self._layers is None:
            return ()
        stale = {(address_of(a.probe), a.used) for a in stale_adds(candidate, self._layers)}
        evidence = "the builder served its cache: the image has the old content"
        return tuple(
            _with(move.claim, Grade.PROVEN, evidence)
            for move in self._moves
            if move.then and (address_of(move.now), move.then.identity) in stale
        )

    def notes_of(self, instruction: Instruction | None) -> tuple[str, ...]:
        """Evidence of the addresses that only one night's instruction names, or that failed."""
        baseline, candidate = self._sides.baseline, self._sides.candidate
        if instruction is None or baseline is None or candidate is None:
            return ()
        then = _by_address(baseline.probes)
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

    def _not_the_repository(self, change: FileChange) -> bool:
        if self._sides.same_repo_side:
            return True
        values = self._values.of(change)
        return bool(values.replays) and all(one.same(values.t) for one in values.replays)

    def _is_noise(self, change: FileChange) -> bool:
        return bool(self._sides.controls) and self._values.of(change).noisy


def _by_address(probes: Iterable[Probe]) -> dict[Address, Probe]:
    found: dict[Address, Probe] = {}
    for probe in probes:
        found.setdefault(address_of(probe), probe)
    return found


def _place(probe: Probe) -> Place:
    return probe.remote.stage, probe.remote.line


def _instructions(snapshot: Snapshot | None) -> Iterator[tuple[int, Instruction]]:
    for index, layer in enumerate(snapshot.layers if snapshot else ()):
        if layer.instruction is not None:
            yield index, layer.instruction


def _digest(entry: Entry | None) -> str | None:
    return entry.digest if entry is not None and entry.type is EntryType.FILE else None


def _short(probe: Probe) -> str:
    return str(probe.identity)[: len("sha256:") + 12]


def _with(claim: Claim, grade: Grade, evidence: str) -> Claim:
    return replace(claim, grade=grade, evidence=(*claim.evidence, evidence))
