"""What a run says of an image that did not build, or built at the second attempt only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drift.attribute.model import Attribution, Kind, Origin, Status
from drift.builds import Build, Failure, FailureKind, Reason, Role
from drift.config import load
from drift.config.model import Config, Image, Policy
from drift.nightly.judge import Judge, Judged
from drift.report.document import image_document
from drift.report.results import ImageResult
from drift.snapshot.model import LayersInMemory
from support import report_samples as samples

GONE = Failure(
    FailureKind.STEP,
    "exit code: 100",
    samples.INSTALL,
    reason=Reason.VERSION_GONE,
    subject="pkg:deb/debian/openssl",
    line="E: Version '3' for 'openssl' was not found",
)
NO_NAMES = Failure(FailureKind.NETWORK, "could not resolve", reason=Reason.NAMES)
BASELINE = samples.build("web", night=samples.EARLIER)


def judged(
    policy: Policy, image: Image, *builds: Build, baseline: Build | None = BASELINE
) -> ImageResult:
    judge = Judge(LayersInMemory(), policy, ())
    return judge.result(Judged(image, baseline, builds))


def tonight(failure: Failure | None = None) -> Build:
    return samples.build("web", failure=failure)


@pytest.fixture
def policy(config: Config) -> Policy:
    return config.policy


@pytest.fixture
def image(config: Config) -> Image:
    return config.images[0]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "Dockerfile").write_text("FROM base:1\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\n')
    return load(tmp_path / "drift.toml")


def test_a_break_has_causes_in_the_report_and_is_an_event(policy: Policy, image: Image) -> None:
    result = judged(policy, image, tonight(GONE), tonight(GONE))
    document = samples.document_of(result)

    assert (result.status, result.flagged) == (Status.BROKEN, True)
    (cause,) = document["images"][0]["causes"]
    assert (cause["origin"], cause["kind"], cause["subject"]) == (
        "external",
        "source-unavailable",
        "pkg:deb/debian/openssl",
    )
    assert document["events"][0]["images"] == ["web"]
    assert document["images"][0]["explained"] == {"files": 1.0, "bytes": 1.0}


def test_an_outage_is_unknown_and_nobodys(policy: Policy, image: Image) -> None:
    result = judged(policy, image, tonight(NO_NAMES), tonight(NO_NAMES))

    assert (result.status, result.flagged) == (Status.UNKNOWN, False)
    assert image_document(result)["causes"] == []


def test_a_baseline_that_failed_itself_is_none(policy: Policy, image: Image) -> None:
    failed = samples.build("web", night=samples.EARLIER, failure=GONE)
    other = Failure(FailureKind.STEP, "exit code: 2", samples.INSTALL)
    result = judged(policy, image, tonight(other), baseline=failed)

    assert [cause.origin for cause in (result.attribution or Attribution()).causes] == [
        Origin.UNEXPLAINED
    ]


def test_a_build_that_works_at_the_second_attempt_is_used_and_told(
    policy: Policy, image: Image
) -> None:
    first = judged(policy, image, tonight(NO_NAMES), tonight(), baseline=None)

    assert first.status is Status.FIRST
    assert first.notes == ("the first build of the night failed: could not resolve",)


def test_a_replay_that_fails_is_told_though_tonight_builds(policy: Policy, image: Image) -> None:
    night = tonight()
    baseline = replace(BASELINE, snapshot=night.snapshot)
    replay = samples.build("web", Role.REPLAY, failure=GONE)
    quiet = judged(policy, image, night, baseline=baseline)
    told = judged(policy, image, night, replay, baseline=baseline)

    assert quiet.attribution is not None
    assert quiet.attribution.causes == ()
    assert told.attribution is not None
    (cause,) = told.attribution.causes
    assert (cause.origin, cause.kind) == (Origin.EXTERNAL, Kind.SOURCE_UNAVAILABLE)
    assert told.flagged
