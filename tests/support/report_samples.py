"""Realistic results for the report's tests: a small fleet on one night, and a hostile one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from drift.attribute.model import Accepted, Attribution, Cause, Grade, Kind, Origin, Status
from drift.builds import Build, Failure, FailureKind, Reason, Role
from drift.compare.model import (
    Change,
    Comparison,
    ConfigChange,
    FileChange,
    LayerChange,
    PackageChange,
)
from drift.oci import DiffId, Digest, ImageConfig, Platform
from drift.report.document import diff_document, image_document, run_document
from drift.report.results import DiffResult, DiffSide, ImageResult, RunResult
from drift.snapshot.model import Entry, EntryType, Instruction, LayerDescriptor, Snapshot
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide

RUN = "20261123T021500Z-7f3a"
NIGHT = date(2026, 11, 23)
EARLIER = date(2026, 11, 22)
ENGINE = EngineIdentity(
    "docker", "28.5.2", "1.51", "buildkit", "linux/amd64", "6.18.0", 2, "overlay2"
)
FROM = Instruction("runtime", 3, "FROM debian:bookworm-slim AS runtime")
INSTALL = Instruction(
    "runtime", 6, "RUN apt-get update && apt-get install -y --no-install-recommends openssl curl"
)
FETCH = Instruction("runtime", 11, "ADD https://example.org/rules.json /etc/app/rules.json")


def digest(text: str) -> Digest:
    return Digest.of(text.encode())


def entry(path: str, text: str, size: int = 1200, mode: int = 0o644) -> Entry:
    return Entry(path, EntryType.FILE, mode, 0, 0, 1_795_000_000_000_000_000, size, digest(text))


def modified(path: str, size: int = 1200, layer: int = 1) -> FileChange:
    before, after = entry(path, "old" + path, size), entry(path, "new" + path, size + 8)
    return FileChange(path, Change.MODIFIED, ("content", "mtime"), before, after, layer)


def build(
    image: str,
    role: Role = Role.NIGHTLY,
    night: date = NIGHT,
    failure: Failure | None = None,
    reason: str = "first build of the night",
) -> Build:
    run = RUN if night == NIGHT else "20261122T021500Z-11aa"
    diff_id = DiffId(digest(f"layer {image} {night}"))
    config = ImageConfig({}, (diff_id,), (), Platform("linux", "amd64"))
    snapshot = Snapshot(
        digest(f"image {image} {night}"), config, (LayerDescriptor(diff_id, 1 << 20),)
    )
    repo = RepoSide(digest("context"), digest("dockerfile"), revision="1a2b3c4d5e6f7a8b9c0d" * 2)
    base = Base("debian:bookworm-slim", digest(f"base {night}"), digest(f"registry {night}"))
    return Build(
        id=f"{run}.{image}.{role.value}",
        image=image,
        run=run,
        night=night,
        role=role,
        reason=reason,
        started_at=datetime(night.year, night.month, night.day, 2, 15, 4, tzinfo=UTC),
        seconds=21.44,
        inputs=Inputs(repo, (base,), ENGINE),
        snapshot=None if failure else snapshot,
        failure=failure,
    )


def drifted(name: str = "web") -> ImageResult:
    """A moved base, a security update, a changed download, a random file and some noise."""
    base_files = [modified(f"/usr/share/zoneinfo/Zone{n:02}", 900 + n, 0) for n in range(40)]
    tls = "/usr/lib/x86_64-linux-gnu"
    package_files = [
        modified(f"{tls}/libssl.so.3", 692_000),
        modified(f"{tls}/libcrypto.so.3", 4_700_000),
        modified("/usr/bin/openssl", 998_000),
    ]
    rules = FileChange(
        "/etc/app/rules.json",
        Change.MODIFIED,
        ("content", "mode"),
        entry("/etc/app/rules.json", "rules 1", 5120),
        entry("/etc/app/rules.json", "rules 2", 5400, 0o4755),
        2,
    )
    token = modified("/var/lib/app/instance-id", 36, 3)
    added = FileChange(
        "/var/log/apt/history.log", Change.ADDED, (), None, entry("/var/log", "l"), 1
    )
    touched = FileChange(
        "/etc/ld.so.cache",
        Change.METADATA_ONLY,
        ("mtime",),
        entry("/etc/ld.so.cache", "same"),
        entry("/etc/ld.so.cache", "same"),
        1,
    )
    by_cause = {
        "c1": base_files,
        "c2": package_files,
        "c3": [rules],
        "c4": [token],
        "c5": [added],
        "c6": [],
    }
    files = sorted((c for changes in by_cause.values() for c in changes), key=lambda c: c.path)
    comparison = Comparison(
        layers=(
            LayerChange(0, _layer("a"), _layer("b"), 77_000_000, FROM),
            LayerChange(1, _layer("c"), _layer("d"), 21_000_000, INSTALL),
            LayerChange(2, _layer("e"), None, 6000, FETCH),
        ),
        files=tuple(files),
        metadata_only=(touched,),
        ignored=3,
        shadowed=1,
        packages=(
            PackageChange("pkg:deb/debian/libssl3", "3.0.17-1~deb12u2", "3.0.17-1~deb12u3"),
            PackageChange("pkg:deb/debian/openssl", "3.0.17-1~deb12u2", "3.0.17-1~deb12u3"),
            PackageChange("pkg:deb/debian/tzdata-legacy", None, "2025b-0+deb12u2"),
            PackageChange("pkg:deb/debian/libgdbm6", "1.23-3", None),
        ),
        packages_unknown={"npm": "/app/node_modules/left-pad/package.json is not valid JSON"},
        config=(
            ConfigChange("Env.PATH", "/usr/bin:/bin", "/opt/bin:/usr/bin:/bin"),
            ConfigChange("Labels.built", None, "2026-11-23"),
        ),
    )
    attribution = Attribution(
        causes=_causes(),
        paths={change.path: cause for cause, changes in by_cause.items() for change in changes},
        packages={change.purl: "c2" for change in comparison.packages},
        config={"Env.PATH": "c1", "Labels.built": "c6"},
        explained_files=45 / 46,
        explained_bytes=0.9999,
    )
    control = build(name, Role.CONTROL, reason="a difference remained that nothing settled")
    return ImageResult(
        name,
        Status.DRIFTED,
        True,
        build(name, night=EARLIER),
        build(name),
        comparison,
        attribution,
        (build(name), control),
        notes=("debian:bookworm-slim has no pinned digest",),
    )


def _layer(text: str) -> DiffId:
    return DiffId(digest(text))


def _causes() -> tuple[Cause, ...]:
    unchanged = "repo fingerprint unchanged"
    openssl = Cause(
        "c2",
        Origin.EXTERNAL,
        Kind.PACKAGE,
        "pkg:deb/debian/openssl",
        Grade.OWNED,
        "3.0.17-1~deb12u2",
        "3.0.17-1~deb12u3",
        ("setuid",),
        INSTALL,
        1,
        evidence=(unchanged, "dpkg's database names all 3 files as openssl's or libssl3's"),
    )
    return (
        Cause(
            "c1",
            Origin.EXTERNAL,
            Kind.BASE_IMAGE,
            "debian:bookworm-slim",
            Grade.PROVEN,
            digest("base 1"),
            digest("base 2"),
            (),
            FROM,
            0,
            evidence=(unchanged, "the registry gave another digest for the same reference"),
        ),
        openssl,
        Cause(
            "c3",
            Origin.EXTERNAL,
            Kind.REMOTE_CONTENT,
            "https://example.org/rules.json",
            Grade.PROVEN,
            digest("rules 1"),
            digest("rules 2"),
            ("mode",),
            FETCH,
            2,
        ),
        Cause(
            "c4",
            Origin.UNEXPLAINED,
            Kind.FILE,
            "/var/lib/app/instance-id",
            Grade.INFERRED,
            layer=3,
            evidence=("no package owns it",),
        ),
        Cause("c5", Origin.NONDETERMINISM, Kind.LOG, "/var/log/apt/history.log", Grade.INFERRED),
        Cause(
            "c6", Origin.REPO, Kind.BUILD_CONFIG, "Labels.built", Grade.PROVEN, None, "2026-11-23"
        ),
    )


def quiet(name: str = "api") -> ImageResult:
    """Nothing but modification times."""
    change = FileChange(
        "/etc", Change.METADATA_ONLY, ("mtime",), entry("/etc", ""), entry("/etc", ""), 1
    )
    comparison = Comparison(
        layers=(LayerChange(1, _layer("x"), _layer("y"), 9000, INSTALL),), metadata_only=(change,)
    )
    return ImageResult(
        name,
        Status.EQUIVALENT,
        False,
        build(name, night=EARLIER),
        build(name),
        comparison,
        Attribution(),
        (build(name),),
    )


def noisy(name: str = "cache") -> ImageResult:
    """Nothing but noise, as a control showed."""
    paths = {
        "/etc/machine-id": "c3",
        "/opt/app/__pycache__/app.pyc": "c2",
        "/var/log/apt/history.log": "c1",
        "/var/log/dpkg.log": "c1",
    }
    proven, inferred = Grade.PROVEN, Grade.INFERRED
    agree = ("two builds of tonight's inputs differ in it",)
    noise = Origin.NONDETERMINISM
    causes = (
        Cause("c1", noise, Kind.LOG, "/var/log/**", proven, instruction=INSTALL, evidence=agree),
        Cause("c2", noise, Kind.BYTECODE, "/opt/app/__pycache__/app.pyc", proven, evidence=agree),
        Cause("c3", noise, Kind.RANDOM, "/etc/machine-id", inferred, evidence=agree),
    )
    comparison = Comparison(files=tuple(map(modified, paths)))
    attribution = Attribution(causes, paths)
    control = build(name, Role.CONTROL, reason="differences that no source explains")
    nightly = build(name)
    return ImageResult(
        name,
        Status.EQUIVALENT,
        False,
        build(name, night=EARLIER),
        nightly,
        comparison,
        attribution,
        (nightly, control),
    )


def known(name: str = "mail") -> ImageResult:
    """One change that an accept rule silences, built at the second attempt."""
    change = modified("/usr/bin/openssl", 998_000)
    cause = Cause(
        "c1",
        Origin.EXTERNAL,
        Kind.PACKAGE,
        "pkg:deb/debian/openssl",
        Grade.OWNED,
        "3.0.17-1~deb12u2",
        "3.0.17-1~deb12u3",
        instruction=INSTALL,
        accepted=Accepted(date(2026, 12, 31), "security update, reviewed"),
    )
    failure = Failure(FailureKind.NETWORK, "deb.example.org: 503 Service Unavailable", INSTALL)
    failed = build(name, failure=failure)
    again = build(name, reason="the first build failed: does it fail again?")
    return ImageResult(
        name,
        Status.DRIFTED,
        False,
        build(name, night=EARLIER),
        again,
        Comparison(files=(change,)),
        Attribution((cause,), {change.path: "c1"}),
        (failed, again),
    )


def broken(name: str = "worker") -> ImageResult:
    failure = Failure(
        FailureKind.STEP,
        "RUN make install: exit status 2",
        Instruction("0", 9, "RUN make install"),
        ("cc -o app app.c", "app.c:7: error: 'SSL_OLD' undeclared", "make: *** [app] Error 1"),
        Reason.COMPILER,
        line="app.c:7: error: 'SSL_OLD' undeclared",
    )
    failed = build(name, failure=failure)
    return ImageResult(
        name,
        Status.BROKEN,
        True,
        build(name, night=EARLIER),
        failed,
        builds=(failed, build(name, failure=failure, reason="once more, after a failure")),
        error="RUN make install: exit status 2",
    )


def unknown(name: str = "db") -> ImageResult:
    failure = Failure(FailureKind.NETWORK, "registry.example.org: 429 Too Many Requests", FROM)
    failed = build(name, failure=failure)
    return ImageResult(
        name, Status.UNKNOWN, False, None, failed, builds=(failed,), error=failure.message
    )


def first(name: str = "batch") -> ImageResult:
    return ImageResult(name, Status.FIRST, False, None, build(name), builds=(build(name),))


ESCAPE = "\x1b[31mred\x1b[0m\x9b2J"
BIDI = "\u202egpj.exe\u2066\u200f"
MARKUP = (
    "</td></section><script>alert(1)</script><img src=x onerror=alert(1)>"
    "[link](javascript:alert(1)) ![i](http://x.example/i.png) `code` ``` | pipe \\| @octocat "
    "&lt;b&gt; ]]> <!-- -- {{ 7*7 }} https://evil.example www.evil.example fixes #1 GH-1 "
    "@octo/team <@U1> <!channel> @everyone </details>"
)
COMMAND = "\n::error file=a,line=1::pwned\r\n##[add-mask]x\n::set-output name=a::b%0A::stop::"
HOSTILE = f"{MARKUP}{ESCAPE}{BIDI}{COMMAND}\x00\x07\ufffe\u2028"


def hostile(name: str = "evil") -> ImageResult:
    """Untrusted text wherever text can stand."""
    path = f"/{HOSTILE}\udcff\udcfe\\"
    where = Instruction(HOSTILE, 2, HOSTILE)
    before = Entry(path, EntryType.SYMLINK, 0o777, link=HOSTILE, xattrs=((HOSTILE, "00"),))
    files = (FileChange(path, Change.MODIFIED, (HOSTILE,), before, entry(path, "b"), 1),)
    comparison = Comparison(
        layers=(LayerChange(0, _layer("a"), _layer("b"), 1, where),),
        files=files,
        packages=(PackageChange(f"pkg:deb/{HOSTILE}", HOSTILE, f"2{HOSTILE}"),),
        packages_unknown={HOSTILE: HOSTILE},
        config=(ConfigChange(HOSTILE, {HOSTILE: [HOSTILE, float("nan")]}, "\ud800" + HOSTILE),),
    )
    cause = Cause(
        "c1",
        Origin.UNEXPLAINED,
        Kind.PACKAGE,
        HOSTILE,
        Grade.INFERRED,
        HOSTILE,
        HOSTILE,
        (HOSTILE,),
        where,
        1,
        evidence=(
            HOSTILE,
            "::error::at the start",
            " " * 60 + "::warning::wrapped",
            f"commit 1a2b3c4d5e6f by @{MARKUP}: fixes #1 {HOSTILE} ![x](http://evil.example/i.png)",
        ),
    )
    attribution = Attribution(
        (cause,), {path: "c1"}, {f"pkg:deb/{HOSTILE}": "c1"}, {HOSTILE: "c1"}, 0.0, 0.0
    )
    tail = (*HOSTILE.splitlines(), "::error::")
    failure = Failure(
        FailureKind.STEP, HOSTILE, where, tail, Reason.URL_GONE, f"http://x/{HOSTILE}", HOSTILE
    )
    failed = build(name, Role.REPLAY, failure=failure, reason=HOSTILE)
    return ImageResult(
        name,
        Status.DRIFTED,
        True,
        build(name, night=EARLIER),
        build(name),
        comparison,
        attribution,
        (build(name), failed),
        error=HOSTILE,
        notes=(HOSTILE,),
    )


def run_of(*images: ImageResult) -> RunResult:
    start = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
    return RunResult(RUN, NIGHT, start, start.replace(minute=22), ENGINE, images)


def document_of(*images: ImageResult) -> dict[str, Any]:
    return run_document(run_of(*images), [image_document(image) for image in images])


def fleet() -> dict[str, Any]:
    """The report of a night with one image of every status but ``identical``."""
    return document_of(drifted(), quiet(), broken(), unknown(), first())


def experiments() -> dict[str, Any]:
    """A night that took more than one build of each image."""
    return document_of(drifted(), noisy(), known())


def hostile_fleet() -> dict[str, Any]:
    return document_of(hostile())


def diff(status: Status = Status.DRIFTED) -> dict[str, Any]:
    """Two references compared: the differences of :func:`drifted`, or none at all."""
    web = drifted()
    comparison, attribution = web.comparison, web.attribution
    if status is Status.IDENTICAL or comparison is None or attribution is None:
        comparison, attribution = Comparison(), Attribution()
    before, after = (build("app", night=night).snapshot for night in (EARLIER, NIGHT))
    assert before is not None
    assert after is not None
    sides = DiffSide("app:1", before), DiffSide("app.tar#app:2", after)
    return diff_document(DiffResult(*sides, status, comparison, attribution))
