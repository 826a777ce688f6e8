"""What the tools themselves print when a step fails, and what is read of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from drift.builds import FailureKind, Reason
from drift.engine.failure import failure
from drift.engine.reading import purl, read

RUN_FAILED = 'process "/bin/sh -c it" did not complete successfully: exit code: 1'
VERSION, URL, GIT = Reason.VERSION_GONE, Reason.URL_GONE, Reason.GIT_GONE
CHECKSUM, COMPILER, TEST = Reason.CHECKSUM, Reason.COMPILER, Reason.TEST

LOGS = [
    # apt
    (
        """\
Reading package lists...
Package curl is not available, but is referred to by another package.
This may mean that the package is missing, has been obsoleted, or
is only available from another source

E: Version '7.0.0-1' for 'curl' was not found""",
        (VERSION, "pkg:deb/debian/curl", "E: Version '7.0.0-1' for 'curl' was not found"),
    ),
    (
        "E: Unable to locate package nosuchpkg1\nE: Unable to locate package nosuchpkg2",
        (VERSION, "pkg:deb/debian/nosuchpkg1", "E: Unable to locate package nosuchpkg1"),
    ),
    (
        """\
E: Unable to locate package libfoo1.2
E: Couldn't find any package by glob 'libfoo1.2'
E: Couldn't find any package by regex 'libfoo1.2'""",
        (VERSION, "pkg:deb/debian/libfoo1.2", "E: Unable to locate package libfoo1.2"),
    ),
    (
        "However the following packages replace it:\n  python-is-python3\n\n"
        "E: Package 'python-minimal' has no installation candidate",
        (VERSION, "pkg:deb/debian/python-minimal", None),
    ),
    ("E: Release 'trixie' for 'libgcc1' was not found", (VERSION, "pkg:deb/debian/libgcc1", None)),
    ("E: Version '1' for 'g++:amd64' was not found", (VERSION, "pkg:deb/debian/g%2B%2B", None)),
    (
        """\
The following packages have unmet dependencies:
 app : Depends: libssl1.1 (>= 1.1.1) but it is not installable
E: Unable to correct problems, you have held broken packages.""",
        (VERSION, "pkg:deb/debian/libssl1.1", None),
    ),
    (
        """\
Err:1 http://deb.example.org/debian bookworm/main amd64 curl amd64 7.88.1-10+deb12u5
  404  Not Found [IP: 203.0.113.80 80]
E: Failed to fetch http://deb.example.org/debian/pool/main/c/curl/curl_7.88.1-10%2bdeb12u5_amd64.deb\
  404  Not Found [IP: 203.0.113.80 80]
E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?""",
        (
            URL,
            "http://deb.example.org/debian/pool/main/c/curl/curl_7.88.1-10%2bdeb12u5_amd64.deb",
            None,
        ),
    ),
    (
        """\
Ign:2 http://deb.example.org/debian nosuchsuite InRelease
Err:5 http://deb.example.org/debian nosuchsuite Release
  404  Not Found [IP: 203.0.113.80 80]
Reading package lists...
E: The repository 'http://deb.example.org/debian nosuchsuite Release' does not have a Release file.
E: Unable to locate package curl""",
        (
            URL,
            "http://deb.example.org/debian",
            "E: The repository 'http://deb.example.org/debian nosuchsuite Release' does not have"
            " a Release file.",
        ),
    ),
    (
        """\
W: Failed to fetch http://deb.example.org/debian/dists/buster/main/binary-amd64/Packages\
  404  Not Found [IP: 203.0.113.80 80]
E: Package 'nginx' has no installation candidate""",
        (URL, "http://deb.example.org/debian/dists/buster/main/binary-amd64/Packages", None),
    ),
    (
        """\
Err:1 http://deb.example.org/debian bookworm/main amd64 jq amd64 1.6-2.1
  Hash Sum mismatch
  Hashes of expected file:
   - SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
E: Failed to fetch http://deb.example.org/debian/pool/main/j/jq/jq_1.6-2.1_amd64.deb\
  Hash Sum mismatch""",
        (CHECKSUM, "pkg:deb/debian/jq", None),
    ),
    (
        "E: Failed to fetch http://deb.example.org/debian/dists/bookworm/main/Packages.xz  "
        "File has unexpected size (8786344 != 8786340). Mirror sync in progress?",
        (CHECKSUM, "http://deb.example.org/debian/dists/bookworm/main/Packages.xz", None),
    ),
    # apk
    (
        """\
fetch https://dl-cdn.example.org/alpine/v3.19/main/x86_64/APKINDEX.tar.gz
ERROR: unable to select packages:
  nosuch (no such package):
    required by: world[nosuch]""",
        (VERSION, "pkg:apk/alpine/nosuch", "nosuch (no such package):"),
    ),
    (
        """\
ERROR: unable to select packages:
  curl-8.5.0-r0:
    breaks: world[curl=8.4.0-r0]
    satisfies: git-2.43.0-r0[so:libcurl.so.4]""",
        (VERSION, "pkg:apk/alpine/curl", "breaks: world[curl=8.4.0-r0]"),
    ),
    (
        "ERROR: unsatisfiable constraints:\n  py-pip (missing):\n    required by: world[py-pip]",
        (VERSION, "pkg:apk/alpine/py-pip", None),
    ),
    ("ERROR: jq-1.7.1-r0: BAD signature", (CHECKSUM, "pkg:apk/alpine/jq", None)),
    # dnf, yum
    (
        "No match for argument: nosuch\nError: Unable to find a match: nosuch",
        (VERSION, "pkg:rpm/nosuch", "No match for argument: nosuch"),
    ),
    ("No match for argument: curl-7.76.1-99.el9", (VERSION, "pkg:rpm/curl", None)),
    (
        "No match for argument: java-17-openjdk-headless",
        (VERSION, "pkg:rpm/java-17-openjdk-headless", None),
    ),
    ("error: No package matches 'tini'", (VERSION, "pkg:rpm/tini", None)),
    (
        "[MIRROR] jq-1.6-17.el9.x86_64.rpm: Status code: 404 for "
        "https://mirror.example.org/9/AppStream/jq-1.6-17.el9.x86_64.rpm (IP: 192.0.2.1)",
        (URL, "https://mirror.example.org/9/AppStream/jq-1.6-17.el9.x86_64.rpm", None),
    ),
    # pip and others of Python
    (
        """\
ERROR: Could not find a version that satisfies the requirement flask==99.0 (from versions: 0.1, 3.1)
ERROR: No matching distribution found for flask==99.0

[notice] A new release of pip is available: 23.0.1 -> 25.3""",
        (VERSION, "pkg:pypi/flask", None),
    ),
    (
        "ERROR: No matching distribution found for Zope.Interface[test]==99",
        (VERSION, "pkg:pypi/zope-interface", None),
    ),
    (
        """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the\
 package versions, please update the hashes. Otherwise, examine the package contents carefully;\
 someone may have tampered with them.
    idna==3.4 from https://files.example.org/packages/fc/34/idna-3.4-py3-none-any.whl\
 (from -r r.txt (line 1)):
        Expected sha256 0000000000000000000000000000000000000000000000000000000000000000
             Got        90b77e79eaa3eba6de819a0c442c0b4ceefc341a7a2ab77d7562bf49f425c5c2
""",
        (CHECKSUM, "pkg:pypi/idna", None),
    ),
    (
        """\
  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of flask==99.0 and you require flask==99.0, we can conclude""",
        (VERSION, "pkg:pypi/flask", None),
    ),
    (
        "ERROR: HTTP error 404 while getting https://files.example.org/x-1.tar.gz",
        (URL, "https://files.example.org/x-1.tar.gz", None),
    ),
    ("urllib.error.HTTPError: HTTP Error 404: Not Found", (URL, None, None)),
    (
        "PackagesNotFoundError: The following packages are not available from current channels:\n"
        "\n  - nosuch=1.0\n\nCurrent channels:\n",
        (VERSION, "pkg:conda/nosuch", None),
    ),
    # npm, yarn, pnpm
    (
        """\
npm error code ETARGET
npm error notarget No matching version found for left-pad@99.0.0.
npm error notarget In most cases you or one of your dependencies are requesting a package version
npm error A complete log of this run can be found in: /root/.npm/_logs/x-debug-0.log""",
        (
            VERSION,
            "pkg:npm/left-pad",
            "npm error notarget No matching version found for left-pad@99.0.0.",
        ),
    ),
    (
        """\
npm ERR! code E404
npm ERR! 404 Not Found - GET https://npm.example.org/@acme%2fnosuch - Not found
npm ERR! 404
npm ERR! 404  '@acme/nosuch@^1.0.0' is not in this registry.""",
        (VERSION, "pkg:npm/%40acme/nosuch", None),
    ),
    (
        """\
npm error code E404
npm error 404 Not Found - GET https://npm.example.org/left-pad/-/left-pad-1.3.0.tgz - Not found
npm error 404
npm error 404  The requested resource 'left-pad@1.3.0' could not be found or you do not have\
 permission to access it.""",
        (VERSION, "pkg:npm/left-pad", None),
    ),
    (
        """\
npm error code EINTEGRITY
npm error Verification failed while extracting left-pad@1.3.0:
npm error sha512-AA== integrity checksum failed when using sha512""",
        (CHECKSUM, "pkg:npm/left-pad", None),
    ),
    (
        """\
npm error code EINTEGRITY
npm error sha512-Ab+/9== integrity checksum failed when using sha512: wanted sha512-Ab+/9== but got\
 sha512-Cd==. (210 bytes)""",
        (CHECKSUM, "sha512-Ab+/9==", None),
    ),
    (
        'error Couldn\'t find any versions for "left-pad" that matches "99.0.0"',
        (VERSION, "pkg:npm/left-pad", None),
    ),
    (
        " ERR_PNPM_NO_MATCHING_VERSION  No matching version found for @types/node@99.0.0",
        (VERSION, "pkg:npm/%40types/node", None),
    ),
    (
        "➤ YN0082: │ left-pad@npm:99.0.0: No candidates found",
        (VERSION, "pkg:npm/left-pad", None),
    ),
    # gem, cargo, go, composer, maven, NuGet
    (
        "ERROR:  Could not find a valid gem 'nosuch' (= 9.9.9) in any repository",
        (VERSION, "pkg:gem/nosuch", None),
    ),
    (
        "Could not find gem 'rails (= 99.0)' in rubygems repository https://gems.example.org/",
        (VERSION, "pkg:gem/rails", None),
    ),
    (
        """\
    Updating crates.io index
error: failed to select a version for the requirement `serde = "=99.0.0"`
candidate versions found which didn't match: 1.0.229, 1.0.228, 1.0.227, ...
location searched: crates.io index""",
        (VERSION, "pkg:cargo/serde", None),
    ),
    ("error: no matching package named `nosuch` found", (VERSION, "pkg:cargo/nosuch", None)),
    ("error: failed to verify the checksum of `libc v0.2.1`", (CHECKSUM, "pkg:cargo/libc", None)),
    (
        "go: github.com/pkg/errors@v9.9.9: invalid version: unknown revision v9.9.9",
        (VERSION, "pkg:golang/github.com/pkg/errors", None),
    ),
    (
        "go: github.com/pkg/errors@v9.9.9: reading https://proxy.example.org/github.com/pkg/errors"
        "/@v/v9.9.9.info: 404 Not Found",
        (VERSION, "pkg:golang/github.com/pkg/errors", None),
    ),
    (
        "verifying github.com/pkg/errors@v0.9.1: checksum mismatch\n"
        "\tdownloaded: h1:aaa=\n\tgo.sum:     h1:bbb=\n\nSECURITY ERROR",
        (CHECKSUM, "pkg:golang/github.com/pkg/errors", None),
    ),
    (
        "[ERROR] Failed to execute goal on project app: Could not find artifact "
        "org.acme:lib:jar:9.9 in central (https://repo.example.org/maven2)",
        (VERSION, "pkg:maven/org.acme/lib", None),
    ),
    (
        "/src/app.csproj : error NU1102: Unable to find package Acme.Lib with version (>= 9.9.9)",
        (VERSION, "pkg:nuget/Acme.Lib", None),
    ),
    # curl, wget, checksums
    ("curl: (22) The requested URL returned error: 404", (URL, None, None)),
    ("curl: (22) The requested URL returned error: 410 Gone", (URL, None, None)),
    ("curl: (22) The requested URL returned error: 403", None),
    (
        """\
--2026-11-26 11:20:30--  http://user:token@files.example.org/x#part
Connecting to files.example.org:80... connected.
HTTP request sent, awaiting response... 404 Not Found
2026-11-26 11:20:30 ERROR 404: Not Found.
""",
        (URL, "http://files.example.org/x", "2026-11-26 11:20:30 ERROR 404: Not Found."),
    ),
    (
        "http://files.example.org/x:\n2026-11-26 11:20:30 ERROR 410: Gone.",
        (URL, "http://files.example.org/x", None),
    ),
    ("wget: server returned error: HTTP/1.1 404 Not Found", (URL, None, None)),
    (
        "f.tgz: FAILED\nsha256sum: WARNING: 1 computed checksum did NOT match",
        (CHECKSUM, None, None),
    ),
    (
        "f.tgz: FAILED\nsha256sum: WARNING: 1 of 1 computed checksums did NOT match",
        (CHECKSUM, None, None),
    ),
    (f"digest mismatch sha256:{'a' * 64}: sha256:{'b' * 64}", (CHECKSUM, None, None)),
    ("failed to load cache key: invalid response status 404", (URL, None, None)),
    (
        "ADD failed: failed to GET https://files.example.org/x with status 404 Not Found: ",
        (URL, "https://files.example.org/x", None),
    ),
    # git
    (
        "Cloning into 'x'...\nfatal: repository 'https://git.example.org/x.git/' not found",
        (GIT, "https://git.example.org/x.git", None),
    ),
    ("fatal: Remote branch v9 not found in upstream origin", (GIT, None, None)),
    ("error: pathspec 'v9' did not match any file(s) known to git", (GIT, None, None)),
    # compilers and tests
    (
        "app.c:7:12: error: 'SSL_OLD' undeclared (first use in this function)",
        (COMPILER, None, None),
    ),
    ("app.c:1:10: fatal error: openssl/ssl.h: No such file or directory", (COMPILER, None, None)),
    ("error[E0425]: cannot find value `x` in this scope", (COMPILER, None, None)),
    ("./main.go:5:2: undefined: x", (COMPILER, None, None)),
    ("src/a.ts(1,7): error TS2322: Type 'string' is not assignable", (COMPILER, None, None)),
    ("error: command '/usr/bin/gcc' failed with exit code 1", (COMPILER, None, None)),
    ("FAILED tests/test_a.py::test_b - assert 1 == 2", (TEST, None, None)),
    ("=========== 1 failed, 2 passed in 0.12s ===========", (TEST, None, None)),
    ("--- FAIL: TestX (0.00s)\n    x_test.go:7: no", (TEST, None, None)),
    ("test result: FAILED. 1 passed; 1 failed; 0 ignored", (TEST, None, None)),
    # no tool's own words
    ("something went wrong", None),
    ("I could not find 404 of 410 files", None),
    ("Downloading http://example.org/404", None),
    ("see: error 404 in the manual", None),
    ("required by: world[nosuch]\n  nosuch (no such package):", None),
    ("WARN: checksum mismatch is fine", None),
]


