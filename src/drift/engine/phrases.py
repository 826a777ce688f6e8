"""What tools print when a source is gone, when bytes are not those expected, and when code fails.

One row for each phrase, in the tool's own words; a named group says what the subject is: an
ecosystem's package, a ``url``, a ``git`` repository. A phrase with a ``header`` holds only
below that line, one with ``above`` takes its URL from the last one that the tool announced.
A phrase that several tools print for different reasons is not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drift.builds import Reason


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line that names a reason.

    ``index``: what is gone is a list of packages, so that packages not found are its doing.
    """

    reason: Reason
    pattern: re.Pattern[str]
    header: re.Pattern[str] | None = None
    above: bool = False
    index: bool = False


def _gone(pattern: str, header: str | None = None) -> Phrase:
    return _phrase(Reason.VERSION_GONE, pattern, header)


def _url(pattern: str, *, above: bool = False, index: bool = False) -> Phrase:
    return Phrase(Reason.URL_GONE, re.compile(pattern), above=above, index=index)


def _git(pattern: str) -> Phrase:
    return _phrase(Reason.GIT_GONE, pattern)


def _checksum(pattern: str, header: str | None = None) -> Phrase:
    return _phrase(Reason.CHECKSUM, pattern, header)


def _phrase(reason: Reason, pattern: str, header: str | None = None) -> Phrase:
    return Phrase(reason, re.compile(pattern), re.compile(header) if header else None)


# A URL that a tool announces before it says what came of it: wget's, with and without -nv.
ANNOUNCED = re.compile(r"--[\d-]{10} [\d:]{8}--  (?P<url>\S+)|(?P<nv>(?:https?|ftp)://\S+):")

_NAME = r"[A-Za-z0-9@][\w.+@/~:-]*?"
_NPM = r"(?:@[\w.~-]+/)?[\w.~-]+"
_HTTP = r"(?:https?|ftp)://[^\s'\"<>]+"
# After the file that imports it, or nothing: a module path, as ``go`` names it.
_GO = (
    r"(?:go(?: get)?: |\S+\.go:\d+:\d+: )?(?:module |verifying )?"
    r"(?P<golang>[^\s/@:]+\.[^\s/@:.]+/[^\s@]+)@[^\s:]+"
)
_STATUS = r"(?:404|410)\b"

_APK = r"(?:ERROR: )?(?:unable to select packages|unsatisfiable constraints):"
_PIP_HASHES = r"THESE PACKAGES DO NOT MATCH THE HASHES"
_CONDA = r"PackagesNotFoundError: |packages are not available from current channels"

_VERSIONS = (
    # apt-get, apt, aptitude
    _gone(rf"E: Version '[^']*' for '(?P<deb>{_NAME})' was not found"),
    _gone(rf"E: Release '[^']*' for '(?P<deb>{_NAME})' was not found"),
    _gone(rf"E: Unable to locate package (?P<deb>{_NAME})\s*$"),
    _gone(rf"E: Package '?(?P<deb>{_NAME})'? has no installation candidate"),
    _gone(rf"E: Couldn't find any package by (?:glob|regex) '(?P<deb>{_NAME})'"),
    _gone(rf"\s.*Depends: (?P<deb>{_NAME})(?: \([^)]*\))? but it is not installable"),
    # apk
    _gone(rf"\s+(?P<apk>{_NAME}) \((?:no such package|missing)\):", _APK),
    _gone(r"\s+breaks: world\[(?P<apk>[\w.+-]+)[=<>~@]", _APK),
    # dnf, yum, microdnf, zypper
    _gone(r"(?:Error: )?Unable to find a match: (?P<rpm>[^\s*]+)"),
    _gone(r"(?:No match for argument|error: No package matches)[: ]+'?(?P<rpm>[^\s*']+)"),
    _gone(r"No package (?P<rpm>\S+) available\."),
    _gone(r"(?:Package|No provider of) '(?P<rpm>[^'\s]+)' not found\."),
    # pip, uv, poetry, conda
    _gone(r"ERROR: No matching distribution found for (?P<pypi>[\w.-]+)"),
    _gone(r"ERROR: Could not find a version that satisfies the requirement (?P<pypi>[\w.-]+)"),
    _gone(r".*[Bb]ecause there (?:is|are) no versions? of (?P<pypi>[\w.-]+)"),
    _gone(r".*[Bb]ecause (?P<pypi>[\w.-]+) was not found in the package registry"),
    _gone(r"\s+Unable to find installation candidates for (?P<pypi>[\w.-]+) \("),
    _gone(r"\s+- (?P<conda>[\w.-]+)\b", _CONDA),
    # npm, yarn, pnpm
    _gone(rf"npm (?:ERR!|error) notarget No matching version found for (?P<npm>{_NPM})@"),
    _gone(rf"npm (?:ERR!|error) 404 .*'(?P<npm>{_NPM})(?:@[^']*)?' (?:is not in|could not be)"),
    _gone(r"npm (?:ERR!|error) code (?:E404|ETARGET)\b"),
    _gone(rf"error Couldn't find package \"(?P<npm>{_NPM})\""),
    _gone(rf"error Couldn't find any versions for \"(?P<npm>{_NPM})\""),
    _gone(
        rf"\W*YN00(?:35|82): \W*(?P<npm>{_NPM})@[^\s:]+(?::\S+)?: (?:Package not f|No candidates)"
    ),
    _gone(rf"\W*ERR_PNPM_NO_MATCHING_VERSION +No matching version found for (?P<npm>{_NPM})@"),
    # gem, bundler
    _gone(r"ERROR:  Could not find a valid gem '(?P<gem>[\w.-]+)'"),
    _gone(r"Could not find gem '(?P<gem>[\w.-]+)[ ']"),
    _gone(r"Your bundle is locked to (?P<gem>[\w.-]+) \(.*no longer be found"),
    # cargo
    _gone(r"error: no matching package named `(?P<cargo>[\w-]+)` found"),
    _gone(r"error: failed to select a version for the requirement `(?P<cargo>[\w-]+)\b"),
    _gone(r"error: could not find `(?P<cargo>[\w-]+)` in registry"),
    # go
    _gone(rf"{_GO}: .*unknown revision\b"),
    _gone(rf"{_GO}: .*\b(?:404 Not Found|410 Gone)"),
    _gone(rf"{_GO}: .*no matching versions for"),
    # composer, maven, gradle, NuGet
    _gone(r".*Could not find a (?:matching )?version of package (?P<composer>[\w.-]+/[\w.-]+)"),
    _gone(r".*Root composer\.json requires (?P<composer>[\w.-]+/[\w.-]+).*could not be found"),
    _gone(r".*Could not find artifact (?P<maven>[\w.-]+:[\w.-]+):"),
    _gone(r".*> Could not find (?P<maven>[\w.-]+:[\w.-]+):\S+\.$"),
    _gone(r".*\berror NU110[123]: Unable to find (?:a stable )?package (?P<nuget>[\w.-]+)"),
)

