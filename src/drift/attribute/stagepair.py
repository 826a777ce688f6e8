"""One stage in the baseline and in tonight's build, asked by the same rules as an image.

To the rules a stage is an image: its snapshot in the place of the image's, and its own base in
the place of the final one. So what moved in it is found as anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim, Key
from drift.attribute.copied import StageFiles
from drift.attribute.model import Kind, Origin
from drift.attribute.mounts import mounted
from drift.attribute.packages import MovedPackages
from drift.attribute.remote import MovedRemotes
from drift.attribute.repository import RepositoryChanges
from drift.attribute.sides import Sides
from drift.attribute.values import Values
from drift.builds import Build, StageSnapshot
from drift.compare.compare import compare
from drift.compare.model import FileChange
from drift.snapshot.model import Layers
from drift.source.model import Base

Rule = Callable[[FileChange], Claim | None]
Reader = Callable[[FileChange, Origin], Claim | None]
Mover = Callable[[str, Origin], Sequence[Claim] | None]
Source = tuple[Claim, frozenset[int]]  # what moved, and the layers that it changed

BELOW = -1  # the layer of what is below a stage's own layers
_SOURCES = frozenset(
    {
        Kind.BASE_IMAGE,
        Kind.PACKAGE,
        Kind.PACKAGE_REPUBLISHED,
        Kind.REMOTE_CONTENT,
        Kind.GIT_REMOTE,
        Kind.CONTEXT,
        Kind.DOCKERFILE,
        Kind.BUILD_CONFIG,
    }
)


def stage_called(build: Build | None, name: str, below: int | None = None) -> StageSnapshot | None:
    """The stage that ``COPY --from=NAME`` means; of those ``below`` a number, if it is given."""
    found = [stage for stage in (build.stages if build else ()) if stage.answers(name)]
    meant = [stage for stage in found if below is None or stage.index < below]
    return meant[-1] if meant else None


def stage_as_build(build: Build, name: str) -> Build | None:
    """A build as if it had ended in one of its stages; None where that could not be had."""
    stage = stage_called(build, name)
    if stage is None or stage.snapshot is None:
        return None
    bases = build.inputs.bases if build.inputs else ()
    inputs = build.inputs and replace(build.inputs, bases=tuple(_bases_of(name, bases)))
    return replace(build, snapshot=stage.snapshot, inputs=inputs)


def _bases_of(name: str, bases: Sequence[Base]) -> Iterator[Base]:
    """The stage's own base as the final one, and the images that files are copied from."""
    for base in bases:
        own = f"stage:{name}" in base.roles
        others = tuple(r for r in base.roles if r.startswith(("copy:", "mount:", "frontend")))
        if own or others:
            yield replace(base, roles=(*others, *(("final",) if own else ())))


def sides_of_stage(sides: Sides, name: str) -> Sides | None:
    """The stage's two sides; None where it could not be had on one of them.

    Of the other builds only those count in which it could be had.
    """
    if sides.baseline is None or sides.candidate is None:
        return None
    before, after = stage_as_build(sides.baseline, name), stage_as_build(sides.candidate, name)
    if before is None or after is None:
        return None
    replays = tuple(filter(None, (stage_as_build(build, name) for build in sides.replays)))
    lost = f"the replay's stage {name} could not be had" if sides.replays else None
    return replace(
        Sides.of_builds(before, after),
        replays=replays,
        controls=tuple(filter(None, (stage_as_build(build, name) for build in sides.controls))),
        no_replay=sides.no_replay or (None if replays else lost),
    )


def mounted_by(text: str, by: Origin, bases: MovedBases, moved: Mover) -> list[Claim] | None:
    """What moved, by one origin, in the stages and images that a RUN mounts; None if unknown."""
    found: list[Claim] = []
    for source in mounted(text):
        known = moved(source, by)
        if known is None:
            return None
        image = bases.of_mount(source)
        found += [*known, *([image] if image and image.origin is by else ())]
    return found


