"""The nightly job, from configuration to report.

Each image's source is read and its bases are pulled; it is built without cache, its image
read as a stream, compared with the last good build of an earlier night, and every
difference given its cause; what was found is kept, and what builds left behind is removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from drift.builds import Build, Failure, Role
from drift.config.model import Config, Image
from drift.engine.engine import Engine
from drift.errors import ConfigError, Error, SourceError, StoreError, with_hint
from drift.masking import Mask
from drift.nightly.bases import Bases, local_bases
from drift.nightly.cleaning import Leavings, clean, own_references, remove_unkept
from drift.nightly.hidden import hidden_result
from drift.nightly.judge import judge
from drift.nightly.places import drift_own
from drift.nightly.prepare import CannotBuild, Prepared, failure_of, opened, prepare, with_triggers
from drift.nightly.rounds import Built, Ordered, Rounds
from drift.nightly.watch import Watcher
from drift.report.document import Document, image_document, run_document
from drift.report.results import RunResult
from drift.source.checkout import deepen
from drift.source.git import GitError
from drift.source.model import RepoSide
from drift.store.store import Store

NIGHTLY_REASON = "tonight's repository, without cache and with fresh bases"
LEASE_WAIT = 6 * 3600.0  # seconds that a second run waits for the first


@dataclass(frozen=True, slots=True)
class Night:
    """What a run leaves: its document, metadata-only entries included, and its builds' logs."""

    document: Document
    logs: dict[str, str]

    @property
    def images(self) -> list[dict[str, Any]]:
        """The documents of the images."""
        found: list[dict[str, Any]] = self.document["images"]
        return found


@dataclass(frozen=True, slots=True)
class Task:
    """One image of the fleet tonight: ready to be built, or a build that failed before."""

    image: Image
    prepared: Prepared | None
    failed: Built | None = None


def check(
    config: Config,
    engine: Engine,
    store: Store,
    watcher: Watcher,
    *,
    names: Sequence[str] = (),
    night: date | None = None,
    jobs: int | None = None,
    lease_wait: float = LEASE_WAIT,
) -> Night:
    """Do one run: build, compare and remember the fleet, or the images named.

    Raises:
        Error: the run as a whole cannot be done; nothing of it is recorded as done.
    """
    fleet = chosen(config, names)
    with store.exclusive(lease_wait, lambda who: watcher.says(f"waiting for another run: {who}")):
        return _Run(config, engine, store, watcher, night, jobs or config.engine.jobs).do(fleet)


def chosen(config: Config, names: Sequence[str]) -> tuple[Image, ...]:
    """The images of the configuration that are asked for; all without names.

    Raises:
        ConfigError: a name is not configured.
    """
    known = {image.name: image for image in config.images}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f"no image is named {unknown[0]!r} in {config.path.name}",
            hint="configured are: " + ", ".join(known),
        )
    return tuple(image for image in config.images if not names or image.name in names)


