"""What is told of two nights' indexes, beside which causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drift.attribute.consulted import with_indexes
from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.builds import Build, Role
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory
from drift.source.model import Probe, Remote, RemoteKind
from support.images import file
from support.packaged import Made

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FLASK = "https://pypi.org/simple/flask/"
DEBIAN = "http://deb.debian.org/debian"
OLD = {"flask-1.0-py3-none-any.whl": "sha256:a", "flask-1.0.tar.gz": "sha256:b"}
NEW = {**OLD, "flask-1.1-py3-none-any.whl": "sha256:c"}


def flask(listed: Mapping[str, str] | None, line: int = 2) -> Probe:
    return probe(RemoteKind.PYPI, FLASK, "flask", listed, line)


def suite(date: str | None, line: int = 2, name: str = "bookworm") -> Probe:
    listed = None if date is None else {"Date": date}
    url = f"{DEBIAN}/dists/{name}/InRelease"
    return probe(RemoteKind.DEB, url, f"{DEBIAN} {name}", listed, line)


def probe(
    kind: RemoteKind, url: str, ref: str, listed: Mapping[str, str] | None, line: int = 2
) -> Probe:
    remote = Remote(kind, url, "0", line, ref)
    if listed is None:
        return Probe(remote, NOW, problem="it did not answer in time")
    return Probe(remote, NOW, Digest.of(repr(listed).encode()), listed=listed)


def cause(kind: Kind, subject: str, before: str | None = "1.0", after: str | None = "1.1") -> Cause:
    made = Instruction("0", 2, "RUN install")
    return Cause("c1", Origin.EXTERNAL, kind, subject, Grade.INFERRED, before, after,
                 instruction=made, evidence=("known",))  # fmt: skip


def told(one: Cause, then: Sequence[Probe], now: Sequence[Probe]) -> Cause:
    def build(role: Role, indexes: Sequence[Probe]) -> Build:
        made = Made([("RUN install", [file("x")])]).build(LayersInMemory(), role)
        return replace(made, indexes=tuple(indexes))

    sides = Sides.of_builds(build(Role.NIGHTLY, then), build(Role.NIGHTLY, now))
    (found,) = with_indexes(Attribution(causes=(one,)), sides).causes
    assert found.evidence[0] == "known"
    return found


MOVED = cause(Kind.PACKAGE, "pkg:pypi/flask")
ANEW = cause(Kind.PACKAGE_REPUBLISHED, "pkg:pypi/flask", "1.0 (x)", "1.0 (y)")
DEB = cause(Kind.PACKAGE, "pkg:deb/debian/curl")


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (OLD, NEW, "is another than on 2026-11-23: it lists 1.1, which it did not"),
        (OLD, {**OLD, "flask-0.9.tar.gz": "sha256:d"}, "is another than on 2026-11-23"),
        (NEW, NEW, "is as it was on 2026-11-23"),
        (None, NEW, "was asked tonight, and not on 2026-11-23"),
        (OLD, None, "could not be read tonight: it did not answer in time"),
    ],
)  # fmt: skip
def test_a_page_of_pip(
    then: Mapping[str, str] | None, now: Mapping[str, str] | None, said: str
) -> None:
    assert told(MOVED, [flask(then)], [flask(now)]).evidence == (
        "known",
        f"the index {FLASK} {said}",
    )


def test_only_the_causes_of_packages_are_told_of() -> None:
    for kind, subject in (
        (Kind.FILE, "pkg:pypi/flask"),
        (Kind.PACKAGE, "pkg:pypi/other"),
        (Kind.PACKAGE, "pkg:npm/flask"),
        (Kind.PACKAGE_INDEX, f"{DEBIAN}/dists/trixie"),
    ):
        one = cause(kind, subject)
        assert told(one, [flask(OLD), suite("1")], [flask(NEW), suite("2")]) == one


def test_an_npm_package_of_a_scope() -> None:
    one = cause(Kind.PACKAGE, "pkg:npm/%40babel/core", "7.0.0", "7.1.0")
    url = "https://registry.npmjs.org/@babel%2fcore"
    then, now = (
        probe(RemoteKind.NPM, url, "@babel/core", listed)
        for listed in ({"7.0.0": "sha1:a"}, {"7.0.0": "sha1:a", "7.1.0": "sha1:b"})
    )
    assert "lists 7.1.0, which it did not" in told(one, [then], [now]).evidence[1]


@pytest.mark.parametrize(
    ("listed", "proven"),
    [
        ({name: f"{digest}x" for name, digest in OLD.items()}, True),
        ({**OLD, "flask-1.0.tar.gz": "sha256:bx"}, False),  # pip may have had the other
        ({name: f"sha512:{name}" for name in OLD}, False),  # another algorithm says nothing
        (NEW, False),
        ({"flask-1.0-cp311-linux.whl": "sha256:e"}, False),  # a file more of the same version
        (None, False),
    ],
)
def test_other_digests_of_a_version_prove_it(
    listed: Mapping[str, str] | None, proven: bool
) -> None:
    found = told(ANEW, [flask(OLD)], [flask(listed)])
    assert found.grade is (Grade.PROVEN if proven else Grade.INFERRED)
    assert ("it named other digests of 1.0 on 2026-11-23" in found.evidence) is proven


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ("1", "2", "bookworm: InRelease of 2, on 2026-11-23 of 1"),
        ("2", "2", "bookworm: InRelease of 2, as on 2026-11-23"),
        (None, "2", "bookworm: InRelease of 2; that of 2026-11-23 is not known"),
        ("1", None, "bookworm: InRelease could not be read tonight: it did not answer in time"),
    ],
)
def test_a_suite_of_apt(then: str | None, now: str | None, said: str) -> None:
    for one in (DEB, cause(Kind.PACKAGE_INDEX, f"{DEBIAN}/dists/bookworm")):
        assert told(one, [suite(then)], [suite(now)]).evidence[1:] == (f"{DEBIAN} {said}",)


def test_suites_are_those_of_the_instruction() -> None:
    now = [suite("2"), suite("2", name="updates"), suite("2", line=9, name="other")]
    said = told(DEB, [], now).evidence[1:]
    assert [line.split()[1] for line in said] == ["bookworm:", "updates:"]
    assert len(told(replace(DEB, instruction=None), [], now).evidence) == 4


def test_a_flat_archive_without_a_release_is_not_told_of() -> None:
    none = replace(suite(None), gone=True)
    assert told(DEB, [none], [none]) == DEB


def test_a_version_that_the_index_has_as_it_had_it_may_be_another_build() -> None:
    said = "it has the same files of 1.0"
    assert said in told(ANEW, [flask(OLD)], [flask(NEW)]).evidence[-1]
    other = {**OLD, "flask-1.0-cp311-cp311-linux_x86_64.whl": "sha256:d"}
    for then, now in ((OLD, other), (other, OLD), (None, OLD), ({}, OLD)):
        evidence = told(ANEW, [flask(then)], [flask(now)]).evidence
        assert not any(said in sentence for sentence in evidence)
