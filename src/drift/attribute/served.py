"""Moves: what a source told on the baseline's night, and what it told tonight."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.builds import Build
from drift.oci import Digest
from drift.snapshot.model import Instruction, Snapshot
from drift.source.model import Probe, RemoteKind

Address = tuple[str, str | None, bool]  # URL, git's ref, whether it is git's

_EMPTY = Digest.of(b"")


def address_of(probe: Probe) -> Address:
    """What tells sources apart."""
    remote = probe.remote
    return remote.url, remote.ref, remote.kind is RemoteKind.GIT


class Served:
    """The digests that a source served, by what probes tell of it."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self.whole: set[str] = set()
        self.members: dict[str, list[str]] = {}
        for probe in probes:
            if probe.identity is None:
                continue
            is_git = probe.remote.kind is RemoteKind.GIT
            line = Digest.of(f"{probe.identity}\n".encode()) if is_git else probe.identity
            self.whole.add(line)
            for name, digest in probe.members.items():
                self.members.setdefault(digest, []).append(name)

    def has(self, digest: str | None) -> bool:
        """Whether a file of this content was served, under any name."""
        known = digest in self.whole or digest in self.members
        return digest is not None and digest != _EMPTY and known

    def has_at(self, digest: str | None, path: str) -> bool:
        """The same; a file of an archive only under a path's name."""
        if not self.has(digest):
            return False
        return digest in self.whole or any(
            posixpath.basename(path) == posixpath.basename(name)
            for name in self.members.get(str(digest), ())
        )

    def root(self, digest: str | None, path: str) -> str:
        """Where the source went, by one of its files: what of the path is not of the archive."""
        if digest in self.whole:
            return path
        roots = (_without_common_end(path, name) for name in self.members.get(str(digest), ()))
        return min(roots, key=len, default=path)


@dataclass(frozen=True, slots=True)
class Move:
    """One source that moved, came or went; ``then`` is None where it was first asked tonight.

    ``answers`` are tonight's that differ from ``then``; ``now`` is the one of them that the
    image shows, else the first. With ``again`` tonight's answers differ from each other.
    """

    then: Probe | None
    now: Probe
    answers: tuple[Probe, ...]
    again: bool
    served_then: Served
    served_now: Served

    @property
    def address(self) -> Address:
        return address_of(self.now)

    def showing(self, digest: str | None) -> Move:
        """The same, with the answer that a file of tonight's image shows."""
        shown = (probe for probe in self.answers if Served([probe]).has(digest))
        return replace(self, now=next(shown, self.now))

    def claim(self, sides: Sides) -> Claim:
        """What is said of it, whatever it holds."""
        layer, instruction = _made(sides, self.now.remote.stage, self.now.remote.line)
        again = ("it moved during the run",) if self.again else ()
        unchanged = ("repo fingerprint unchanged",) if sides.same_repo_side else ()
        told = self.told(sides.baseline.night if sides.baseline else None, *again, *unchanged)
        return replace(told, layer=layer, instruction=instruction)

    def told(self, night: date | None, *more: str) -> Claim:
        """The claim that it moved since the baseline's night, wherever it went."""
        remote = self.now.remote
        is_git = remote.kind is RemoteKind.GIT
        return Claim(
            origin=Origin.EXTERNAL,
            kind=Kind.GIT_REMOTE if is_git else Kind.REMOTE_CONTENT,
            subject=f"{remote.url}#{remote.ref}" if is_git and remote.ref else remote.url,
            grade=Grade.PROVEN,
            before=self.then.identity if self.then else None,
            after=self.now.identity,
            evidence=(self._sentence(night), *more),
        )

    def _sentence(self, night: date | None) -> str:
        is_git = self.now.remote.kind is RemoteKind.GIT
        what = "the repository had" if is_git else "the URL served"
        if self.then is None or night is None:
            return f"{what} {_short(self.now)} tonight, and was not asked before"
        now = _short(self.now)
        if self.now.identity is None:
            now = f"nothing ({self.now.problem})"
        return f"{what} {_short(self.then)} on {night} and {now} tonight"


def moves_of(sides: Sides) -> Iterator[Move]:
    """The sources that both nights' Dockerfiles name and that moved, or were first asked."""
    baseline, candidate = sides.baseline, sides.candidate
    if baseline is None or candidate is None:
        return
    before = by_address(baseline.probes)
    tonight = (candidate, *sides.replays, *sides.controls)
    for address, now in by_address(candidate.probes).items():
        answers = [p for build in tonight for p in build.probes if address_of(p) == address]
        move = _move(before.get(address), now, answers)
        if move is not None:
            yield move


def moves_between(baseline: Build, tonight: Build) -> Iterator[Move]:
    """The sources that both builds' Dockerfiles name and that moved."""
    before = by_address(baseline.probes)
    for address, now in by_address(tonight.probes).items():
        move = _move(before.get(address), now, (now,))
        if move is not None and move.then is not None:
            yield move


def _move(then: Probe | None, now: Probe, answers: Iterable[Probe]) -> Move | None:
    known = [probe for probe in answers if _answered(probe)]
    then = then if then is not None and _answered(then) else None
    former = then.identity if then else None
    moved = [probe for probe in known if probe.identity != former]
    if not moved:
        return None
    again = len({probe.identity for probe in known}) > 1
    # Answers of other builds are tied to other places; the first look's place is the image's.
    placed = tuple(replace(probe, remote=now.remote) for probe in moved)
    return Move(then, placed[0], placed, again, Served([then] if then else ()), Served(moved))


def _answered(probe: Probe) -> bool:
    """Whether a source said what it serves, or that it has no such thing (any more)."""
    return probe.identity is not None or probe.gone


def by_address(probes: Iterable[Probe]) -> dict[Address, Probe]:
    """The first probe of each source."""
    found: dict[Address, Probe] = {}
    for probe in probes:
        found.setdefault(address_of(probe), probe)
    return found


def _made(sides: Sides, stage: str, line: int) -> tuple[int | None, Instruction | None]:
    """The layer of an instruction in tonight's image, and the instruction in any stage."""
    stages = [other.snapshot for other in sides.candidate.stages] if sides.candidate else []
    for snapshot in (sides.after, *stages):
        for index, instruction in _instructions(snapshot):
            if (instruction.stage, instruction.line) == (stage, line):
                return (index if snapshot is sides.after else None), instruction
    return None, None


def _instructions(snapshot: Snapshot | None) -> Iterator[tuple[int, Instruction]]:
    for index, layer in enumerate(snapshot.layers if snapshot else ()):
        if layer.instruction is not None:
            yield index, layer.instruction


def _short(probe: Probe) -> str:
    return str(probe.identity)[: len("sha256:") + 12] if probe.identity else "nothing"


def _without_common_end(path: str, name: str) -> str:
    """A path without the last parts that it has in common with a name."""
    parts, others = path.split("/"), name.rstrip("/").split("/")
    while len(parts) > 1 and others and parts[-1] == others[-1]:
        parts.pop()
        others.pop()
    return "/".join(parts) or "/"
