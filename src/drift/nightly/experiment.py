"""One image's experiment in a run: what has been built, what comes next, what it says.

Which build is needed is decided in :mod:`drift.attribute.experiment`; the builds are made by
the job, a phase of the whole fleet at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from drift.attribute.breakage import retry_is_due
from drift.attribute.experiment import Progress, Wanted, next_build
from drift.builds import Role
from drift.nightly.judge import Judge, Judged
from drift.nightly.prepare import Prepared
from drift.nightly.rounds import Built, Ordered
from drift.report.results import ImageResult
from drift.source.model import Probe

NIGHTLY_REASON = "tonight's repository, without cache and with fresh bases"


@dataclass(slots=True)
class Experiment:
    """The builds of one image, and what they say so far.

    ``prepared`` is tonight's repo side, None where the image could not be prepared;
    ``replay`` the baseline's, None where there is none, for the reason in
    ``judged.no_replay`` or because the fingerprints are equal.
    """

    judged: Judged
    judge: Judge
    prepared: Prepared | None = None
    replay: Prepared | None = None
    made: list[Built] = field(default_factory=list)
    kept: bool = False
    _result: ImageResult | None = None

    @property
    def name(self) -> str:
        """The image's name."""
        return self.judged.image.name

    def first(self) -> Ordered | None:
        """Tonight's build, where the image could be prepared."""
        if self.prepared is None:
            return None
        return Ordered(self.prepared, Role.NIGHTLY, NIGHTLY_REASON)

    def add(self, built: Built) -> None:
        """Take in a build; a build of the same id is replaced, as one that was void is."""
        ids = [one.build.id for one in self.made]
        at = ids.index(built.build.id) if built.build.id in ids else len(ids)
        self.made[at : at + 1] = [built]
        self.judged = replace(self.judged, builds=tuple(one.build for one in self.made))
        if built.build.role is Role.REPLAY and built.build.failure is not None:
            reason = f"last night's revision does not build: {built.build.failure.message}"
            self.judged = replace(self.judged, no_replay=reason)
        self._result = None

    def probed(self, role: Role, probes: tuple[Probe, ...]) -> None:
        """Take in what the sources served around the builds of a role that lack it."""
        lacking = [one for one in self.made if one.build.role is role and not one.build.probes]
        for one in lacking:
            self.add(replace(one, build=replace(one.build, probes=probes)))

    def consulted(self, indexes: tuple[Probe, ...]) -> None:
        """Take in what the indexes say that tonight's build asked."""
        for one in self.made:
            if one.build is self.judged.candidate and one.build.indexes != indexes:
                self.add(replace(one, build=replace(one.build, indexes=indexes)))

    def no_replay(self, reason: str) -> None:
        """There is no replay, though the fingerprints differ."""
        self.judged = replace(self.judged, no_replay=reason)
        self.replay, self._result = None, None

    @property
    def may_replay(self) -> bool:
        """Whether the baseline had another repo side or builder, which nobody asked for yet."""
        baseline = self.judged.baseline
        if self.prepared is None or baseline is None or baseline.inputs is None:
            return False
        then, now = baseline.inputs, self.prepared
        same = then.repo.fingerprint == now.repo.fingerprint
        same = same and then.engine.builder == now.read_by
        return not same and self.replay is None and self.judged.no_replay is None

    @property
    def result(self) -> ImageResult:
        """What the builds say so far."""
        if self._result is None:
            self._result = self.judge.result(self.judged)
        return self._result

    def wanted(self) -> Wanted | None:
        """The build that is needed next; None where all is decided that can be."""
        return None if self.kept else next_build(self._progress())

    def order(self, wanted: Wanted) -> Ordered:
        """A wanted build as it is to be made."""
        prepared = self.replay if wanted.role is Role.REPLAY else self.prepared
        if prepared is None:
            raise ValueError(f"{self.name} has nothing to build a {wanted.role} from")
        attempt = len(self.judged.of_role(wanted.role)) + 1
        return Ordered(prepared, wanted.role, wanted.reason, attempt)

    def _progress(self) -> Progress:
        roles = (Role.NIGHTLY, Role.REPLAY, Role.CONTROL)
        tried, replays, controls = map(self.judged.of_role, roles)
        built = any(build.ok for build in tried)
        attribution = self.result.attribution if built else None
        return Progress(
            built=built,
            failed=len(tried),
            again=self.prepared is not None and not built and retry_is_due(tried[-1]),
            replayable=self.replay is not None or self.may_replay,
            replays=sum(build.ok for build in replays),
            replay_failed=any(not build.ok for build in replays),
            controls=sum(build.ok for build in controls),
            control_failed=any(not build.ok for build in controls),
            policy=self.judged.image.control,
            needs=attribution.needs if attribution else frozenset(),
        )


def next_phase(
    experiments: Iterable[Experiment], prepare_replay: Callable[[Experiment], None]
) -> list[Ordered]:
    """The builds that are needed next, all of one phase; none where all is decided.

    ``prepare_replay`` sets :attr:`Experiment.replay`, or says why there is none.
    """
    wanted: list[tuple[Experiment, Wanted]] = []
    for experiment in experiments:
        found = experiment.wanted()
        if found and found.role is Role.REPLAY and experiment.replay is None:
            prepare_replay(experiment)
            found = experiment.wanted()
        if found:
            wanted.append((experiment, found))
    phase = min((found.phase for _, found in wanted), default=None)
    return [experiment.order(found) for experiment, found in wanted if found.phase == phase]
