"""What a newer image's differences mean for a container."""

from __future__ import annotations

from drift.attribute.model import Cause, Grade, Kind, Origin, Status
from drift.compare.model import Change, Comparison, ConfigChange, FileChange, PackageChange
from drift.oci import Platform
from drift.upkeep.content import difference_of, same_platform


def changed(*paths: str) -> Comparison:
    return Comparison(files=tuple(FileChange(p, Change.MODIFIED, (), None, None) for p in paths))


def cause(kind: Kind, subject: str = "x", *risk: str, origin: Origin | None = None) -> Cause:
    return Cause("c1", origin, kind, subject, Grade.OWNED, risk=risk)


def test_in_one_line() -> None:
    packages = tuple(PackageChange(f"pkg:deb/debian/{n}", "1", "2") for n in "abc")
    causes = (cause(Kind.PACKAGE, "a", "setuid"), cause(Kind.BASE_IMAGE, "debian:12"))
    found = difference_of(Status.DRIFTED, Comparison(packages=packages), causes, ())
    assert str(found) == "3 packages, base debian:12, 1 new setuid"
    same = difference_of(Status.EQUIVALENT, changed("/a"), (), ())
    assert str(same) == "newer, but the same in content"


def test_what_a_mount_covers_is_not_visible() -> None:
    assert difference_of(Status.DRIFTED, changed("/d/a", "/d/b"), (), ["/d"]).hidden
    assert not difference_of(Status.DRIFTED, changed("/d/a", "/data"), (), ["/d"]).hidden
    assert not difference_of(Status.DRIFTED, changed("/d"), (), ["/d"]).hidden
    moved = Comparison(changed("/x").layers, changed("/d/a").files, config=(
        ConfigChange("Cmd", "a", "b"),
    ))  # fmt: skip
    assert not difference_of(Status.DRIFTED, moved, (), ["/d"]).hidden


def test_what_nobody_should_take_unlooked_at() -> None:
    causes = (
        cause(Kind.FILE, "/x"), cause(Kind.PACKAGE_REPUBLISHED, "p"), cause(Kind.PACKAGE, "q"),
        cause(Kind.TIMESTAMP, "t", origin=Origin.NONDETERMINISM),
    )  # fmt: skip
    unread = Comparison(packages_unknown={"npm": "damaged"})
    found = difference_of(Status.DRIFTED, unread, causes, ())
    assert found.unexplained == ("file /x", "package-republished p", "npm packages are unknown")


def test_platforms() -> None:
    arm7 = Platform("linux", "arm", "v7")
    assert same_platform(arm7, [])
    assert same_platform(arm7, [Platform("linux", "amd64"), Platform("linux", "arm", "v7")])
    assert same_platform(arm7, [Platform("linux", "arm")])
    assert not same_platform(arm7, [Platform("linux", "arm", "v6")])