_URLS = (
    # apt: of an index, then of a package
    _url(
        rf"E: The repository '(?P<url>{_HTTP}).*' (?:does not have|no longer has) a Release file",
        index=True,
    ),
    _url(rf"[WE]: Failed to fetch (?P<url>{_HTTP}/dists/\S+) +404 +Not Found", index=True),
    _url(rf"E: Failed to fetch (?P<url>{_HTTP}) +404 +Not Found"),
    # apk, dnf
    _url(
        rf"(?:WARNING|ERROR): .*?(?P<url>{_HTTP}): (?:No such file or directory|HTTP 404)",
        index=True,
    ),
    _url(rf".*Status code: {_STATUS} for (?P<url>{_HTTP}).*repomd\.xml", index=True),
    _url(rf".*Status code: {_STATUS} for (?P<url>{_HTTP})"),
    # curl, wget
    _url(rf"curl: \(22\) The requested URL returned error: {_STATUS}"),
    _url(rf"[\d-]{{10}} [\d:]{{8}} ERROR {_STATUS}", above=True),
    _url(rf"wget: server returned error: HTTP/[\d.]+ {_STATUS}"),
    # pip, Python
    _url(rf"ERROR: HTTP error {_STATUS} while getting (?P<url>{_HTTP})"),
    _url(rf".*HTTPError: {_STATUS} Client Error: .* for url: (?P<url>{_HTTP})"),
    _url(rf"urllib\.error\.HTTPError: HTTP Error {_STATUS}"),
    # npm, pnpm, yarn: a tarball
    _url(rf"npm (?:ERR!|error) 404 Not Found - GET (?P<url>{_HTTP}\.tgz)"),
    _url(rf"\W*ERR_PNPM_FETCH_404 +GET (?P<url>{_HTTP}): "),
    _url(rf"error .*?(?P<url>{_HTTP}): Request failed \"404 Not Found\""),
    # the builders' ADD
    _url(rf".*failed to GET (?P<url>{_HTTP}) with status {_STATUS}"),
    _url(rf".*invalid response status {_STATUS}"),
)

_REPOSITORIES = (
    _git(rf"fatal: repository '(?P<git>{_HTTP})' not found"),
    _git(
        rf"fatal: unable to access '(?P<git>{_HTTP})': The requested URL returned error: {_STATUS}"
    ),
    _git(r"fatal: Remote branch \S+ not found in upstream"),
    _git(r"fatal: couldn't find remote ref \S+"),
    _git(r"fatal: (?:remote error: upload-pack: not our ref|reference is not a tree:) [0-9a-f]+"),
    _git(r"error: pathspec '[^']*' did not match any file\(s\) known to git"),
)