def sources_of(moved: Iterable[tuple[Claim, int | None]], by: Origin) -> list[Source]:
    """The sources of one origin among claims, each once, with all the layers that it changed.

    A claim without a layer changed nothing that is looked at here.
    """
    layers: dict[Key, set[int]] = {}
    claims: dict[Key, Claim] = {}
    for claim, layer in moved:
        if claim.kind in _SOURCES and claim.origin is by and layer is not None:
            layers.setdefault(claim.key, set()).add(layer)
            claims.setdefault(claim.key, claim)
    return [(claims[key], frozenset(layers[key])) for key in claims]


class StagePair:
    """A stage on both sides: its changes, and the named source of each.

    ``held`` and ``made`` answer for the paths that the stage itself copied from another, and
    ``moved`` says what moved in a stage that one of its RUNs mounts.

    Raises:
        KeyError: a layer's manifest is not kept.
        SnapshotError: a side's layers cannot be merged.
    """

    def __init__(
        self, sides: Sides, layers: Layers, held: Rule, made: Reader, moved: Mover
    ) -> None:
        self.sides, self._layers, self._made, self._mounted = sides, layers, made, moved
        comparison = compare(sides.before, sides.after, layers)
        self.changes: Mapping[str, FileChange] = {c.path: c for c in comparison.files}
        values = Values(sides, layers)
        self._bases = MovedBases(sides)
        self._repository = RepositoryChanges(sides, self._bases)
        self._packages = MovedPackages(sides, comparison, self._bases, self._repository, values)
        self._remotes = MovedRemotes(sides, comparison, values, layers)
        self._rules: tuple[Rule, ...] = (
            self._bases.of_path,
            self._remotes.proven,
            self._packages.of_path,
            self._remotes.first_asked,
            held,
            self._repository.of_copied_context,
            self._repository.of_copied_stage,
        )
        self._named: dict[str, Claim | None] = {}
        self._sources: dict[Origin, list[Source]] = {}

    @cached_property
    def before(self) -> StageFiles:
        """The files of the baseline's stage."""
        return StageFiles(self.sides.before, self._layers)

    @cached_property
    def after(self) -> StageFiles:
        """The files of tonight's stage."""
        return StageFiles(self.sides.after, self._layers)

    def named(self, change: FileChange) -> Claim | None:
        """The named source that moved and holds a path of the stage."""
        if change.path not in self._named:
            answers = (rule(change) for rule in self._rules)
            self._named[change.path] = next((claim for claim in answers if claim), None)
        return self._named[change.path]

    def copied(self, change: FileChange, by: Origin) -> Claim | None:
        """What a path that the stage copied from another was made from there."""
        return self._made(change, by)

    def edited(self, change: FileChange) -> Claim | None:
        """The edit of the very instruction that made a path of the stage."""
        claim = self._repository.of_path(change)
        return claim if claim is not None and claim.kind is Kind.DOCKERFILE else None

    def mounted(self, text: str, by: Origin) -> Sequence[Claim]:
        """What moved, by one origin, in the stages and images that a RUN mounts."""
        return mounted_by(text, by, self._bases, self._mounted) or ()

    def sources(self, by: Origin) -> Sequence[Source]:
        """Each source of one origin that moved in the stage, and the layers that it changed.

        :data:`BELOW` stands for what no layer of the stage's own shows.
        """
        if by not in self._sources:
            self._sources[by] = sources_of(self._moved(by), by)
        return self._sources[by]

    def _moved(self, by: Origin) -> Iterator[tuple[Claim, int | None]]:
        base = self._bases.of_image
        if base is not None:
            yield base, BELOW
        for claim in (*self._packages.claims.values(), *self._packages.republished.claims.values()):
            yield claim, BELOW if claim.layer is None else claim.layer
        for claim in self._remotes.claims:
            yield claim, claim.layer  # none where it is another stage's
        for change in self.changes.values():
            known = self.named(change) or self._made(change, by)
            if known is not None:
                yield known, BELOW if known is base else change.layer
