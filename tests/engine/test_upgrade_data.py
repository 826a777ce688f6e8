"""``drift upgrade --apply`` and data: in volumes it goes over, elsewhere it is not given up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.services import RISK, Services, volume_of
from support.sharing import witness

VOLUME = ('VOLUME ["/data"]',)


def newer(services: Services, **of_both: Any) -> tuple[str, str]:
    old = services.publish("app", files={"etc/a": "1"}, **of_both)
    new = services.publish("app", files={"etc/a": "2"}, **of_both)
    services.give_back("app", old)
    return old, new


@pytest.mark.parametrize(
    "host",
    [
        {"binds": ["app-data:/data"]},
        {"mounts": [{"Type": "volume", "Source": "app-data", "Target": "/data"}]},
        {"mounts": [{"Type": "volume", "Target": "/data"}]},
        {"volumes": ["/data"]},
        {"volumes": []},
    ],
    ids=["bind", "mount", "mount without a name", "anonymous", "of the image"],
)
def test_a_volume_goes_over(services: Services, host: dict[str, Any]) -> None:
    _, new = newer(services, changes=VOLUME)
    services.service("app", "app", **host)
    volume, before = volume_of(services.running("app")), services.left()
    for _ in range(2):  # and once more from the one that was made so
        with witness(services.engine, volume) as seen:
            assert services.upgrade("--apply", RISK, "app").code == 0
        found = services.is_whole("app")
        assert (found["Image"], volume_of(found)) == (new, volume)
        assert services.left() == before, "and no other volume was made"
        assert seen.started[-1:] == ["app"]
        new = services.publish("app", files={"etc/a": "3"}, changes=VOLUME)
        services.give_back("app", found["Image"])


def test_volumes_of_another_container(services: Services) -> None:
    _, new = newer(services)
    services.publish("store", changes=VOLUME)
    services.api.create_container(services.reference("store"), name="store")
    services.service("app", "app", volumes_from=["store"])
    volume = volume_of(services.running("app"))
    services.api.remove_container("store")
    before = services.left()
    assert services.upgrade("--apply", RISK, "app").code == 0
    found = services.is_whole("app")
    assert (found["Image"], volume_of(found)) == (new, volume)
    assert services.left() == before


def test_one_whose_volumes_another_uses_is_not_taken_alone(services: Services) -> None:
    newer(services)
    services.service("app", "app")
    services.publish("user", first="flock -u 9")
    made = services.api.create_container(
        services.reference("user"),
        name="user",
        host_config=services.api.create_host_config(volumes_from=["app"]),
    )
    was = services.running("app")["Id"]
    ran = services.upgrade("--apply", RISK, "app")
    assert services.api.inspect_container(made)["State"]["Status"] == "created"
    found = services.is_whole("app")
    assert (ran.code, found["Id"] != was) in ((0, True), (1, False)), ran


def test_other_volumes_of_the_new_image(services: Services) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "2"}, changes=('VOLUME ["/more"]',))
    services.give_back("app", old)
    was = services.service("app", "app")
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "VOLUME paths differ (none → /more): --accept-volumes" in ran.out
    assert services.running("app")["Id"] == was
    ran = services.upgrade("--apply", RISK, "--accept-volumes", "app")
    assert ran.code == 0, ran
    found = services.is_whole("app")
    assert (found["Image"], volume_of(found)) == (new, "app-data")


def test_a_fresh_volume_goes_with_one_that_failed(services: Services) -> None:
    services.rules(watch="1s")
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", first="exit 1", files={"etc/a": "2"}, changes=('VOLUME ["/more"]',))
    services.give_back("app", old)
    services.service("app", "app")
    before = services.left()
    ran = services.upgrade("--apply", RISK, "--accept-volumes", "app")
    assert ran.code == 1, ran
    services.is_whole("app")
    assert services.left() == before


def test_what_was_written_elsewhere(services: Services) -> None:
    _, new = newer(services, first="mkdir -p /run /srv; echo x >/srv/rows; echo y >/run/pid")
    made = services.service("app", "app")
    started = services.running("app")["State"]["StartedAt"]
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "refused: it wrote outside its volumes: /srv" in ran.out
    found = services.is_whole("app")
    assert (found["Id"], found["State"]["StartedAt"]) == (made, started), "it was not stopped"
    services.rules('discard = ["/run/**", "/srv/**"]')
    assert services.upgrade("--apply", RISK, "app").code == 0
    assert services.is_whole("app")["Image"] == new


def test_what_is_written_on_the_signal(services: Services) -> None:
    _, new = newer(services, last="echo dump >/last-words;")
    made = services.service("app", "app")
    before = services.left()
    with witness(services.engine, "app-data"):
        ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "/last-words" in ran.out
    found = services.is_whole("app")
    assert (found["Id"], services.left()) == (made, before)
    assert services.read("app", "/last-words") == "dump\n"
    services.rules('discard = ["/last-words"]')
    assert services.upgrade("--apply", RISK, "app").code == 0
    assert services.is_whole("app")["Image"] == new


def test_a_tmpfs_is_named_as_lost(services: Services) -> None:
    newer(services)
    services.service("app", "app", tmpfs={"/scratch": "size=1m"})
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 0, ran
    assert "lost: what is in the tmpfs /scratch" in ran.out
    found = services.is_whole("app")
    assert found["HostConfig"]["Tmpfs"] == {"/scratch": "size=1m"}
    (one,) = json.loads(services.upgrade("--format", "json", "app").out)
    assert one["left"], one
