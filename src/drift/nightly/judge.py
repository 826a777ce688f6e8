"""From an image's builds to its result: compared, attributed, judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from drift.attribute.accepted import accept_known, ended_rules
from drift.attribute.attribute import attribute
from drift.attribute.breakage import causes_of_break, flaky, replay_break
from drift.attribute.consulted import with_indexes
from drift.attribute.model import Attribution, Status
from drift.attribute.risks import with_risks
from drift.attribute.sides import Sides
from drift.attribute.verdict import is_flagged, status_of
from drift.builds import Build, Failure, Role
from drift.compare.compare import compare
from drift.compare.ignore import ignore_rules
from drift.compare.model import Comparison
from drift.config.model import Accept, Image, Policy
from drift.config.model import Ignore as IgnoreRule
from drift.errors import Error
from drift.report.results import ImageResult
from drift.snapshot.model import Layers


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run knows of one image: its builds so far, and what earlier nights left.

    ``builds`` are tonight's in the order in which they were made; the others are as
    :class:`~drift.attribute.sides.Sides` has them.
    """

    image: Image
    baseline: Build | None
    builds: tuple[Build, ...]
    no_replay: str | None = None
    earlier_controls: tuple[Build, ...] = ()
    flapped: Mapping[str, Collection[str]] = field(default_factory=dict)
    left_bases: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of_role(self, role: Role) -> tuple[Build, ...]:
        """Tonight's builds of a role."""
        return tuple(build for build in self.builds if build.role is role)

    @property
    def candidate(self) -> Build:
        """Tonight's build: the first that succeeded, else the last that was tried."""
        tried = self.of_role(Role.NIGHTLY)
        return next((build for build in tried if build.ok), tried[-1])

    @property
    def flaky(self) -> tuple[str, ...]:
        """A sentence for each attempt that failed before one of the same night worked."""
        failed = (build for build in self.of_role(Role.NIGHTLY) if not build.ok)
        return tuple(map(flaky, failed)) if self.candidate.ok else ()


@dataclass(slots=True)
class Judge:
    """Judges images by a fleet's policy; the layers' manifests are read from ``layers``."""

    layers: Layers
    policy: Policy
    ignore: tuple[IgnoreRule, ...]
    accept: tuple[Accept, ...] = ()
    _comparisons: dict[tuple[str, str], Comparison] = field(default_factory=dict)

    def result(self, judged: Judged) -> ImageResult:
        """The result of an image whose nightly build was tried."""
        candidate, baseline = judged.candidate, judged.baseline
        if candidate.failure is not None:
            return self._broken(judged, candidate.failure)
        if baseline is None:
            return self._result(judged, Status.FIRST)
        if baseline.failure is not None:
            message = f"what it is compared with did not build: {baseline.failure.message}"
            return self._result(judged, Status.UNKNOWN, message)
        try:
            return self._compared(judged, baseline, candidate)
        except Exception as error:
            # What could not be compared is unknown, and the rest of the fleet goes on, whether
            # the image is at fault or drift is.
            said = error.message if isinstance(error, Error) else repr(error)
            message = f"the two builds could not be compared: {said}"
            return self._result(judged, Status.UNKNOWN, message)

    def _broken(self, judged: Judged, failure: Failure) -> ImageResult:
        """An image that did not build, and whose doing that is."""
        breakage = causes_of_break(
            judged.baseline,
            judged.of_role(Role.NIGHTLY),
            judged.of_role(Role.REPLAY),
            judged.no_replay,
        )
        return self._result(judged, breakage.status, failure.message, breakage.attribution)

    def _compared(self, judged: Judged, baseline: Build, candidate: Build) -> ImageResult:
        sides = replace(
            Sides.of_builds(baseline, candidate),
            replays=tuple(build for build in judged.of_role(Role.REPLAY) if build.ok),
            controls=tuple(build for build in judged.of_role(Role.CONTROL) if build.ok),
            no_replay=judged.no_replay,
            earlier_controls=judged.earlier_controls,
            flapped=judged.flapped,
            left_bases=judged.left_bases,
        )
        comparison = self._comparison(judged.image, baseline, candidate)
        failed = [build for build in judged.of_role(Role.REPLAY) if not build.ok]
        breaks = (replay_break(baseline, build) for build in failed)
        known = [claim for claim in breaks if claim]
        attribution = attribute(sides, comparison, self.layers, known)
        attribution = with_risks(attribution, comparison, sides, self.layers)
        attribution = with_indexes(attribution, sides)
        status = status_of(comparison, attribution, self.policy.tolerate)
        return replace(self._result(judged, status, None, attribution), comparison=comparison)

    def _comparison(self, image: Image, baseline: Build, candidate: Build) -> Comparison:
        """How the two builds differ; remembered for each image, as more builds follow."""
        key = (baseline.id, candidate.id)
        if key not in self._comparisons:
            ignored = ignore_rules([rule.path for rule in (*self.ignore, *image.ignore)])
            found = compare(baseline.result, candidate.result, self.layers, ignored)
            self._comparisons[key] = found
        return self._comparisons[key]

    def _result(
        self,
        judged: Judged,
        status: Status,
        error: str | None = None,
        attribution: Attribution | None = None,
    ) -> ImageResult:
        """The result of a status, and of causes where some are known."""
        night = judged.candidate.night
        known = attribution and accept_known(attribution, self.accept, night)
        causes = known.causes if known else ()
        return ImageResult(
            name=judged.image.name,
            status=status,
            flagged=is_flagged(status, causes, self.policy.fail_on, self.policy.tolerate),
            attribution=known,
            baseline=judged.baseline,
            candidate=judged.candidate,
            builds=judged.builds,
            error=error,
            notes=(*judged.notes, *judged.flaky, *ended_rules(causes, self.accept, night)),
        )
