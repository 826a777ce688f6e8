"""What counts as written outside a container's volumes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drift.upkeep.reading import read_container
from drift.upkeep.written import written_outside

DISCARD = ("/run/**", "/var/run/**", "/tmp/**")


def changed(*changes: str) -> list[dict[str, object]]:
    """``C /etc``: a path and how it changed, as ``docker diff`` writes it."""
    return [{"Kind": "CAD".index(one[0]), "Path": one[2:]} for one in changes]


def test_data_is_named_and_what_led_to_it_is_not() -> None:
    found = changed("C /var", "C /var/lib", "A /var/lib/app", "A /var/lib/app/rows", "D /etc/old")
    assert written_outside(found, [], DISCARD) == ("/etc/old", "/var/lib/app", "/var/lib/app/rows")


def test_mounts_and_the_parents_made_for_them() -> None:
    found = changed("C /srv", "A /srv/deep", "A /srv/deep/data", "A /srv/deep/other")
    assert written_outside(found, ["/srv/deep/data/"], ()) == ("/srv/deep/other",)
    assert written_outside(changed("A /srv", "A /srv/data"), ["/srv/data"], ()) == ()
    assert written_outside(changed("D /srv"), ["/srv/data"], ()) == ("/srv",)


def test_what_the_engine_made_is_not_data_but_what_is_in_it_is() -> None:
    made = ["/srv/app", "/sbin/docker-init"]
    found = changed("A /srv", "A /srv/app", "A /sbin", "A /sbin/docker-init")
    assert written_outside(found, [], (), made) == ()
    found = changed("A /srv/app", "A /srv/app/rows", "D /sbin/docker-init")
    assert written_outside(found, [], (), made) == ("/sbin/docker-init", "/srv/app/rows")
    assert written_outside(changed("C /srv/app"), [], (), made) == ("/srv/app",)


def test_what_an_engine_makes_of_a_containers_settings() -> None:
    document: dict[str, Any] = {
        "Id": "x",
        "Config": {"WorkingDir": "/srv/app"},
        "HostConfig": {"Tmpfs": {"/cache": ""}, "Init": False},
    }
    found = read_container(document)
    assert [mount.destination for mount in found.mounts] == ["/cache"]
    assert found.made == ("/srv/app",)
    document["HostConfig"]["Init"] = None
    assert "/sbin/docker-init" in read_container(document).made, "it may be the engine's default"


def test_what_may_be_lost() -> None:
    found = changed("C /run", "A /run/app", "A /run/app/pid", "C /tmp", "A /tmp/x", "A /runs")
    assert written_outside(found, [], DISCARD) == ("/runs",)


def test_a_directory_that_itself_changed() -> None:
    assert written_outside(changed("C /etc/app"), [], DISCARD) == ("/etc/app",)


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(lambda n: "/" + "/".join(n))


@given(st.dictionaries(PATHS, st.sampled_from("CAD")), st.lists(PATHS, max_size=2))
def test_nothing_that_was_added_or_deleted_is_lost_sight_of(
    kinds: dict[str, str], mounts: list[str]
) -> None:
    told = written_outside(changed(*(f"{kind} {path}" for path, kind in kinds.items())), mounts, ())
    assert set(told) <= set(kinds)
    for path, kind in kinds.items():
        below = any(path == mount or path.startswith(f"{mount}/") for mount in mounts)
        above = any(mount.startswith(f"{path}/") for mount in mounts)
        if below:
            assert path not in told
        elif kind == "D" or (kind == "A" and not above):
            assert path in told
