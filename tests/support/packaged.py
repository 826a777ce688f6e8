"""Nights of packages: what two builds, their replay and their control installed.

A build is a list of layers, each the instruction that made it (None: the base's) and what it
holds, and the packages that a database lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from drift.attribute.attribute import attribute
from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim
from drift.attribute.packages import MovedPackages
from drift.attribute.repository import RepositoryChanges
from drift.attribute.sides import Sides
from drift.attribute.values import Values
from drift.builds import Build, Role
from drift.compare.compare import compare
from drift.oci import Digest, HistoryEntry
from drift.snapshot.model import Instruction, LayersInMemory, Package, Packages
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from support.images import Member, file, snapshot_of

ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
REPO = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"))
EDITED = replace(REPO, dockerfile=Digest.of(b"FROM, edited"), revision="new")
INSTALL = "RUN apt-get install -y curl"
CURL = "pkg:deb/debian/curl"


def base(version: str = "1") -> Base:
    made = Digest.of(f"debian {version}".encode())
    return Base("debian:bookworm", made, made, roles=("stage:0", "final"), history_length=1)


def deb(name: str, version: str, *files: str, **fields: Any) -> Package:
    return Package(f"pkg:deb/debian/{name}", version, files=files, **fields)


@dataclass(frozen=True)
class Made:
    """What a build is made to be. ``layers`` are above the base's one, which holds ``below``."""

    layers: Sequence[tuple[str, Sequence[Member]]]
    packages: Sequence[Package] = ()
    repo: RepoSide = REPO
    base: Base = field(default_factory=base)
    below: Sequence[Member] = (file("base"),)
    unknown: Mapping[str, str] = field(default_factory=dict)

    def _history(self) -> tuple[HistoryEntry, ...]:
        texts = ("the base's", *(text for text, _ in self.layers))
        return tuple(HistoryEntry(text, empty_layer=False) for text in texts)

    def build(self, store: LayersInMemory, role: Role) -> Build:
        stacks = [self.below, *(members for _, members in self.layers)]
        packages = Packages(tuple(self.packages), unknown=self.unknown)
        snapshot = snapshot_of(stacks, store, packages=packages, base=1)
        tied = [
            replace(layer, instruction=Instruction("0", number, text))
            for number, (layer, (text, _)) in enumerate(
                zip(snapshot.layers[1:], self.layers, strict=True), start=2
            )
        ]
        return Build(
            id=role.value,
            image="app",
            run="run",
            night=date(2026, 11, 23),
            role=role,
            reason="a test",
            started_at=datetime(2026, 11, 23, tzinfo=UTC),
            seconds=1.0,
            inputs=Inputs(self.repo, (self.base,), ENGINE),
            snapshot=replace(
                snapshot,
                layers=(snapshot.layers[0], *tied),
                config=replace(snapshot.config, history=self._history()),
            ),
        )


class PackagedNight:
    """The claims that packages make on a night."""

    def __init__(
        self,
        baseline: Made,
        tonight: Made,
        *,
        replay: Made | None = None,
        control: Made | None = None,
        no_replay: str | None = None,
        alone: bool = False,
        known: Collection[Claim] = (),
    ) -> None:
        self.store = store = LayersInMemory()
        then, now = baseline.build(store, Role.NIGHTLY), tonight.build(store, Role.NIGHTLY)
        again = [replay.build(store, Role.REPLAY)] if replay else []
        controls = [control.build(store, Role.CONTROL)] if control else []
        if then.snapshot is None or now.snapshot is None:
            raise AssertionError("a build without a snapshot")
        self.sides = (
            Sides(then.snapshot, now.snapshot)
            if alone
            else Sides(
                before=then.snapshot,
                after=now.snapshot,
                before_inputs=then.inputs,
                after_inputs=now.inputs,
                baseline=then,
                candidate=now,
                replays=tuple(again),
                controls=tuple(controls),
                no_replay=no_replay,
            )
        )
        self.comparison = compare(then.snapshot, now.snapshot, store)
        bases = MovedBases(self.sides)
        self.packages = MovedPackages(
            self.sides,
            self.comparison,
            bases,
            RepositoryChanges(self.sides, bases),
            Values(self.sides, store),
            known,
        )
        self.claims: dict[str, Claim | None] = {
            change.path: self.packages.of_path(change) for change in self.comparison.files
        }
        check_one_cause_each(self)

    def claim(self, path: str) -> Claim:
        claim = self.claims[path]
        if claim is None:
            raise AssertionError(f"{path} has no claim")
        return claim

    def said_of(self, path: str) -> str:
        """The evidence that packages have for a path that they do not claim."""
        changes = [change for change in self.comparison.files if change.path == path]
        return "; ".join(self.packages.owners_of(changes))


def check_one_cause_each(night: PackagedNight) -> None:
    """Every changed path and package has exactly one cause, whatever the night."""
    found = attribute(night.sides, night.comparison, night.store)
    changed = {change.path for change in night.comparison.files}
    assert set(found.paths) == changed
    assert sum(cause.files for cause in found.causes) == len(changed)
    assert set(found.packages) == {change.purl for change in night.comparison.packages}
