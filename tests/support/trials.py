"""Builds of one image's experiment, made up: what each holds, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from drift.attribute.attribute import attribute
from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.builds import Build, Role
from drift.compare.compare import compare
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory, NormalForm, Packages
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from support.images import Member, file, snapshot_of

ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
BASE_LAYER = "the base"
RUN = "RUN make"
STARTED = datetime(2026, 11, 2, tzinfo=UTC)


def repo(version: str = "1", **fields: Any) -> RepoSide:
    """A repo side; another version is another context."""
    return RepoSide(Digest.of(version.encode()), Digest.of(b"FROM"), revision=version, **fields)


def base(version: str = "1", reference: str = "debian:stable") -> Base:
    """The base of the image."""
    digest = Digest.of(f"{reference} {version}".encode())
    return Base(reference, digest, digest, history_length=1, roles=("stage:0", "final"))


@dataclass(frozen=True)
class Made:
    """One build: its own layers above the base as (instruction, members), and its inputs."""

    layers: Sequence[tuple[str, Sequence[Member]]]
    repo: RepoSide = field(default_factory=repo)
    base: Base = field(default_factory=base)
    engine: EngineIdentity = ENGINE
    packages: Packages = field(default_factory=Packages)
    settings: Mapping[str, Any] = field(default_factory=dict)
    brought: Sequence[Member] = (file("etc/base", "base"),)
    forms: Mapping[str, str] = field(default_factory=dict)  # path: content in the form "dates"
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    volatile: Mapping[str, Digest] = field(default_factory=dict)


def one(content: str | None, text: str = RUN, **more: Any) -> Made:
    """A build whose RUN made /x with some content; None: it did not."""
    members = [] if content is None else [file("x", content)]
    return Made([(text, members)], **more)


class Night:
    """An experiment, and what came of it."""

    def __init__(
        self,
        y: Made,
        t: Made,
        *,
        c: Sequence[Made] = (),
        a: Sequence[Made] = (),
        no_replay: str | None = None,
        flapped: Mapping[str, Sequence[str]] | None = None,
        left_bases: Mapping[str, str] | None = None,
    ) -> None:
        self.layers = LayersInMemory()
        baseline, candidate = (self._build(made, Role.NIGHTLY) for made in (y, t))
        sides = replace(
            Sides.of_builds(baseline, candidate),
            replays=tuple(self._build(made, Role.REPLAY) for made in c),
            controls=tuple(self._build(made, Role.CONTROL) for made in a),
            no_replay=no_replay,
            flapped=flapped or {},
            left_bases=left_bases or {},
        )
        self.comparison = compare(sides.before, sides.after, self.layers)
        self.attribution: Attribution = attribute(sides, self.comparison, self.layers)
        assert set(self.attribution.paths) == {c.path for c in self.comparison.files}
        assert set(self.attribution.config) == {c.field for c in self.comparison.config}

    def _build(self, made: Made, role: Role) -> Build:
        stack = [(BASE_LAYER, made.brought), *made.layers]
        snapshot = snapshot_of(
            [members for _, members in stack],
            self.layers,
            settings=dict(made.settings),
            packages=made.packages,
        )
        described = []
        for number, (layer, (text, _)) in enumerate(zip(snapshot.layers, stack, strict=True)):
            tied = None if text == BASE_LAYER else Instruction("0", number + 1, text)
            described.append(replace(layer, base=text == BASE_LAYER, instruction=tied))
            self._describe(layer.diff_id, made)
        return Build(
            id=f"{role}-{id(made)}",
            image="app",
            run="run",
            night=date(2026, 11, 2),
            role=role,
            reason="a test",
            started_at=STARTED,
            seconds=1.0,
            inputs=Inputs(made.repo, (made.base,), made.engine, made.volatile),
            snapshot=replace(snapshot, layers=tuple(described)),
        )

    def _describe(self, diff_id: Any, made: Made) -> None:
        """Give a layer the forms and parts that a test wants it to have."""
        layer = self.layers.get(diff_id)
        held = {entry.path for entry in layer.entries}
        forms = {
            path: NormalForm("dates", Digest.of(text.encode()))
            for path, text in made.forms.items()
            if path in held
        }
        parts = {path: numbers for path, numbers in made.parts.items() if path in held}
        self.layers._layers[diff_id] = replace(layer, forms=forms, parts=parts)

    def cause(self, path: str = "/x") -> Cause:
        """The cause of a path."""
        found = self.attribution.paths[path]
        return next(cause for cause in self.attribution.causes if cause.id == found)

    def said(self, path: str = "/x") -> tuple[Origin | None, Kind, str, Grade]:
        """Origin, kind, subject and grade of a path's cause."""
        cause = self.cause(path)
        return cause.origin, cause.kind, cause.subject, cause.grade
