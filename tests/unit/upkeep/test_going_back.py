"""What the plan says of a rollback, and what of it forbids the upgrade."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from drift.config.model import Upkeep
from drift.engine.engine import Engine
from drift.upkeep.going_back import GoingBack, going_back, has_data
from drift.upkeep.major import Step
from drift.upkeep.model import Container, Mount
from drift.upkeep.reading import read_container
from drift.upkeep.room import Room, strangers, writable_binds, writable_volumes

MAJOR = Step(True, "postgresql-15 15.1", "postgresql-16 16.1")
MINOR = Step(False, "nginx 1.22", "nginx 1.24")
UNKNOWN = Step(None, why="no package owns /opt/server")
RULES = Upkeep(
    dangling=False,
    images_unused=None,
    keep_tags=None,
    containers_stopped=None,
    build_cache=None,
    keep=(),
    until_free=None,
    nightly=False,
    upgrade=(),
    discard=(),
    watch=1.0,
    backup=False,
)
NO_ENGINE = cast(Engine, None)
GB = 10**9


def mount(kind: str, source: str, destination: str, *, writable: bool = True) -> Mount:
    return Mount(kind, source if kind == "volume" else None, source, destination, writable)


def container(name: str, *mounts: Mount, state: str = "running") -> Container:
    found = read_container({"Id": name * 8, "Name": name, "State": {"Status": state}})
    return replace(found, mounts=mounts)


def told(
    *members: Container, allow: bool = False, major: Step | None = MINOR, backup: bool = False
) -> GoingBack:
    rules = replace(RULES, backup=backup)
    return going_back(NO_ENGINE, members, members, rules, allow_major=allow, major=major)


DATA = mount("volume", "rows", "/data")
BIND = mount("bind", "/srv/rows", "/data")
SOCKET = mount("bind", "/run/docker.sock", "/run/docker.sock")
READ = mount("bind", "/etc/app", "/etc/app", writable=False)


def test_what_cannot_be_undone_is_said_of_every_container_with_volumes() -> None:
    said = "its data are not copied: a rollback does not undo what the new version wrote"
    assert told(container("a", DATA)) == GoingBack((said,))
    assert told(container("a", BIND)) == GoingBack((said,))
    assert told(container("a"), container("b", DATA)) == GoingBack((said,))
    assert told(container("a", READ, SOCKET), major=MAJOR) == GoingBack()


@pytest.mark.parametrize("held", [DATA, BIND])
def test_a_major_step_of_what_has_data_has_to_be_allowed(held: Mount) -> None:
    (refused,) = told(container("a", held), major=MAJOR).refused
    assert refused == (
        "a major step of its main program: postgresql-15 15.1 → postgresql-16 16.1, "
        "and a rollback does not undo what the new version wrote: --allow-major"
    )
    allowed = told(container("a", held), major=MAJOR, allow=True)
    assert not allowed.refused
    assert str(MAJOR) in allowed.said


def test_what_is_not_known_is_said_and_forbids_nothing() -> None:
    found = told(container("a", DATA), major=UNKNOWN)
    assert not found.refused
    assert found.said[-1] == (
        "unknown whether its main program takes a major step: no package owns /opt/server"
    )


def test_binds_that_are_not_copied_are_named() -> None:
    found = told(container("a", BIND, READ), backup=True)
    assert found == GoingBack(("not copied, and not restored: the host's /srv/rows",))


def test_a_bind_is_not_copied_so_that_a_major_step_of_it_needs_leave_all_the_same() -> None:
    assert told(container("a", BIND), major=MAJOR, backup=True).refused
    assert not told(container("a", READ), major=MAJOR, backup=True).refused


def test_data_of_those_that_only_stand_on_it_are_not_what_the_new_version_writes_to() -> None:
    assert not told(container("a"), container("b", DATA), major=MAJOR).refused


def test_what_a_container_may_write_to() -> None:
    one = container("a", DATA, BIND, SOCKET, READ, mount("tmpfs", "", "/tmp"))
    assert writable_volumes(one) == (DATA,)
    assert writable_binds(one) == ("/srv/rows",)
    assert has_data(one)
    assert not has_data(container("a", READ, SOCKET))


@pytest.mark.parametrize(
    ("room", "fits"),
    [
        (Room(0, 70_000_000), True),
        (Room(0, 60_000_000), False),
        (Room(GB, 2 * GB), True),
        (Room(GB, GB + 50_000_000), False),
        (Room(10 * GB, 10 * GB + 500_000_000), False),
        (Room(GB, None), True),
    ],
)
def test_room(room: Room, fits: bool) -> None:
    assert (room.refused is None) is fits


def test_room_that_is_not_known_is_said() -> None:
    assert str(Room(GB, None)).endswith("1.0 GB, how much is free is not known")


def test_who_else_uses_what_would_be_copied() -> None:
    one, other = container("a", DATA), container("b", replace(DATA, destination="/x"))
    reads = container("c", replace(DATA, writable=False))
    stopped = container("d", DATA, state="exited")
    bound = container("e", BIND, mount("volume", "more", "/data"))
    everyone = [one, other, reads, stopped, bound]
    assert strangers([one], everyone) == [("/data", "b"), ("/data", "c")]
    assert strangers([one, other], everyone) == [("/data", "c")]
    assert strangers([replace(one, mounts=(replace(DATA, writable=False),))], everyone) == []