_CHECKSUMS = (
    # apt, apk, dnf
    _checksum(rf"E: Failed to fetch {_HTTP}/(?P<deb>{_NAME})_\S+\.deb +Hash Sum mismatch"),
    _checksum(rf"E: Failed to fetch (?P<url>{_HTTP}) +(?:Hash Sum mismatch|File has unexpected)"),
    _checksum(r"E: Failed to fetch \S+ +(?:Hash Sum mismatch|File has unexpected size)"),
    _checksum(r"ERROR: (?P<apk>[\w.+-]+?)-\d[\w.]*-r\d+: BAD (?:archive|checksum|signature)"),
    _checksum(r".*\] (?P<rpm>\S+)\.rpm: Downloading successful, but checksum doesn't match"),
    # pip, uv, poetry
    _checksum(rf".*{_PIP_HASHES}"),
    _checksum(r"\s+(?P<pypi>[\w.-]+)(?:\[[^\]]*\])?(?:==\S+)? from ", _PIP_HASHES),
    _checksum(r"\s+unknown package:$", _PIP_HASHES),
    _checksum(r".*Hash mismatch for `?(?P<pypi>[\w.-]+)[=`]"),
    _checksum(r"\s*Hash for (?P<pypi>[\w.-]+) \(.*not found in known hashes"),
    # npm, yarn, pnpm
    _checksum(rf"npm (?:ERR!|error) Verification failed while extracting (?P<npm>{_NPM})@"),
    _checksum(r"npm (?:ERR!|error) code EINTEGRITY\b"),
    _checksum(r"npm (?:ERR!|error) .*wanted (?P<integrity>sha\d+-[\w+/=]+)\S* but got sha\d+-"),
    _checksum(rf".*Integrity check failed for \"(?P<npm>{_NPM})\""),
    _checksum(rf"\W*ERR_PNPM_TARBALL_INTEGRITY +.*\"(?P<url>{_HTTP})\""),
    _checksum(rf"\W*YN0018: \W*(?P<npm>{_NPM})@[^\s:]+(?::\S+)?: The remote archive doesn't"),
    # cargo, go
    _checksum(r"error: (?:failed to verify the )?checksum (?:of|for) `(?P<cargo>[\w-]+) v"),
    _checksum(rf"{_GO}: checksum mismatch"),
    # coreutils, busybox, perl's shasum; ADD --checksum
    _checksum(r"(?:sha\d+|md5|b2)sum: WARNING: \d+ (?:of \d+ )?computed checksums? did NOT match"),
    _checksum(r"shasum: WARNING: \d+ computed checksums? did NOT match"),
    _checksum(r".*digest mismatch sha256:[0-9a-f]{64}: sha256:"),
)

_COMPILERS = (
    r"[^\s:]+:\d+:(?:\d+:)? (?:fatal )?error: ",  # gcc, clang, swiftc, javac
    r"error(?:\[E\d{4}\])?: (?:could not compile|aborting due to)",  # rustc, cargo
    r"error\[E\d{4}\]: ",
    r"[^\s:()]+\.tsx?(?:\(\d+,\d+\)|:\d+:\d+)(?: -|:) error TS\d+",
    r"[^\s:()]+\.(?:cs|fs|vb)\(\d+,\d+\): error \w+\d+",
    r"[^\s:]+\.go:\d+:\d+: ",
    r"\[ERROR\] COMPILATION ERROR",
    r"CMake Error(?: at |: )",
    r"configure: error: ",
    r"collect2: error: ld returned|.*: undefined reference to |ld(?:\.lld)?: error: ",
    r"(?:\s*)error: command '\S*(?:gcc|cc|g\+\+|clang|cargo|rustc)\S*' failed",
    r"(?:ERROR|error): Failed(?: to)? build(?:ing)? (?:wheel|installable wheels|gem native)",
    r"(?:SyntaxError|IndentationError): ",
)
_TESTS = (
    r"FAILED \S+::\S+",
    r"=+ (?:\d+ \w+, )*\d+ (?:failed|errors?)\b.* in [\d.]+s",
    r"FAILED \((?:failures|errors)=\d+",
    r"\s*--- FAIL: \S+ \(",
    r"Tests: +(?:\d+ \w+, )*\d+ failed",
    r"test result: FAILED\.",
    r".*There are test failures",
    r".*Tests run: \d+, (?:Failures: [1-9]|Failures: 0, Errors: [1-9])",
    r"\s+\d+ failing$",
    r"\d+% tests passed, [1-9]\d* tests? failed out of",
    r"(?:FAILURES|ERRORS)!$",
)

PHRASES: tuple[Phrase, ...] = (
    *_CHECKSUMS,
    *_VERSIONS,
    *_URLS,
    *_REPOSITORIES,
    *(_phrase(Reason.TEST, pattern) for pattern in _TESTS),
    *(_phrase(Reason.COMPILER, pattern) for pattern in _COMPILERS),
)
