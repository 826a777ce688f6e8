"""Whether a newer image takes the main program over a major version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.model import Package
from drift.snapshot.tree import merge
from drift.upkeep.major import is_major, major_of, step
from drift.upkeep.programs import Holding
from support.images import file, layer_of


def package(text: str, *files: str) -> Package:
    purl, _, version = text.partition(" ")
    return Package(f"pkg:{purl}", version, files=files)


@pytest.mark.parametrize(
    ("before", "after", "major"),
    [
        ("deb/debian/nginx 1.22.1-9", "deb/debian/nginx 1.24.0-1", False),
        ("deb/debian/redis 6:7.0.15-1", "deb/debian/redis 7:7.0.15-1", False),
        ("deb/debian/redis 5:6.0.16-1", "deb/debian/redis 5:7.0.15-1", True),
        (
            "deb/debian/postgresql-15 15.3-0+deb12u1",
            "deb/debian/postgresql-15 15.6-0+deb12u1",
            False,
        ),
        ("deb/debian/postgresql-15 15.6-1", "deb/debian/postgresql-16 16.2-1", True),
        (
            "deb/debian/mariadb-server-10.5 1:10.5.23-0",
            "deb/debian/mariadb-server-10.6 1:10.6.1-1",
            True,
        ),
        ("deb/debian/libfoo1 1.2-3", "deb/debian/libfoo2 1.3-1", True),
        ("deb/debian/x 1.0-9", "deb/debian/x 1.0-10", False),
        ("deb/debian/x 9-1", "deb/debian/x 10~rc1-1", True),
        ("apk/alpine/caddy 0.9.1-r3", "apk/alpine/caddy 0.10.0-r0", True),
        ("apk/alpine/caddy 0.9.1-r3", "apk/alpine/caddy 0.9.2-r0", False),
        ("apk/alpine/x 2.0-r1", "apk/alpine/x 1.9-r1", True),
        ("pypi/app 1!2.0", "pypi/app 2!2.1", False),
        ("npm/app 0.1.0", "npm/app 1.0.0", True),
        ("npm/app v1.0.0", "npm/app 1.9.0", False),
        ("npm/app next", "npm/app next", False),
        ("npm/app next", "npm/app 1.0", None),
        ("deb/debian/x 2024a-0", "deb/debian/x 2025a-0", True),
    ],
)
def test_what_is_major(before: str, after: str, major: bool | None) -> None:
    assert is_major(package(before), package(after)) is major


@given(
    st.integers(1, 99),
    st.lists(st.integers(0, 99), max_size=3),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_epoch_and_revision_say_nothing(
    first: int, rest: list[int], epoch: int, revision: int
) -> None:
    upstream = ".".join(map(str, [first, *rest]))
    assert major_of(f"{epoch}:{upstream}-{revision}", "deb") == (first,)
    assert major_of(f"{upstream}-r{revision}", "apk") == (first,)


@given(st.integers(0, 99), st.integers(0, 99))
def test_before_one_the_second_number_is_the_major_one(one: int, other: int) -> None:
    packages = [package(f"npm/x 0.{number}.7") for number in (one, other)]
    assert is_major(*packages) is (one != other)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_versions_are_judged_the_same_from_both_sides(one: str, other: str) -> None:
    first, second = Package("pkg:deb/debian/x", one), Package("pkg:deb/debian/x", other)
    assert is_major(first, second) is is_major(second, first)
    assert is_major(first, first) is False


def image(*packages: Package, loose: tuple[str, ...] = ()) -> Holding:
    paths = [*loose, *(path for one in packages for path in one.files)]
    return Holding(merge([layer_of([file(path[1:]) for path in paths])]), packages)


def pg(version: int, minor: int = 1) -> Package:
    path = f"/usr/lib/postgresql/{version}/bin/postgres"
    return package(f"deb/debian/postgresql-{version} {version}.{minor}-1", path)


RUNS = ["/usr/lib/postgresql/15/bin/postgres", "-D", "/data"]
NGINX = package("deb/debian/nginx 1.22-1", "/usr/sbin/nginx")


def test_a_version_in_the_path_and_the_name() -> None:
    found = step(image(pg(15)), image(pg(16)), [RUNS], ["postgres"])
    assert found.major is True
    assert str(found) == (
        "a major step of its main program: postgresql-15 15.1-1 → postgresql-16 16.1-1"
    )
    assert step(image(pg(15)), image(pg(15, 4)), [RUNS], []).major is False


def test_what_will_run_counts_where_both_are_there() -> None:
    both = image(pg(15, 2), pg(16))
    assert step(image(pg(15)), both, [RUNS], []).major is False
    assert step(image(pg(15)), both, [RUNS], RUNS).major is False
    newer = ["/usr/lib/postgresql/16/bin/postgres"]
    assert step(image(pg(15)), both, [RUNS], newer).major is True


def test_a_program_that_another_package_brings_or_none() -> None:
    other = package("deb/debian/freenginx 1.22-1", "/usr/sbin/nginx")
    assert step(image(NGINX), image(other), [["nginx"]], []).major is True
    gone = step(image(NGINX), image(), [["nginx"]], [])
    assert (gone.major, gone.after) == (True, None)


def test_what_no_package_owns_is_not_known() -> None:
    own = image(NGINX, loose=("/opt/server",))
    found = step(own, image(NGINX), [["/opt/server"], ["/opt/server", "x"]], [])
    assert found.major is None
    assert str(found).endswith("takes a major step: no package owns /opt/server")
    assert step(own, image(NGINX), [["absent"], []], []).why == "what it runs is not in its image"
    assert step(own, image(NGINX), [["/opt/server"], ["nginx"]], []).major is False
