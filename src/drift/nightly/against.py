"""Another revision against this tree, in one run: for pull requests.

Both are built tonight with the same bases, so that what differs is the repository's doing
or noise, which a control tells apart. The store is only read.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from drift.builds import Role
from drift.config.model import Config, Image
from drift.engine.engine import Engine
from drift.errors import SourceError
from drift.masking import Mask
from drift.nightly.bases import Bases
from drift.nightly.cleaning import Leavings
from drift.nightly.exhibits import with_exhibits
from drift.nightly.experiment import Experiment, next_phase
from drift.nightly.hidden import hidden_result
from drift.nightly.job import Night, chosen
from drift.nightly.judge import Judge, Judged
from drift.nightly.places import drift_own
from drift.nightly.prepare import CannotBuild, Prepared, opened, prepare
from drift.nightly.rounds import Built, Ordered, Rounds
from drift.nightly.watch import Watcher
from drift.report.diffs import Texts
from drift.report.document import image_document, run_document
from drift.report.results import ImageResult, RunResult
from drift.snapshot.overlay import Overlay
from drift.source.checkout import Checkout, checkout_revision, commit_at, deepen
from drift.source.git import GitError, GitFailure
from drift.store.store import Store

_REASONS = {
    Role.NIGHTLY: "this tree, tonight",
    Role.REPLAY: "the revision that it is compared with, tonight",
}


def against(
    config: Config,
    engine: Engine,
    store: Store,
    watcher: Watcher,
    revision: str,
    names: Sequence[str] = (),
    jobs: int | None = None,
) -> Night:
    """Build a revision and this tree, and compare the two; no night is recorded.

    Raises:
        Error: the run as a whole cannot be done.
        SourceError: an image has no repository, or its repository not that revision.
    """
    started_at = datetime.now(UTC)
    run = f"against-{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    layers = Overlay(store.layers, store.texts)
    bases = Bases(engine, store.registry_digest_seen, Mask(config.masked))
    rounds = Rounds(
        run=run,
        night=started_at.date(),
        config=config,
        engine=engine,
        bases=bases,
        layers=layers,
        watcher=watcher,
        jobs=jobs or config.engine.jobs,
        mask=Mask(config.masked),
    )
    fleet = chosen(config, names)
    built: dict[tuple[str, Role], Built] = {}
    with ExitStack() as sources, Leavings(engine, watcher) as leavings:
        sources.callback(_untag, engine, run)
        orders = []
        for image in fleet:
            for role, checkout in _checkouts(image, config, revision, sources):
                try:
                    prepared = prepare(image, checkout, config, engine, drift_own(config))
                    orders.append(Ordered(prepared, role, _REASONS[role]))
                except CannotBuild as error:
                    failed = rounds.failed(image.name, role, _REASONS[role], error.failure)
                    built[image.name, role] = failed
        bases.pull([order.prepared for order in orders], watcher)

        def done(made: Built) -> None:
            leavings.saw(made)
            built[made.build.image, made.build.role] = made

        for role in (Role.NIGHTLY, Role.REPLAY):
            rounds.phase([order for order in orders if order.role is role], done)
        judge = Judge(layers, config.policy, config.ignore, config.accept)
        here = {o.prepared.image.name: o.prepared for o in orders if o.role is Role.NIGHTLY}
        experiments = {
            image.name: _experiment(image, built, judge, here.get(image.name)) for image in fleet
        }

        def control(made: Built) -> None:
            leavings.saw(made)
            experiments[made.build.image].add(made)

        while wanted := next_phase(experiments.values(), lambda _experiment: None):
            rounds.phase(wanted, control)
    texts = layers.text if config.report.contents else None
    documents = [
        image_document(_shown(experiment, texts, rounds.mask))
        for experiment in experiments.values()
    ]
    identity = engine.identity(engine.choose_builder(config.engine.builder, None))
    result = RunResult(run, started_at.date(), started_at, datetime.now(UTC), identity)
    made = [one for experiment in experiments.values() for one in experiment.made]
    logs = {one.build.id: one.log for one in made if one.log}
    return Night(run_document(result, documents), logs)


def _checkouts(
    image: Image, config: Config, revision: str, sources: ExitStack
) -> Iterator[tuple[Role, Checkout]]:
    """This tree, and the other revision's where it has the image's directory."""
    now = sources.enter_context(opened(image, config))
    yield Role.NIGHTLY, now
    then = _earlier(image, now, revision, sources)
    if then is not None:
        yield Role.REPLAY, then


def _earlier(image: Image, now: Checkout, revision: str, sources: ExitStack) -> Checkout | None:
    """The same context at another revision; None where it is new since."""
    if now.repository is None:
        raise SourceError(
            f"the context of {image.name!r} is in no git repository",
            hint="--against needs the history of what it builds",
        )
    if now.shallow and re.fullmatch(r"[0-9a-f]{40,64}", revision):
        deepen(now.repository, revision)
    commit = _commit(now.repository, revision)
    tree = sources.enter_context(checkout_revision(now.repository, commit))
    path = tree / now.subdirectory
    if not path.is_dir():
        return None
    return replace(now, path=path, revision=commit, dirty=False, shallow=False)


def _commit(repository: Path, revision: str) -> str:
    try:
        return commit_at(repository, revision)
    except GitError as error:
        if error.failure is not GitFailure.MISSING:
            raise
        raise SourceError(
            f"{repository} has no revision {revision!r}",
            hint="fetch it (`git fetch origin`), or name another with --against",
        ) from error


def _experiment(
    image: Image,
    built: dict[tuple[str, Role], Built],
    judge: Judge,
    prepared: Prepared | None,
) -> Experiment:
    """This tree's build and the other revision's, which is baseline and replay at once."""
    then = built.get((image.name, Role.REPLAY))
    baseline = then.build if then else None
    experiment = Experiment(Judged(image, baseline, ()), judge, prepared)
    for made in (built[image.name, Role.NIGHTLY], then):
        if made is not None:
            experiment.add(made)
    return experiment


def _shown(experiment: Experiment, texts: Texts | None, mask: Mask) -> ImageResult:
    """An image's result, with what the report shows beside it."""
    shown = with_exhibits(experiment.result, experiment.prepared, mask, texts)
    return hidden_result(shown, mask)


def _untag(engine: Engine, run: str) -> None:
    for reference in engine.own_references():
        if reference.rpartition(":")[2].startswith(f"{run}-"):
            engine.remove(reference)
