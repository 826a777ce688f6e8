"""The stages that an image copies from, as they were when it was built.

The engine still has them: each is built again as a target, with cache, right after the image
and before anything that shares it. Whether it is the stage that the image was made from is
checked: what ``COPY --from`` brought must have come from it, byte for byte; of one that a RUN
has only mounted, every step must come from the builder's cache. A stage that cannot be had is
a problem of that stage, and never of the image.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from drift.attribute.copied import StageFiles, copy_of
from drift.builds import StageSnapshot
from drift.engine.build import BuildCancelled
from drift.engine.engine import Engine
from drift.engine.model import BuildRequest, BuildResult
from drift.errors import EngineError, Error, SourceError, StoreError
from drift.nightly.prepare import CannotBuild, Prepared
from drift.snapshot.model import Layers, Snapshot
from drift.source.dockerfile.links import uses
from drift.source.dockerfile.model import Dockerfile, Stage
from drift.source.dockerfile.naming import copies, with_name
from drift.source.dockerfile.stages import Build as StageBuild
from drift.source.dockerfile.stages import chain, resolve
from drift.source.tar import with_file

ANOTHER = "the stage that could be had is not the one that the build used"
NAMELESS = (
    "no builder builds a stage by its number, and the context that it copies would be another "
    "with a name for it: name it (FROM … AS name)"
)
_NAMED = "drift-stage"  # what nameless stages are called
_BESIDE = ".dockerfile.drift"  # where that is said
_INSTRUCTION = re.compile(r"\d+/\d+\] (?!FROM )")  # in the name of a step of BuildKit's
_SENDING = 60.0  # seconds that a build may take of which every step is in the cache

Reader = Callable[[str, Stage], Snapshot]


def copied_stages(dockerfile: Dockerfile, build: StageBuild) -> tuple[Stage, ...]:
    """The stages that a build's target copies files from or mounts, and what they take so.

    Raises:
        DockerfileError: a base cannot be resolved, a copy names what is not there.
    """
    resolved = resolve(dockerfile, build)
    waiting = chain(resolved, dockerfile.stage(build.target).index)
    found: set[int] = set()
    while waiting:
        for use in uses(dockerfile, waiting.pop(), build):
            if use.stage is not None and use.stage not in found:
                found.add(use.stage)
                waiting.extend(chain(resolved, use.stage))
    return tuple(dockerfile.stages[index] for index in sorted(found))


@dataclass(slots=True)
class CopiedStages:
    """The stages of one build. Their names in the engine go when the context is left.

    ``reading`` is how the prepared image's Dockerfile is read, and ``read`` takes the snapshot of
    a stage by its reference. ``left_images`` and ``steps`` are
    what their builds may have left, as the image's own.
    """

    engine: Engine
    stages: tuple[Stage, ...]
    prepared: Prepared
    reading: StageBuild
    layers: Layers
    read: Reader
    cancelled: threading.Event
    until: datetime | None = None
    steps: tuple[str, ...] = ()
    left_images: tuple[str, ...] = ()
    _tags: dict[int, str] = field(default_factory=dict)
    _problems: dict[int, str] = field(default_factory=dict)
    _cached: set[int] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        onbuild: dict[str, tuple[str, ...]],
        engine: Engine,
        layers: Layers,
        read: Reader,
        cancelled: threading.Event,
    ) -> Self:
        """The stages that a prepared image copies from; ``onbuild`` are its bases' triggers."""
        build = prepared.reading(onbuild)
        stages: tuple[Stage, ...] = ()
        with suppress(SourceError):  # the builder took it: what it copies is not known here
            stages = copied_stages(prepared.dockerfile, build)
        return cls(engine, stages, prepared, build, layers, read, cancelled)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Not before all are there: with the classic builder one stage's images are steps of
        # others, and go with its name.
        for tag in self._tags.values():
            with suppress(EngineError):  # the run's end tries it again
                self.engine.remove(tag)

    def build(self, request: BuildRequest, image: BuildResult) -> None:
        """Have each stage again, by the request that the image was just built with."""
        for stage in self.stages:
            try:
                self._build(stage, request, image)
            except BuildCancelled:
                raise
            except Error as error:
                self._problems[stage.index] = error.message
        if self.stages:
            self.until = datetime.now(UTC)

    def _build(self, stage: Stage, request: BuildRequest, image: BuildResult) -> None:
        tag = f"{request.tag}-s{stage.index}"
        again = replace(
            self._aimed(stage, request),
            tag=tag,
            cached=True,
            timeout=min(request.timeout, _SENDING + image.seconds),
        )
        self._tags[stage.index] = tag
        result = self.engine.build(again, on_progress=lambda _at: None, cancelled=self.cancelled)
        self.steps += tuple(step.name for step in result.steps)
        self.left_images += result.left_images
        if all(step.cached for step in result.steps if _INSTRUCTION.search(step.name)):
            self._cached.add(stage.index)
        if result.failure is not None:
            self._problems[stage.index] = f"it could not be had again: {result.failure.message}"

    def _aimed(self, stage: Stage, request: BuildRequest) -> BuildRequest:
        """The request with the stage as its target.

        Raises:
            SourceError: it has no name and can't be given one, or the Dockerfile can't be read.
        """
        if stage.name is not None:
            return replace(request, target=stage.name)
        name = f"{_NAMED}-{stage.index}"
        parsed = self.prepared.dockerfile
        dockerfile = with_name(self.prepared.context.dockerfile_content, parsed, stage, name)
        to_it = replace(self.reading, target=str(stage.index))
        if dockerfile is None or copies(parsed, to_it, _BESIDE):
            raise SourceError(NAMELESS)
        return replace(
            request,
            context=lambda: with_file(request.context(), _BESIDE, dockerfile),
            dockerfile=_BESIDE,
            target=name,
        )

    def snapshots(self, image: Snapshot) -> tuple[StageSnapshot, ...]:
        """A snapshot of each stage, or why there is none; ``image`` is that of the image.

        Raises:
            BuildCancelled: it was stopped.
            StoreError: the store cannot be reached.
        """
        taken = {stage.index: self._snapshot(stage) for stage in self.stages}
        consumers = [image, *(one.snapshot for one in taken.values() if one.snapshot)]
        return tuple(self._checked(one, consumers) for one in taken.values())

    def _snapshot(self, stage: Stage) -> StageSnapshot:
        blank = StageSnapshot(stage.label, index=stage.index)
        if problem := self._problems.get(stage.index):
            return replace(blank, problem=problem)
        try:
            return replace(blank, snapshot=self.read(self._tags[stage.index], stage))
        except (BuildCancelled, StoreError):
            raise
        except CannotBuild as error:
            return replace(blank, problem=error.failure.message)
        except Exception as error:  # an image that finds a bug of ours is not to be lost
            said = error.message if isinstance(error, Error) else repr(error)
            return replace(blank, problem=f"it could not be read: {said}")

    def _checked(self, taken: StageSnapshot, consumers: Sequence[Snapshot]) -> StageSnapshot:
        if taken.snapshot is None:
            return taken
        try:
            agrees = self._agrees(taken, taken.snapshot, consumers)
        except StoreError:
            raise
        except Exception as error:
            said = error.message if isinstance(error, Error) else repr(error)
            return replace(taken, snapshot=None, problem=f"it could not be checked: {said}")
        return taken if agrees else replace(taken, snapshot=None, problem=ANOTHER)

    def _agrees(self, taken: StageSnapshot, stage: Snapshot, consumers: Sequence[Snapshot]) -> bool:
        """Whether all that was copied from a stage lies in it.

        Where nothing was, whether no step of it was done again.
        """
        files = None
        for consumer in consumers:
            for layer in consumer.layers:
                copy = copy_of(layer.instruction.text) if layer.instruction else None
                if copy is None or not taken.answers(copy.source):
                    continue
                files = files or StageFiles(stage, self.layers)
                if not files.gave(copy, self.layers.get(layer.diff_id)):
                    return False
        return files is not None or taken.index in self._cached