@pytest.mark.parametrize(("log", "expected"), LOGS)
def test_a_tools_own_words_are_read(
    log: str, expected: tuple[Reason, str | None, str | None] | None
) -> None:
    failed = failure(RUN_FAILED, log.split("\n"))

    assert failed.kind is FailureKind.STEP
    if expected is None:
        assert (failed.reason, failed.subject, failed.line) == (None, None, None)
        return
    reason, subject, line = expected
    assert (failed.reason, failed.subject) == (reason, subject)
    assert failed.line is not None
    assert line in (None, failed.line)


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("curl: (6) Could not resolve host: example.org", FailureKind.NETWORK, Reason.NAMES),
        ("wget: bad address 'example.org'", FailureKind.NETWORK, Reason.NAMES),
        ("curl: (60) SSL certificate problem: expired", FailureKind.NETWORK, Reason.TLS),
        ("curl: (28) Operation timed out after 3 ms", FailureKind.NETWORK, Reason.CONNECTION),
        ("curl: (22) The requested URL returned error: 503", FailureKind.NETWORK, Reason.SERVER),
        (
            "curl: (22) The requested URL returned error: 429",
            FailureKind.NETWORK,
            Reason.RATE_LIMIT,
        ),
        (
            "toomanyrequests: You have reached your pull rate limit.",
            FailureKind.NETWORK,
            Reason.RATE_LIMIT,
        ),
        ("npm error code E401", FailureKind.NETWORK, Reason.AUTHENTICATION),
        ("write (28: No space left on device)", FailureKind.RESOURCES, Reason.DISK),
        ("virtual memory exhausted: Cannot allocate memory", FailureKind.RESOURCES, Reason.MEMORY),
        ("accept: too many open files", FailureKind.RESOURCES, Reason.LIMITS),
    ],
)
def test_outages_and_the_machines_limits_have_their_reason(
    line: str, kind: FailureKind, reason: Reason
) -> None:
    failed = failure(RUN_FAILED, ["before", line, "E: Unable to locate package curl"])

    assert (failed.kind, failed.reason, failed.line) == (kind, reason, line)
    assert failed.subject is None


