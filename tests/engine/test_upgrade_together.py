"""``drift upgrade --apply`` of containers that stand on one another, and of a compose project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.compose import Project
from support.services import RISK, Services
from support.sharing import witness


def newer(services: Services, name: str) -> tuple[str, str]:
    old = services.publish(name, files={"etc/a": "1"})
    new = services.publish(name, files={"etc/a": "2"})
    services.give_back(name, old)
    return old, new


@pytest.mark.parametrize("mode", ["network_mode", "pid_mode", "ipc_mode"])
def test_one_in_anothers_namespace(services: Services, mode: str) -> None:
    _, new = newer(services, "app")
    beside = services.publish("beside")
    services.service("app", "app", ipc_mode="shareable")
    services.service("side", "beside", **{mode: "container:app"})
    was = services.running("app")["Id"], services.running("side")["Id"]
    before = services.left()

    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "side names it and was not chosen" in ran.out
    assert (services.running("app")["Id"], services.running("side")["Id"]) == was

    with witness(services.engine, "app-data"), witness(services.engine, "side-data"):
        ran = services.upgrade("--apply", RISK, "app", "side")
    assert ran.code == 0, ran
    app, side = services.is_whole("app"), services.is_whole("side")
    assert (app["Image"], side["Image"]) == (new, beside)
    field = {"network_mode": "NetworkMode", "pid_mode": "PidMode", "ipc_mode": "IpcMode"}[mode]
    assert side["HostConfig"][field] == f"container:{app['Id']}"
    assert side["Id"] != was[1]
    assert services.left() == before


def test_one_that_is_linked(services: Services) -> None:
    _, new = newer(services, "app")
    services.publish("beside")
    services.service("app", "app", network_mode="default")
    services.service("side", "beside", network_mode="default", links={"app": "db"})
    before = services.left()
    ran = services.upgrade("--apply", RISK, "app")
    assert (ran.code, "side names it" in ran.out) == (1, True), ran
    ran = services.upgrade("--apply", RISK, "app", "side")
    assert ran.code == 0, ran
    app, side = services.is_whole("app"), services.is_whole("side")
    assert app["Image"] == new
    assert side["HostConfig"]["Links"] == ["/app:/side/db"]
    address = app["NetworkSettings"]["IPAddress"]
    made = services.api.exec_create("side", ["cat", "/etc/hosts"])
    hosts = services.api.exec_start(made["Id"]).decode()
    assert [line.split()[0] for line in hosts.splitlines() if "db" in line.split()] == [address]
    assert services.left() == before


def test_all_go_back_where_one_does_not_work(services: Services) -> None:
    services.rules(watch="1s")
    old, _ = newer(services, "app")
    beside = services.publish("beside", files={"etc/a": "1"})
    services.publish("beside", first="exit 1", files={"etc/a": "2"})
    services.give_back("beside", beside)
    app = services.service("app", "app")
    side = services.service("side", "beside", network_mode="container:app")
    before = services.left()
    ran = services.upgrade("--apply", RISK, "app", "side")
    assert ran.code == 1, ran
    assert "side ended with exit code 1" in ran.out
    found = services.is_whole("app"), services.is_whole("side")
    assert [one["Id"] for one in found] == [app, side]
    assert [one["Image"] for one in found] == [old, beside]
    assert services.left() == before


def test_both_are_named_to_go_back(services: Services) -> None:
    """The first takes the second with it, which is no error then."""
    newer(services, "app")
    services.publish("beside")
    services.service("app", "app", ipc_mode="shareable")
    services.service("side", "beside", ipc_mode="container:app")
    was = services.running("app")["Id"], services.running("side")["Id"]
    assert services.upgrade("--apply", "--hold", RISK, "app", "side").code == 0
    ran = services.upgrade("--rollback", "app", "side", "--format", "json")
    assert ran.code == 0, ran
    assert {one["container"] for one in json.loads(ran.out)} == {"app", "side"}
    assert (services.is_whole("app")["Id"], services.is_whole("side")["Id"]) == was


COMPOSE = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "app",
    "com.docker.compose.container-number": "1",
    "com.docker.compose.config-hash": "0" * 64,
    "com.docker.compose.oneoff": "False",
}


def test_composes_own_labels(services: Services) -> None:
    old, new = newer(services, "app")
    labels = {**COMPOSE, "com.docker.compose.image": old}
    services.service("app", "app", labels=labels)
    assert services.upgrade("--apply", RISK, "app").code == 0
    found: dict[str, Any] = services.is_whole("app")
    labels = {k: v for k, v in found["Config"]["Labels"].items() if "compose" in k}
    assert labels == {**COMPOSE, "com.docker.compose.image": new}


SHOP = """\
version: "3.7"
services:
  db:
    image: {db}
    restart: always
    volumes: ["rows:/data"]
    networks:
      back: {{aliases: [store]}}
  web:
    image: {web}
    depends_on: [db]
    restart: always
    ports: ["8080"]
    volumes: ["/data"]
    networks: [back]
  side:
    image: {side}
    restart: always
    network_mode: "service:web"
    volumes: ["side:/data"]
volumes: {{rows: {{}}, side: {{}}}}
networks: {{back: {{}}}}
"""


@pytest.fixture
def shop(services: Services, tmp_path: Path) -> Iterator[Project]:
    """A project of three services that runs; of each image a newer one is published."""
    project = Project(tmp_path / "shop", services.engine.host)
    project.directory.mkdir()
    names = ("db", "web", "side")
    for name in names:
        newer(services, name)
    text = SHOP.format(**{name: services.reference(name) for name in names})
    (project.directory / "docker-compose.yml").write_text(text)
    project("up", "-d")
    for one in project.containers(services.api).values():
        services.write(one["Id"], "precious")
    yield project
    project("down")


def named(containers: dict[str, dict[str, Any]]) -> list[str]:
    return [one["Name"].removeprefix("/") for one in containers.values()]


def test_a_compose_project(services: Services, shop: Project) -> None:
    before = shop.containers(services.api)
    ran = services.upgrade("--apply", RISK, *named(before))
    assert ran.code == 0, ran
    upgraded = shop.containers(services.api)
    assert set(named(upgraded)) == set(named(before))
    for service, one in upgraded.items():
        assert services.is_whole(one["Id"])["Image"] != before[service]["Image"]
    aliases = upgraded["db"]["NetworkSettings"]["Networks"]["shop_back"]["Aliases"]
    assert {"db", "store"} <= set(aliases)

    assert set(shop("ps", "-q").split()) == {one["Id"] for one in upgraded.values()}
    shop("up", "-d")
    after = shop.containers(services.api)
    for service, one in after.items():
        assert services.is_whole(one["Id"])["Image"] == upgraded[service]["Image"]
    stays = {service for service, one in after.items() if one["Id"] == upgraded[service]["Id"]}
    # The first knows a configuration by a digest that the image's id is in, the second by one
    # that has the id of the container whose network is used: it makes those anew, as ever.
    assert stays == (set() if shop.version == 1 else {"db", "web"})
    shop("restart", "db")
    services.is_whole(after["db"]["Id"])


def test_compose_would_start_what_is_held(services: Services, shop: Project) -> None:
    before = shop.containers(services.api)
    ran = services.upgrade("--apply", "--hold", RISK, *named(before))
    assert ran.code == 1, ran
    assert "compose would start the held one beside it" in ran.out
    assert shop.containers(services.api) == before
