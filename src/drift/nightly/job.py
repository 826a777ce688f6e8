"""The nightly job, from configuration to report.

Each image's source is read and its bases are pulled; it is built without cache, its image
read as a stream, compared with the last good build of an earlier night. What cannot be
explained so is tried: last night's revision is built tonight, and tonight's once more. Every
difference is given its cause; what was found is kept, and what builds left behind is removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from drift.builds import Build, Failure, Role
from drift.config.model import Config, Image
from drift.config.naming import no_such_images
from drift.engine.engine import Engine
from drift.errors import Error, SourceError, StoreError, with_hint
from drift.masking import Mask
from drift.nightly.baseline import baseline_of
from drift.nightly.bases import Bases, local_bases
from drift.nightly.cleaning import Leavings, clean, own_references, remove_unkept
from drift.nightly.exhibits import with_exhibits
from drift.nightly.experiment import NIGHTLY_REASON, Experiment, next_phase
from drift.nightly.hidden import hidden_result
from drift.nightly.judge import Judge, Judged
from drift.nightly.places import drift_own
from drift.nightly.prepare import CannotBuild, Prepared, failure_of, opened, prepare, with_triggers
from drift.nightly.probing import Probing
from drift.nightly.replay import NoReplay, Replays
from drift.nightly.room import make_room, needed
from drift.nightly.rounds import Built, Rounds
from drift.nightly.watch import Watcher
from drift.report.diffs import Texts
from drift.report.document import Document, image_document, run_document
from drift.report.results import ImageResult, RunResult
from drift.source.checkout import deepen
from drift.source.git import GitError
from drift.source.model import RepoSide
from drift.store.store import Store

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
    with alone(store, watcher, lease_wait):
        jobs = jobs or config.engine.jobs
        today = datetime.now(UTC).date()

        def clean_own() -> None:
            for failed in clean(engine, store, config, min(night or today, today)):
                watcher.says(failed)

        make_room(engine, needed(store, fleet, jobs), watcher, clean_own)
        return _Run(config, engine, store, watcher, night, jobs).do(fleet)


def alone(store: Store, watcher: Watcher, wait: float = LEASE_WAIT) -> AbstractContextManager[None]:
    """While this lasts no other run has the store; the watcher hears of one that is waited for."""
    return store.exclusive(wait, lambda who: watcher.says(f"waiting for another run: {who}"))


def chosen(config: Config, names: Sequence[str]) -> tuple[Image, ...]:
    """The images of the configuration that are asked for; all without names.

    Raises:
        ConfigError: a name is not configured.
    """
    known = {image.name for image in config.images}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise no_such_images(unknown, config)
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
        self.judge = Judge(store.layers, config.policy, config.ignore, config.accept)
        self.experiments: list[Experiment] = []
        self.logs: dict[str, str] = {}
        self.documents: list[Document] = []

    def do(self, fleet: Sequence[Image]) -> Night:
        identity = self.engine.identity(self.builder)
        self.store.begin_run(self.id, self.night, self.started_at, identity)
        try:
            with ExitStack() as sources, Leavings(self.engine, self.watcher) as leavings:
                self.experiments = [self._experiment(image, sources) for image in fleet]
                self._pull_bases()
                self._build(leavings, Replays(self.config, self.engine, self.store, sources))
        except StoreError:
            raise  # perhaps the lease is another's now, and the images with it
        except BaseException:
            with suppress(Error):
                remove_unkept(self.engine, self.store, self.config)
            raise
        self._watch_images()
        finished_at = datetime.now(UTC)
        own = own_references(self.engine, self.store)
        self.store.finish_run(self.id, finished_at)
        today = min(self.night, finished_at.date())  # --as-of may name a night to come
        for failed in clean(self.engine, self.store, self.config, today, own):
            self.watcher.says(failed)
        run = RunResult(self.id, self.night, self.started_at, finished_at, identity)
        return Night(run_document(run, self.documents), self.logs)

    def _watch_images(self) -> None:
        """Note which images are in use: by containers, and as bases of tonight's builds."""
        found = self.engine.images_in_use()
        inputs = (build.inputs for one in self.experiments for build in one.judged.builds)
        bases = {str(base.image_id) for one in inputs if one for base in one.bases}
        self.store.watch_images(found.engine, found.present, found.used | bases, datetime.now(UTC))

    def _experiment(self, image: Image, sources: ExitStack) -> Experiment:
        """An image with its source read, or with the reason why it could not be."""
        baseline = self._baseline(image)
        judged = Judged(
            image,
            baseline,
            (),
            earlier_controls=self.store.controls_of(baseline) if baseline else (),
            flapped=self.store.flapped(image.name, self.night),
        )
        experiment = Experiment(judged, self.judge)
        try:
            checkout = sources.enter_context(opened(image, self.config))
            own = drift_own(self.config)
            experiment.prepared = prepare(image, checkout, self.config, self.engine, own)
            notes = self._notes(experiment.prepared, baseline)
            experiment.judged = replace(judged, notes=notes)
        except CannotBuild as error:
            self._fail(experiment, error.failure)
        except SourceError as error:
            self._fail(experiment, failure_of(error))
        return experiment

    def _fail(self, experiment: Experiment, failure: Failure) -> None:
        """Tonight's build could not even begin."""
        failed = self.rounds.failed(experiment.name, Role.NIGHTLY, NIGHTLY_REASON, failure)
        experiment.add(failed)

    def _pull_bases(self) -> None:
        """Have all bases of the fleet, those that triggers of other bases name among them."""
        prepared = [one.prepared for one in self.experiments if one.prepared]
        self.bases.pull(prepared, self.watcher)
        for experiment in self.experiments:
            if experiment.prepared is None:
                continue
            try:
                experiment.prepared = self._with_triggers(experiment.prepared)
                self._ask_for_left_bases(experiment, experiment.prepared)
            except CannotBuild as error:
                experiment.prepared = None
                self._fail(experiment, error.failure)

    def _ask_for_left_bases(self, experiment: Experiment, prepared: Prepared) -> None:
        """Whether the bases that the repository has left moved all the same."""
        judged = experiment.judged
        if prepared.image.pull != "never" and judged.baseline and judged.baseline.inputs:
            left = self.bases.left(prepared, judged.baseline.inputs.bases)
            experiment.judged = replace(judged, left_bases=left)

    def _with_triggers(self, prepared: Prepared) -> Prepared:
        """The same, with the images that its bases' ONBUILD triggers name pulled as well.

        Raises:
            CannotBuild: a trigger cannot be read.
        """
        onbuild = self.bases.onbuild(prepared)
        if not any(onbuild.values()):
            return prepared
        completed = with_triggers(prepared, onbuild)
        self.bases.pull([completed], self.watcher)
        return completed

    def _build(self, leavings: Leavings, replays: Replays) -> None:
        """Build every image, then what tells its differences apart, a phase at a time."""
        named = {experiment.name: experiment for experiment in self.experiments}

        def done(built: Built) -> None:
            leavings.saw(built)
            named[built.build.image].add(built)

        def prepare_replay(experiment: Experiment) -> None:
            self._prepare_replay(experiment, replays)

        with Probing(self.config, self.bases) as probing:
            probing.begin([one.prepared for one in self.experiments if one.prepared])
            orders = [order for one in self.experiments if (order := one.first())]
            while orders:
                self.rounds.phase(orders, done)
                self._look_at_sources(probing)
                orders = next_phase(self.experiments, prepare_replay)
                self._keep_decided()
            self._keep_decided()

    def _look_at_sources(self, probing: Probing) -> None:
        """What the sources served: as tonight's builds began, and once more after controls."""
        controlled = []
        for experiment in self.experiments:
            built = [b for b in experiment.judged.of_role(Role.CONTROL) if b.ok and not b.probes]
            if built and not experiment.kept:
                controlled.append(experiment.name)
        first, second = probing.answers(), probing.again(controlled)
        for experiment in self.experiments:
            if experiment.kept:
                continue
            for role, answers in ((Role.NIGHTLY, first), (Role.CONTROL, second)):
                if answers.get(experiment.name):
                    experiment.probed(role, answers[experiment.name])
        self._look_at_indexes(probing)

    def _look_at_indexes(self, probing: Probing) -> None:
        """What the indexes say that tonight's builds asked; the images tell which those are."""
        open_ones = [one for one in self.experiments if not one.kept and one.made]
        built = [
            (one.prepared, one.judged.candidate)
            for one in open_ones
            if one.prepared and one.judged.candidate.ok
        ]
        answers = probing.indexes(built, self.store.layers)
        for experiment in open_ones:
            experiment.consulted(answers.get(experiment.name, ()))

    def _prepare_replay(self, experiment: Experiment, replays: Replays) -> None:
        prepared, baseline = experiment.prepared, experiment.judged.baseline
        if prepared is None or baseline is None:
            return
        try:
            replay = replays.of(prepared, baseline)
            self.bases.pull([replay], self.watcher)
            experiment.replay = self._with_triggers(replay)
        except NoReplay as error:
            experiment.no_replay(self.rounds.mask.text(str(error)))
        except CannotBuild as error:
            experiment.no_replay(self.rounds.mask.text(error.failure.message))

    def _keep_decided(self) -> None:
        """Keep the images of which nothing more is to be built, in the fleet's order."""
        for experiment in self.experiments:
            if experiment.kept:
                continue
            if experiment.wanted():
                break
            self._keep(experiment)

    def _keep(self, experiment: Experiment) -> None:
        """Keep all of an image, in one transaction."""
        if experiment.prepared:
            self._keep_context(experiment.prepared)
        result = self._noted(experiment)
        mask = self.rounds.mask
        shown = with_exhibits(result, experiment.prepared, mask, self._texts())
        document = image_document(hidden_result(shown, mask))
        logs = {one.build.id: one.log for one in experiment.made if one.log}
        builds, attribution = experiment.judged.builds, result.attribution
        controlled = any(build.ok and build.role is Role.CONTROL for build in builds)
        flapped = attribution.flapped if attribution and controlled else None
        self.store.save_image(self.id, experiment.name, document, builds, logs, flapped)
        self.documents.append(document)
        self.logs.update(logs)
        experiment.kept = True

    def _texts(self) -> Texts | None:
        """Where the content of small text files is; None where none is to be shown."""
        return self.store.texts if self.config.report.contents else None

    def _noted(self, experiment: Experiment) -> ImageResult:
        """An image's result, with what is only known of its builds."""
        result, build = experiment.result, experiment.judged.candidate
        notes = (*local_bases(build), *self._nothing_accepted(build, experiment.judged.baseline))
        return replace(result, notes=(*result.notes, *notes))

    def _baseline(self, image: Image) -> Build | None:
        return baseline_of(self.store, self.config.policy, image.name, self.night)

    def _notes(self, prepared: Prepared, baseline: Build | None) -> tuple[str, ...]:
        """What the reader should know of an image's sources, whatever the verdict."""
        then = baseline.inputs.repo if baseline and baseline.inputs else None
        trouble = self._replay_trouble(prepared, then) if then else None
        unkept = [f"the baseline cannot be built again: {trouble}"] if trouble else []
        return (*prepared.notes, *unkept)

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