def test_a_base_that_the_builder_finds_gone_is_the_subject() -> None:
    failed = failure("manifest for acme/base:1 not found: manifest unknown: manifest unknown")

    assert (failed.kind, failed.reason) == (FailureKind.SOURCE, Reason.BASE_GONE)
    assert failed.subject == "acme/base:1"


def test_what_ended_the_step_counts_and_not_what_it_went_on_from() -> None:
    reading = read(["E: Unable to locate package vim", "app.c:1:1: error: expected ';'"])

    assert reading is not None
    assert (reading.reason, reading.subject) == (COMPILER, None)


def test_what_was_said_long_before_the_end_is_not_the_reason() -> None:
    assert read(["E: Unable to locate package vim", *["making"] * 500]) is None


def test_the_command_is_not_what_it_printed() -> None:
    message = (
        "The command '/bin/sh -c echo E: Unable to locate package x' returned a non-zero code: 1"
    )

    assert failure(message).reason is None


def test_a_long_line_is_cut_between_words() -> None:
    failed = failure(RUN_FAILED, ["E: Unable to locate package x" + " " * 30 + "word " * 300])
    named = failure(RUN_FAILED, ["test result: FAILED. " + "secret-value " * 300])

    assert failed.line is None  # more follows than apt prints
    assert named.line is not None
    assert len(named.line) <= 502
    assert named.line.endswith("secret-value …")


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("deb", "libstdc++6:amd64", PackageURL("deb", "debian", "libstdc++6")),
        ("apk", "curl", PackageURL("apk", "alpine", "curl")),
        ("pypi", "Foo_Bar", PackageURL("pypi", None, "foo-bar")),
        ("npm", "@babel/core", PackageURL("npm", "@babel", "core")),
        ("golang", "github.com/pkg/errors", PackageURL("golang", "github.com/pkg", "errors")),
        ("maven", "org.acme:lib", PackageURL("maven", "org.acme", "lib")),
    ],
)
def test_purls_are_those_of_the_catalogue(ecosystem: str, name: str, expected: PackageURL) -> None:
    assert purl(ecosystem, name) == expected.to_string()


WORDS = st.sampled_from(
    ["E: ", "Failed to fetch ", "http://", "a.a/", "@", " 404 ", ": ", "npm error 404 '", "go: "]
)


@given(st.lists(st.one_of(st.text(max_size=30), st.lists(WORDS).map("".join)), max_size=20))
def test_whatever_a_step_prints_is_read_or_not(lines: list[str]) -> None:
    reading = read(lines)

    assert reading is None or any(reading.line in line for line in lines)


@pytest.mark.parametrize(
    "piece",
    [
        "go: a.a/",
        "http://",
        "E: Failed to fetch http://x",
        "➤ YN0082: a@",
        "a:1:",
        "Depends: a",
        "=",
    ],
)
def test_a_hostile_line_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    read([piece * 5000] * 50)

    assert time.process_time() - begun < 5
