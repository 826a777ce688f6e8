"""Nights on which an image did not build, as a table: what was tried, and whose doing it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from drift.attribute.breakage import Breakage, causes_of_break, flaky, replay_break, retry_is_due
from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin, Status
from drift.builds import Build, Failure, FailureKind, Reason, Role, StageSnapshot
from drift.engine.failure import failure
from drift.oci import DiffId, Digest, ImageConfig, Platform
from drift.snapshot.model import Instruction, LayerDescriptor, Package, Packages, Snapshot
from drift.source.model import (
    Base,
    EngineIdentity,
    Inputs,
    Probe,
    Remote,
    RemoteKind,
    RepoSide,
)

ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
DEBIAN = Base("debian:bookworm", Digest.of(b"id"), Digest.of(b"registry"))
SAME = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"), revision="1" * 40)
EDITED = replace(
    SAME, dockerfile=Digest.of(b"FROM, edited"), context=Digest.of(b"other"), revision="2" * 40
)
APT = "RUN apt-get update && apt-get install -y curl=7.88.1-10"
FETCH = "RUN curl -fsSL https://example.org/tool.tgz | tar xz"
RUN_FAILED = 'process "/bin/sh -c it" did not complete successfully: exit code: 100'
AT = datetime(2026, 11, 23, 2, tzinfo=UTC)

VERSION_GONE = ("E: Version '7.88.1-10' for 'curl' was not found",)
URL_GONE = ("curl: (22) The requested URL returned error: 404",)
WRONG_SUM = ("f: FAILED", "sha256sum: WARNING: 1 computed checksum did NOT match")
COMPILER = ("app.c:7:12: error: 'SSL_OLD' undeclared",)
NO_NAMES = ("curl: (6) Could not resolve host: example.org",)


def build(role: Role, repo: RepoSide | None = SAME, *, engine: EngineIdentity = ENGINE) -> Build:
    return Build(
        id=f"run-web-{role.value}",
        image="web",
        run="run",
        night=date(2026, 11, 23),
        role=role,
        reason="",
        started_at=AT,
        seconds=12.0,
        inputs=Inputs(repo, (DEBIAN,), engine) if repo else None,
    )


def snapshot(*texts: str, packages: tuple[Package, ...] = ()) -> Snapshot:
    diff_ids = [DiffId(Digest.of(text.encode())) for text in texts]
    layers = [
        LayerDescriptor(diff_id, 1, instruction=Instruction("0", number, text))
        for number, (diff_id, text) in enumerate(zip(diff_ids, texts, strict=True), start=2)
    ]
    config = ImageConfig({}, tuple(diff_ids), (), Platform("linux", "amd64"))
    return Snapshot(Digest.of(b"image"), config, tuple(layers), Packages(packages))


CURL = Package("pkg:deb/debian/curl", "7.88.1-10")
LEFT_PAD = Package("pkg:npm/left-pad", "1.3.0", integrity="sha512-AA==")
BASELINE = replace(build(Role.NIGHTLY), snapshot=snapshot(APT, FETCH, packages=(CURL, LEFT_PAD)))
WANTED = "npm error {0} integrity checksum failed: wanted {0} but got sha512-CC==. (9 bytes)"
BUILT = replace(build(Role.REPLAY), snapshot=snapshot(APT))


def failed(
    *printed: str,
    text: str = APT,
    repo: RepoSide | None = SAME,
    role: Role = Role.NIGHTLY,
    probes: tuple[Probe, ...] = (),
    message: str = RUN_FAILED,
    engine: EngineIdentity = ENGINE,
) -> Build:
    why = replace(failure(message, printed), instruction=Instruction("0", 2, text))
    return replace(build(role, repo, engine=engine), failure=why, probes=probes)


def replay(*printed: str, text: str = APT) -> Build:
    return failed(*printed, text=text, role=Role.REPLAY)


def probe(url: str, *, gone: bool = False, identity: str | None = None) -> Probe:
    remote = Remote(RemoteKind.FETCH, url, "0", 2)
    return Probe(remote, AT, identity, problem=None if identity else "no answer", gone=gone)


def only(breakage: Breakage) -> Claim:
    assert breakage.status is Status.BROKEN
    (claim,) = breakage.claims
    return claim


def said(claim: Claim) -> tuple[Origin | None, Kind, str, Grade]:
    return claim.origin, claim.kind, claim.subject, claim.grade


EXTERNAL, REPO, UNEXPLAINED = Origin.EXTERNAL, Origin.REPO, Origin.UNEXPLAINED
PROVEN, INFERRED = Grade.PROVEN, Grade.INFERRED


@pytest.mark.parametrize(
    ("tonight", "expected"),
    [
        (
            failed(*VERSION_GONE),
            (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", PROVEN),
        ),
        (
            failed(*URL_GONE, text=FETCH),
            (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "https://example.org/tool.tgz", PROVEN),
        ),
        (
            failed(*WRONG_SUM, text=FETCH),
            (EXTERNAL, Kind.REMOTE_CONTENT, "https://example.org/tool.tgz", PROVEN),
        ),
        (
            failed("npm error code EINTEGRITY", text="RUN npm ci"),
            (EXTERNAL, Kind.FILE, "RUN npm ci", PROVEN),
        ),
        (
            failed(
                "npm error code EINTEGRITY", text="RUN npm ci --registry https://npm.example.org/"
            ),
            (EXTERNAL, Kind.FILE, "RUN npm ci --registry https://npm.example.org/", PROVEN),
        ),
        (
            failed(WANTED.format("sha512-AA=="), text="RUN npm ci"),
            (EXTERNAL, Kind.PACKAGE_REPUBLISHED, "pkg:npm/left-pad", PROVEN),
        ),
        (
            failed(WANTED.format("sha512-BB=="), text="RUN npm ci"),
            (EXTERNAL, Kind.FILE, "RUN npm ci", PROVEN),
        ),
        (
            failed("npm error Verification failed while extracting left-pad@1.3.0:"),
            (EXTERNAL, Kind.PACKAGE_REPUBLISHED, "pkg:npm/left-pad", PROVEN),
        ),
        (failed(*COMPILER, text="RUN make"), (EXTERNAL, Kind.FILE, "RUN make", PROVEN)),
        (failed("it broke", text="RUN ./it"), (EXTERNAL, Kind.FILE, "RUN ./it", PROVEN)),
        (
            failed(*COMPILER, text="RUN make", engine=replace(ENGINE, version="29")),
            (EXTERNAL, Kind.FILE, "RUN make", INFERRED),
        ),
        (
            failed(*VERSION_GONE, engine=replace(ENGINE, version="29")),
            (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", PROVEN),
        ),
    ],
)
def test_an_unchanged_repository_was_broken_by_the_world(
    tonight: Build, expected: tuple[Origin, Kind, str, Grade]
) -> None:
    claim = only(causes_of_break(BASELINE, [tonight, tonight], [], None))

    assert said(claim) == expected
    assert "repo fingerprint unchanged" in claim.evidence
    assert "it failed 2 times tonight" in claim.evidence
    assert tonight.failure is not None
    assert claim.instruction == tonight.failure.instruction


def test_what_the_source_was_is_told() -> None:
    known = probe("https://example.org/tool.tgz", identity="sha256:1")
    baseline = replace(BASELINE, probes=(known,))

    package = only(causes_of_break(baseline, [failed(*VERSION_GONE)], [], None))
    url = only(causes_of_break(baseline, [failed(*URL_GONE, text=FETCH)], [], None))

    assert (package.before, package.after) == ("7.88.1-10", None)
    assert (url.before, url.after) == ("sha256:1", None)
    assert f"the log says: {VERSION_GONE[0]}" in package.evidence


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ((Package("pkg:deb/ubuntu/curl", "7"),), "pkg:deb/ubuntu/curl"),
        ((Package("pkg:deb/ubuntu/bash", "5"),), "pkg:deb/ubuntu/curl"),
        ((Package("pkg:pypi/curl", "1"),), "pkg:deb/debian/curl"),
        ((), "pkg:deb/debian/curl"),
    ],
)
def test_a_package_is_of_the_distribution_that_the_baseline_has(
    packages: tuple[Package, ...], expected: str
) -> None:
    image = replace(BASELINE, snapshot=snapshot(APT, packages=packages))
    stage = replace(
        BASELINE,
        snapshot=snapshot(APT),
        stages=(StageSnapshot("build", snapshot(APT, packages=packages)),),
    )

    for baseline in (image, stage):
        claim = only(causes_of_break(baseline, [failed(*VERSION_GONE)], [], None))
        assert claim.subject == expected


@pytest.mark.parametrize(
    ("edit", "kind", "subject"),
    [
        (EDITED, Kind.DOCKERFILE, "RUN make"),
        (replace(SAME, context=Digest.of(b"other")), Kind.CONTEXT, "RUN make"),
        (replace(SAME, args={"PYTHON": "3.13"}), Kind.BUILD_CONFIG, "args"),
        (replace(SAME, target="test"), Kind.BUILD_CONFIG, "target"),
        (replace(SAME, git_commit="3" * 40), Kind.CONTEXT, "RUN make"),
    ],
)
def test_what_the_replay_still_builds_the_repository_broke(
    edit: RepoSide, kind: Kind, subject: str
) -> None:
    tonight = failed(*VERSION_GONE, text="RUN make", repo=edit)

    claim = only(causes_of_break(BASELINE, [tonight, tonight], [BUILT], None))

    assert said(claim) == (REPO, kind, subject, PROVEN)
    assert "last night's revision still builds tonight" in claim.evidence


def test_the_repositorys_break_names_both_states() -> None:
    claim = only(causes_of_break(BASELINE, [failed(repo=EDITED)], [BUILT], None))

    assert (claim.before, claim.after) == ("1" * 40, "2" * 40)


def test_a_source_that_is_gone_for_both_repo_sides_is_the_worlds() -> None:
    tonight = failed(*VERSION_GONE, text=f"{APT} jq", repo=EDITED)

    claim = only(causes_of_break(BASELINE, [tonight, tonight], [replay(*VERSION_GONE)], None))

    assert said(claim) == (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", PROVEN)
    assert "last night's revision does not build tonight either" in claim.evidence


def test_two_breaks_in_one_night_are_told_apart() -> None:
    tonight = failed(*COMPILER, text="RUN make", repo=EDITED)

    breakage = causes_of_break(BASELINE, [tonight, tonight], [replay(*VERSION_GONE)], None)

    assert [said(claim) for claim in breakage.claims] == [
        (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", PROVEN),
        (UNEXPLAINED, Kind.FILE, "RUN make", INFERRED),
    ]


@pytest.mark.parametrize(
    ("tonight", "origin"),
    [
        (failed(*VERSION_GONE, repo=EDITED), EXTERNAL),
        (failed(*VERSION_GONE, text=f"{APT} jq", repo=EDITED), UNEXPLAINED),
        (failed(*COMPILER, repo=EDITED), UNEXPLAINED),
        (failed(*WRONG_SUM, repo=EDITED), UNEXPLAINED),
    ],
)
@pytest.mark.parametrize("replays", [(), (replay(*NO_NAMES),)])
def test_without_a_replay_only_a_gone_source_that_was_asked_for_before_is_the_worlds(
    tonight: Build, origin: Origin, replays: tuple[Build, ...]
) -> None:
    claim = only(causes_of_break(BASELINE, [tonight], replays, "the context is not stored"))

    assert (claim.origin, claim.grade) == (origin, INFERRED)
    assert "the context is not stored" in claim.evidence


@pytest.mark.parametrize(
    ("tonight", "origin", "kind"),
    [
        (failed(*VERSION_GONE), EXTERNAL, Kind.SOURCE_UNAVAILABLE),
        (failed(*COMPILER), UNEXPLAINED, Kind.FILE),
        (failed(*WRONG_SUM, text=FETCH), UNEXPLAINED, Kind.REMOTE_CONTENT),
    ],
)
def test_without_a_baseline_nobody_is_blamed_but_for_what_is_gone(
    tonight: Build, origin: Origin, kind: Kind
) -> None:
    claim = only(causes_of_break(None, [tonight, tonight], [], None))

    assert (claim.origin, claim.kind, claim.grade) == (origin, kind, INFERRED)


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.NETWORK,
        FailureKind.ENGINE,
        FailureKind.RESOURCES,
        FailureKind.TIMEOUT,
        FailureKind.INPUT,
    ],
)
def test_our_sides_faults_and_the_networks_are_unknown(kind: FailureKind) -> None:
    tonight = replace(build(Role.NIGHTLY), failure=Failure(kind, "it"))

    for baseline in (BASELINE, None):
        assert causes_of_break(baseline, [tonight], [], None) == Breakage(Status.UNKNOWN)
    assert causes_of_break(BASELINE, [failed(*COMPILER), tonight], [], None).claims == ()


def test_the_last_attempt_counts_and_the_one_before_is_told() -> None:
    claim = only(causes_of_break(BASELINE, [failed(*NO_NAMES), failed("it broke")], [], None))
    first = failed("it broke", message="the first said so")
    other = only(causes_of_break(BASELINE, [first, failed("it broke")], [], None))

    assert claim.origin is EXTERNAL
    assert "the build before failed otherwise: the first said so" in other.evidence


def test_a_base_is_named_as_the_dockerfile_names_it() -> None:
    gone = Failure(
        FailureKind.SOURCE,
        "no such image",
        reason=Reason.BASE_GONE,
        subject="docker.io/library/debian:bookworm",
    )
    tonight = replace(build(Role.NIGHTLY, EDITED), failure=gone, seconds=0.0)

    claim = only(causes_of_break(BASELINE, [tonight], [], "no replay"))

    assert said(claim) == (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "debian:bookworm", INFERRED)
    assert claim.before == DEBIAN.digest
    assert not retry_is_due(tonight)


def test_another_base_that_is_not_there_is_nobodys_without_a_replay() -> None:
    gone = Failure(FailureKind.SOURCE, "no", reason=Reason.BASE_GONE, subject="debian:bokworm")
    tonight = replace(build(Role.NIGHTLY, EDITED), failure=gone, seconds=0.0)

    assert only(causes_of_break(BASELINE, [tonight], [], None)).origin is UNEXPLAINED
    assert only(causes_of_break(BASELINE, [tonight], [BUILT], None)).origin is REPO


def test_an_image_whose_own_source_is_gone() -> None:
    gone = Failure(FailureKind.SOURCE, "no such repository", reason=Reason.GIT_GONE)
    tonight = replace(build(Role.NIGHTLY, None), failure=gone, seconds=0.0)

    claim = only(causes_of_break(BASELINE, [tonight], [], None))

    assert said(claim) == (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "web", INFERRED)


def test_a_probe_tells_what_a_silent_download_does_not() -> None:
    silent = 'process "/bin/sh -c it" did not complete successfully: exit code: 8'
    text = "RUN wget -q https://example.org/$V/a && wget -q https://example.org/b"
    a, b = (f"https://example.org/{name}" for name in ("1/a", "b"))
    probes = (probe(a, gone=True), probe(b, identity="sha256:2"))

    claim = only(causes_of_break(BASELINE, [failed(text=text, message=silent)], [], None))
    told = only(
        causes_of_break(BASELINE, [failed(text=text, message=silent, probes=probes)], [], None)
    )

    assert said(claim) == (EXTERNAL, Kind.FILE, text, PROVEN)
    assert said(told) == (EXTERNAL, Kind.SOURCE_UNAVAILABLE, a, PROVEN)


@pytest.mark.parametrize(
    ("code", "probed", "status"),
    [
        (4, probe("https://example.org/b"), Status.UNKNOWN),
        (1, probe("https://example.org/b"), Status.BROKEN),
        (4, probe("https://example.org/b", identity="sha256:2"), Status.BROKEN),
        (4, probe("https://example.org/b", gone=True), Status.BROKEN),
    ],
)
def test_a_silent_download_from_where_nobody_answers_is_unknown(
    code: int, probed: Probe, status: Status
) -> None:
    message = f"The command '/bin/sh -c it' returned a non-zero code: {code}"
    tonight = failed(text="RUN wget -q https://example.org/b", message=message, probes=(probed,))

    assert causes_of_break(BASELINE, [tonight, tonight], [], None).status is status


def test_urls_that_cannot_be_told_apart_are_not_named() -> None:
    two = "RUN curl -f https://example.org/a https://example.org/b"
    variable = "RUN curl -f https://example.org/$V"

    for text in (two, variable):
        claim = only(causes_of_break(BASELINE, [failed(*URL_GONE, text=text)], [], None))
        assert (claim.kind, claim.subject) == (Kind.SOURCE_UNAVAILABLE, text)


def test_a_url_is_named_without_its_credentials() -> None:
    text = "ADD https://user:token@example.org/a /a"

    claim = only(causes_of_break(BASELINE, [failed(*URL_GONE, text=text)], [], None))

    assert claim.subject == "https://example.org/a"


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (
            replay(*VERSION_GONE),
            (EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", PROVEN),
        ),
        (replay("it broke"), (EXTERNAL, Kind.FILE, APT, INFERRED)),
        (replay(*NO_NAMES), None),
        (BUILT, None),
    ],
)
def test_a_replay_that_fails_is_the_worlds_break_of_the_old_repo_side(
    again: Build, expected: tuple[Origin, Kind, str, Grade] | None
) -> None:
    claim = replay_break(BASELINE, again)

    assert (said(claim) if claim else None) == expected
    if claim:
        assert "last night's revision does not build any more tonight" in claim.evidence


@pytest.mark.parametrize(
    ("kind", "seconds", "due"),
    [
        (FailureKind.STEP, 3.0, True),
        (FailureKind.SOURCE, 3.0, True),
        (FailureKind.NETWORK, 3.0, True),
        (FailureKind.ENGINE, 3.0, True),
        (FailureKind.STEP, 0.0, False),
        (FailureKind.INPUT, 3.0, False),
        (FailureKind.TIMEOUT, 3.0, False),
        (FailureKind.RESOURCES, 3.0, False),
    ],
)
def test_which_failure_is_worth_another_build(
    kind: FailureKind, seconds: float, *, due: bool
) -> None:
    tonight = replace(build(Role.NIGHTLY), failure=Failure(kind, "it"), seconds=seconds)

    assert retry_is_due(tonight) is due


def test_a_flaky_build_says_where_it_failed_first() -> None:
    assert (
        flaky(failed("it broke")) == f"the first build of the night failed at {APT}: {RUN_FAILED}"
    )


def test_causes_have_ids_and_explain_no_file() -> None:
    tonight = failed(*COMPILER, repo=EDITED)
    attribution = causes_of_break(BASELINE, [tonight], [replay(*VERSION_GONE)], None).attribution

    assert [cause.id for cause in attribution.causes] == ["c1", "c2"]
    assert [cause.files for cause in attribution.causes] == [0, 0]
    assert attribution.paths == {}


@pytest.mark.parametrize("tried", [[], [BUILT]])
def test_only_a_build_that_failed_is_judged(tried: list[Build]) -> None:
    with pytest.raises(ValueError, match=r"built|did not fail"):
        causes_of_break(BASELINE, tried, [], None)


def test_a_base_that_moved_is_told_where_nothing_names_what_broke() -> None:
    moved = replace(DEBIAN, image_id=Digest.of(b"new"), digest=Digest.of(b"pushed"))

    def broken(*printed: str) -> list[tuple[Kind, str, str | None]]:
        last = failed(*printed, text="RUN make")
        assert last.inputs is not None
        last = replace(last, inputs=replace(last.inputs, bases=(moved,)))
        claims = causes_of_break(BASELINE, [last], [], None).claims
        return [(claim.kind, claim.subject, claim.after) for claim in claims]

    base = (Kind.BASE_IMAGE, "debian:bookworm", moved.identity)
    assert broken(*COMPILER) == [(Kind.FILE, "RUN make", None), base]
    assert [kind for kind, *_ in broken(*VERSION_GONE)] == [Kind.SOURCE_UNAVAILABLE]


def test_a_url_that_moved_is_told_beside_a_break_that_names_nothing() -> None:
    """A download of other bytes may be what a later instruction misses."""
    at = "https://example.org/tool.tgz"
    then, now, after = (Digest.of(text) for text in (b"then", b"now", b"after"))
    baseline = replace(BASELINE, probes=(probe(at, identity=then),))
    lost = "COPY --from=0 /tool /tool"
    tonight = failed(text=lost, probes=(probe(at, identity=now),))
    one, other = causes_of_break(baseline, [tonight], [], None).claims
    assert said(one) == (EXTERNAL, Kind.FILE, lost, PROVEN)
    assert said(other) == (EXTERNAL, Kind.REMOTE_CONTENT, at, PROVEN)
    assert (other.before, other.after) == (then, now)
    later = replace(probe(at, identity=after), remote=Remote(RemoteKind.FETCH, at, "0", 3))
    for probes in ((probe(at, identity=then),), (later,), (probe(at),)):
        only(causes_of_break(baseline, [failed(text=lost, probes=probes)], [], None))


def test_an_add_that_is_gone_is_named_where_the_builder_names_no_instruction() -> None:
    at = "https://example.org/tool.tgz"
    why = failure("failed to load cache key: invalid response status 404", ())
    fetched = Remote(RemoteKind.ADD, at, "0", 2)
    then = Digest.of(b"then")
    baseline = replace(BASELINE, probes=(replace(probe(at, identity=then), remote=fetched),))
    for gone, told in ((True, (at, then)), (False, ("web", None))):
        asked = replace(probe(at, gone=gone), remote=fetched)
        tonight = replace(build(Role.NIGHTLY), failure=why, probes=(asked,))
        claim = only(causes_of_break(baseline, [tonight], [], None))
        assert said(claim)[:2] == (EXTERNAL, Kind.SOURCE_UNAVAILABLE)
        assert (claim.subject, claim.before) == told
