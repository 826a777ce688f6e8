"""Builds: each image of a phase once, some at a time, and a snapshot of what came of it."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import IO, cast

from drift.attribute.mounts import mounts_of
from drift.builds import Build, Failure, FailureKind, Role, StageSnapshot
from drift.config.model import Config
from drift.engine.build import BuildCancelled
from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.engine.model import BuildRequest, BuildResult, Progress, SecretMount
from drift.errors import EngineError, Error, SnapshotError, SourceError, with_hint
from drift.masking import Mask
from drift.nightly.bases import Bases
from drift.nightly.hidden import hidden_config, hidden_inputs, hidden_instruction
from drift.nightly.prepare import CannotBuild, Prepared, volatile_args
from drift.nightly.probing import forget_added
from drift.nightly.stages import CopiedStages
from drift.nightly.verification import verify_bases, verify_prefix
from drift.nightly.watch import Watcher
from drift.snapshot.forms import Window
from drift.snapshot.model import Layers, Snapshot
from drift.snapshot.take import snapshot_of_stream
from drift.source.dockerfile import tie_layers
from drift.source.dockerfile.steps import instruction_of_step, run_commands
from drift.source.model import Base, Inputs

_EXECUTED = re.compile(r"\[[^\]]*\d+/\d+\] (?:RUN|ADD)\b")
LEAST_FREE = 1 << 30  # bytes that the engine's disk must have left before a build


@dataclass(frozen=True, slots=True)
class Ordered:
    """A build that is to be made: of what, as what, why, and as which one of its role."""

    prepared: Prepared
    role: Role
    reason: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Built:
    """A build that was made, its log, its steps' names, and images left beside its own.

    ``shared`` names a step that had begun before the build was asked for: another build's.
    ``until`` is when its stages had been had as well; None where it has none.
    """

    build: Build
    log: str = ""
    steps: tuple[str, ...] = ()
    left_images: tuple[str, ...] = ()
    shared: str | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Rounds:
    """Makes the builds of one run. :attr:`cancelled` stops those that are under way."""

    run: str
    night: date
    config: Config
    engine: Engine
    bases: Bases
    layers: Layers
    watcher: Watcher
    jobs: int
    mask: Mask
    cancelled: threading.Event = field(default_factory=threading.Event)

    def phase(self, orders: Sequence[Ordered], done: Callable[[Built], None]) -> None:
        """Make some builds, :attr:`jobs` at a time; ``done`` hears of each in this thread.

        A control or replay that shared a step with another build proves nothing: it is made
        again, alone. All have ended when this returns, or raises (KeyboardInterrupt included).
        """
        void: list[Ordered] = []

        def take(order: Ordered, built: Built) -> None:
            if order.role is not Role.NIGHTLY and built.shared:
                void.append(order)
            done(built)

        self._some_at_a_time(orders, take)
        for order in void:
            void_build = self.blank(order.prepared.image.name, order.role, "", order.attempt)
            with suppress(EngineError):  # else it stays in the engine, without a name
                self.engine.remove(own_reference(void_build.image, void_build.id))
            reason = f"{order.reason} (again, alone: the first shared a step with another build)"
            done(self.make(replace(order, reason=reason)))

    def _some_at_a_time(
        self, orders: Sequence[Ordered], done: Callable[[Ordered, Built], None]
    ) -> None:
        with ThreadPoolExecutor(max_workers=self.jobs, thread_name_prefix="build") as pool:
            given: dict[Future[Built], Ordered] = {
                pool.submit(self.make, order): order for order in orders
            }
            pending = set(given)
            try:
                while pending:
                    ended, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in ended:
                        done(given[future], future.result())
            except BaseException:
                self.cancelled.set()
                for future in pending:
                    future.cancel()
                raise

    def make(self, order: Ordered) -> Built:
        """Make one build; whatever goes wrong with it is its failure, not an error."""
        image = order.prepared.image.name
        self.watcher.begins(image, order.role, order.reason)
        try:
            built = self._make(order)
        except Error:
            raise  # the run as a whole cannot go on: stopped, or the store is out of reach
        except Exception as error:
            # A bug of ours, or an image that found one, must not keep the fleet unchecked.
            failure = Failure(FailureKind.ENGINE, f"drift failed at this image: {error!r}")
            built = self.failed(image, order.role, order.reason, failure, order.attempt)
        outcome = built.build.failure.message if built.build.failure else "built"
        self.watcher.ends(image, order.role, built.build.seconds, outcome)
        return built

    def blank(self, image: str, role: Role, reason: str, attempt: int = 1) -> Build:
        """A build of this run that has not begun."""
        again = f"-{attempt}" if attempt > 1 else ""
        return Build(
            id=f"{self.run}-{image}-{role.value}{again}",
            image=image,
            run=self.run,
            night=self.night,
            role=role,
            reason=reason,
            started_at=datetime.now(UTC),
            seconds=0.0,
        )

    def failed(
        self, image: str, role: Role, reason: str, failure: Failure, attempt: int = 1
    ) -> Built:
        """A build that could not even begin."""
        blank = self.blank(image, role, reason, attempt)
        return Built(replace(blank, failure=self.masked(failure)))

    def _make(self, order: Ordered) -> Built:
        blank = self.blank(order.prepared.image.name, order.role, order.reason, order.attempt)
        try:
            self._check_room()
            engine = self.engine.identity(order.prepared.builder)
            volatile = volatile_args(order.prepared.image)
            # Known though a base cannot be had: whether the repository changed decides then.
            inputs = Inputs(order.prepared.repo, (), engine, volatile)
            blank = replace(blank, inputs=hidden_inputs(inputs, self.mask))
            inputs = replace(inputs, bases=self.bases.of(order.prepared))
        except CannotBuild as error:
            return Built(replace(blank, failure=self.masked(error.failure)))
        except EngineError as error:
            return self._not_built(blank, FailureKind.ENGINE, error)
        return self._build(order, replace(blank, inputs=hidden_inputs(inputs, self.mask)), inputs)

    def _check_room(self) -> None:
        disk = self.engine.disk()
        if disk is not None and disk.free < LEAST_FREE:
            message = f"the engine's disk is nearly full ({disk.free >> 20} MiB left): not built"
            raise CannotBuild(Failure(FailureKind.RESOURCES, message))

    def _build(self, order: Ordered, blank: Build, inputs: Inputs) -> Built:
        tag = own_reference(blank.image, blank.id)
        forget_added(self.engine, order.prepared, self.bases)
        try:
            result = self.engine.build(
                self._request(order.prepared, tag),
                on_progress=lambda at: self._progress(blank.image, at),
                cancelled=self.cancelled,
            )
        except BuildCancelled:
            raise
        except EngineError as error:
            return self._not_built(blank, FailureKind.ENGINE, error)
        except SourceError as error:  # the context is no longer what it was when it was read
            return self._not_built(blank, FailureKind.INPUT, error)
        build = replace(blank, started_at=result.started_at, seconds=result.seconds)
        failure, snapshot = result.failure, None
        taken: tuple[StageSnapshot, ...] = ()
        stages = self._stages(order.prepared, result, inputs.bases)
        if failure is None:
            try:
                with stages:
                    stages.build(self._request(order.prepared, tag), result)
                    snapshot = self._snapshot(order.prepared, result, inputs.bases, tag)
                    taken = stages.snapshots(snapshot)
            except CannotBuild as error:
                failure = error.failure
            except BuildCancelled:
                raise
            except (EngineError, SnapshotError) as error:
                failure = Failure(FailureKind.ENGINE, error.message)
        if failure is not None:
            failure = self.masked(self._placed(failure, result, order.prepared))
        return Built(
            replace(build, snapshot=snapshot, failure=failure, stages=self._shown(taken)),
            log=self.mask.text(result.log),
            steps=(*_steps(result, order.prepared), *stages.steps),
            left_images=(*result.left_images, *stages.left_images),
            until=stages.until,
            shared=shared_step(result),
        )

    def _stages(
        self, prepared: Prepared, result: BuildResult, bases: Sequence[Base]
    ) -> CopiedStages:
        return CopiedStages.of(
            prepared,
            self.bases.onbuild(prepared),
            self.engine,
            self.layers,
            lambda tag, stage: self._snapshot(prepared, result, bases, tag, stage.label),
            self.cancelled,
        )

    def _shown(self, stages: Sequence[StageSnapshot]) -> tuple[StageSnapshot, ...]:
        return tuple(
            replace(stage, problem=self.mask.text(stage.problem)) if stage.problem else stage
            for stage in stages
        )

    def _not_built(self, blank: Build, kind: FailureKind, error: Error) -> Built:
        return Built(replace(blank, failure=self.masked(Failure(kind, with_hint(error)))))

    def _request(self, prepared: Prepared, tag: str) -> BuildRequest:
        image = prepared.image
        return BuildRequest(
            context=prepared.context.open,
            dockerfile=prepared.context.dockerfile,
            tag=tag,
            builder=prepared.builder,
            args=image.args,
            target=image.target,
            platform=str(image.platform) if image.platform else None,
            network=None if image.network == "default" else image.network,
            extra_hosts=image.extra_hosts,
            shm_size=image.shm_size,
            secrets=tuple(SecretMount(s.id, s.file, s.env) for s in image.secrets),
            ssh=image.ssh,
            session=prepared.session,
            timeout=self.config.engine.timeout,
        )

    def _progress(self, image: str, at: Progress) -> None:
        self.watcher.steps(image, at.step, at.steps, self.mask.text(at.name))

    def _snapshot(
        self,
        prepared: Prepared,
        result: BuildResult,
        bases: Sequence[Base],
        tag: str,
        stage: str | None = None,
    ) -> Snapshot:
        """The snapshot of the image that was built, or of a stage of it."""
        inspected = self.engine.inspect(tag)
        if inspected is None:
            raise EngineError(f"the image that was built, {tag}, is not in the engine")
        role = "final" if stage is None else f"stage:{stage}"
        base = next((base for base in bases if role in base.roles), None)
        verify_bases(bases, result)
        with self.engine.export(tag) as stream:
            snapshot = snapshot_of_stream(
                cast(IO[bytes], Cancellable(stream, self.cancelled)),
                f"the export of {prepared.image.name}",
                self.layers,
                expected=inspected.diff_ids,
                base=base.diff_ids if base else (),
                window=_window(result),
                hides=self.mask.hides,
            )
        verify_prefix(base, snapshot)
        return self._tied(prepared, snapshot, base, stage or prepared.image.target)

    def _tied(
        self, prepared: Prepared, snapshot: Snapshot, base: Base | None, target: str | None
    ) -> Snapshot:
        """The snapshot with each layer tied to its instruction, and no masked value in it."""
        below = len(base.diff_ids) if base else 0
        instructions = tie_layers(
            snapshot.config.history,
            base.history_length if base else 0,
            below,
            prepared.dockerfile,
            prepared.image.args,
            target,
            platform=prepared.platform,
            builder=prepared.read_by,
            onbuild=self.bases.onbuild(prepared),
            layers=len(snapshot.layers),
        )
        layers = tuple(
            replace(
                layer,
                base=index < below,
                instruction=hidden_instruction(instruction, self.mask),
            )
            for index, (layer, instruction) in enumerate(
                zip(snapshot.layers, instructions, strict=True)
            )
        )
        return replace(snapshot, layers=layers, config=hidden_config(snapshot.config, self.mask))

    def _placed(self, failure: Failure, result: BuildResult, prepared: Prepared) -> Failure:
        """The failure with the Dockerfile's instruction that failed, and what that went without."""
        if failure.instruction is not None or result.failed_step is None:
            return failure
        instruction = instruction_of_step(prepared.dockerfile, result.failed_step)
        mounts = mounts_of(instruction.text) if instruction else ()
        asked = {(mount.type, mount.secret_id) for mount in mounts}
        lacking = [f"the {m.kind} {m.id!r}" for m in prepared.ungiven if (m.kind, m.id) in asked]
        message = failure.message
        if lacking:
            message += f" (it mounts {' and '.join(lacking)}, which drift.toml does not give)"
        return replace(failure, instruction=instruction, message=message)

    def masked(self, failure: Failure) -> Failure:
        """The failure without what must not be shown."""
        return failure.masked(self.mask.text)