class _Run:
    """One run while it lasts."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        store: Store,
        watcher: Watcher,
        night: date | None,
        jobs: int,
    ) -> None:
        self.config, self.engine, self.store, self.watcher = config, engine, store, watcher
        self.started_at = datetime.now(UTC)
        self.night = night or self.started_at.date()
        self.id = f"{self.started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.builder = engine.choose_builder(config.engine.builder, None)
        self.bases = Bases(engine, store.registry_digest_seen, Mask(config.masked))
        self.rounds = Rounds(
            run=self.id,
            night=self.night,
            config=config,
            engine=engine,
            bases=self.bases,
            layers=store.layers,
            watcher=watcher,
            jobs=jobs,
            mask=Mask(config.masked),
        )
        self.logs: dict[str, str] = {}
        self.documents: list[Document] = []

    def do(self, fleet: Sequence[Image]) -> Night:
        identity = self.engine.identity(self.builder)
        self.store.begin_run(self.id, self.night, self.started_at, identity)
        try:
            with ExitStack() as sources, Leavings(self.engine, self.watcher) as leavings:
                tasks = [self._task(image, sources) for image in fleet]
                self._pull_bases(tasks)
                self._nightly_builds([self._with_triggers(task) for task in tasks], leavings)
        except StoreError:
            raise  # perhaps the lease is another's now, and the images with it
        except BaseException:
            with suppress(Error):
                remove_unkept(self.engine, self.store, self.config)
            raise
        finished_at = datetime.now(UTC)
        own = own_references(self.engine, self.store)
        self.store.finish_run(self.id, finished_at)
        today = min(self.night, finished_at.date())  # --as-of may name a night to come
        for failed in clean(self.engine, self.store, self.config, today, own):
            self.watcher.says(failed)
        run = RunResult(self.id, self.night, self.started_at, finished_at, identity)
        return Night(run_document(run, self.documents), self.logs)

    def _task(self, image: Image, sources: ExitStack) -> Task:
        own = drift_own(self.config)
        try:
            checkout = sources.enter_context(opened(image, self.config))
            return Task(image, prepare(image, checkout, self.config, self.engine, own))
        except CannotBuild as error:
            failure = error.failure
        except SourceError as error:
            failure = failure_of(error)
        return self._failed(image, failure)

    def _failed(self, image: Image, failure: Failure) -> Task:
        failed = self.rounds.failed(image.name, Role.NIGHTLY, NIGHTLY_REASON, failure)
        return Task(image, None, failed)

    def _pull_bases(self, tasks: Sequence[Task]) -> None:
        self.bases.pull([task.prepared for task in tasks if task.prepared], self.watcher)

    def _with_triggers(self, task: Task) -> Task:
        """A task with the images that its bases' ONBUILD triggers name, pulled as well."""
        onbuild = self.bases.onbuild(task.prepared) if task.prepared else {}
        if task.prepared is None or not any(onbuild.values()):
            return task
        try:
            completed = Task(task.image, with_triggers(task.prepared, onbuild))
        except CannotBuild as error:
            return self._failed(task.image, error.failure)
        self._pull_bases([completed])
        return completed

    def _nightly_builds(self, tasks: Sequence[Task], leavings: Leavings) -> None:
        """Build every image; each is kept as soon as those before it in the fleet are."""
        results = {task.image.name: task.failed for task in tasks if task.failed}
        waiting = list(tasks)

        def keep_in_order() -> None:
            while waiting and waiting[0].image.name in results:
                task = waiting.pop(0)
                self._keep(task, results[task.image.name])

        def done(built: Built) -> None:
            leavings.saw(built)
            results[built.build.image] = built
            keep_in_order()

        orders = [Ordered(t.prepared, Role.NIGHTLY, NIGHTLY_REASON) for t in tasks if t.prepared]
        keep_in_order()
        self.rounds.phase(orders, done)

    def _keep(self, task: Task, built: Built) -> None:
        """Judge an image and keep all of it, in one transaction."""
        if task.prepared:
            self._keep_context(task.prepared)
        baseline = self._baseline(task.image)
        result = judge(
            task.image,
            baseline,
            built.build,
            self.store.layers,
            self.config.policy,
            self.config.ignore,
            self._notes(task.prepared, built.build, baseline) if task.prepared else (),
        )
        document = image_document(hidden_result(result, self.rounds.mask))
        logs = {built.build.id: built.log} if built.log else {}
        self.store.save_image(self.id, task.image.name, document, (built.build,), logs)
        self.documents.append(document)
        self.logs.update(logs)

    def _baseline(self, image: Image) -> Build | None:
        if self.config.policy.baseline == "accepted":
            return self.store.baseline_accepted(image.name)
        return self.store.baseline(image.name, self.night)

    def _notes(self, prepared: Prepared, build: Build, baseline: Build | None) -> tuple[str, ...]:
        """What the reader should know of an image's sources, whatever the verdict."""
        then = baseline.inputs.repo if baseline and baseline.inputs else None
        replay = self._replay_trouble(prepared, then) if then else None
        return (
            *prepared.notes,
            *local_bases(build),
            *([f"the baseline cannot be built again: {replay}"] if replay else []),
            *self._nothing_accepted(build, baseline),
        )

    def _nothing_accepted(self, build: Build, baseline: Build | None) -> tuple[str, ...]:
        """Why an image that builds stays ``first``, night after night."""
        if baseline or not build.ok or self.config.policy.baseline != "accepted":
            return ()
        return (f"no accepted baseline: `drift accept {build.image}` takes one",)

    def _replay_trouble(self, prepared: Prepared, then: RepoSide) -> str | None:
        """Why an earlier repo side could not be built again, should that be wanted."""
        if then.fingerprint == prepared.repo.fingerprint or self.store.touch_context(then.context):
            return None
        repository = prepared.checkout.repository
        if repository is None or then.revision is None or then.dirty:
            return "its context is not kept, and git does not have it"
        try:
            deepen(repository, then.revision)
        except GitError as error:
            return with_hint(error)
        return None

    def _keep_context(self, prepared: Prepared) -> None:
        """Keep the context, so that this night can be built again where git cannot give it."""
        digest = prepared.context.digest
        if self.config.store.keep_contexts and not self.store.touch_context(digest):
            try:
                self.store.keep_context(digest, prepared.context.archive())
            except SourceError as error:
                self.watcher.says(f"the context of {prepared.image.name} was not kept: {error}")