class Cancellable(io.RawIOBase):
    """A stream that ends in :class:`BuildCancelled` once an event is set."""

    def __init__(self, stream: IO[bytes], cancelled: threading.Event) -> None:
        super().__init__()
        self._stream, self._cancelled = stream, cancelled

    def read(self, size: int = -1) -> bytes:
        if self._cancelled.is_set():
            raise BuildCancelled("stopped while the image was read")
        return self._stream.read(size)


def shared_step(result: BuildResult) -> str | None:
    """A step of the Dockerfile that another build had begun before; None where all are its own.

    BuildKit shares equal steps of builds that overlap, even without cache. Its clock may not
    be ours: what a build does first is its own, as nobody else has its context.
    """
    own = [step.started_at for step in result.steps if step.name.startswith("[internal]")]
    first = min((time for time in own if time), default=None)
    if first is None:
        return None
    return next(
        (
            step.name
            for step in result.steps
            if _EXECUTED.match(step.name) and step.started_at and step.started_at < first
        ),
        None,
    )


def _steps(result: BuildResult, prepared: Prepared) -> tuple[str, ...]:
    """The steps by name, and RUN as written: newer builders name it with variables' values."""
    names = tuple(step.name for step in result.steps)
    return (*names, *(f"RUN {command}" for command in run_commands(prepared.dockerfile)))


def _window(result: BuildResult) -> Window:
    return Window(result.started_at, result.started_at + timedelta(seconds=result.seconds))
