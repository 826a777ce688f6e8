"""Volumes copied before an upgrade and restored after one, on an engine of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from drift.engine import census
from drift.engine.connection import Connection
from drift.upkeep import backup
from drift.upkeep.model import Container
from drift.upkeep.reading import read_container
from support.fleet import Fleet
from support.own_engine import OwnEngine, own_engine, remove_containers
from support.volume_trees import on_disk

MARK = {"drift.upgrading": "{}"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("own"), 1000) as running:
        yield running


@pytest.fixture
def api(engine: OwnEngine) -> Iterator[docker.APIClient]:
    client = engine.client()
    yield client
    remove_containers(client)
    for volume in client.volumes()["Volumes"] or ():
        client.remove_volume(volume["Name"])
    client.close()


@pytest.fixture
def connection(engine: OwnEngine) -> Iterator[Connection]:
    connection = Connection.open(engine.host)
    yield connection
    connection.close()


@pytest.fixture
def fleet(api: docker.APIClient) -> Fleet:
    return Fleet(api)


class Place:
    """A container, the volumes that it has, and where they lie."""

    def __init__(self, engine: OwnEngine, connection: Connection, name: str) -> None:
        self.engine, self.connection, self.name = engine, connection, name

    @property
    def container(self) -> Container:
        return self.at(self.name)

    def at(self, name: str) -> Container:
        document = census.container(self.connection, name)
        assert document is not None, name
        return read_container(document)

    @property
    def backup(self) -> Container:
        return self.at(f"{self.name}.drift-backup")

    def take(self) -> None:
        volumes = [mount for mount in self.container.mounts if mount.type == "volume"]
        backup.take(self.connection, self.container, volumes, MARK)

    def restore(self) -> None:
        backup.restore(self.connection, self.backup, self.container)

    def volume(self, destination: str) -> Path:
        name = next(m.name for m in self.container.mounts if m.destination == destination)
        return self.engine.root / "volumes" / str(name) / "_data"

    def do(self, action: str, destination: str = "/data") -> Any:
        return on_disk(action, self.volume(destination))


@pytest.fixture
def place(engine: OwnEngine, fleet: Fleet, connection: Connection) -> Place:
    """A stopped container ``app`` with a named volume, one without a name below it, a bind
    and a tmpfs."""
    fleet.container(
        "app",
        command="echo 1 > /data/x",
        volumes=["/data/below"],
        binds=["rows:/data", "/tmp:/host:ro"],
        tmpfs={"/scratch": ""},
    )
    place = Place(engine, connection, "app")
    place.do("make")
    place.do("make", "/data/below")
    return place


def volumes(api: docker.APIClient) -> set[str]:
    return {one["Name"] for one in api.volumes()["Volumes"] or ()}


def test_everything_that_a_volume_holds_comes_back(place: Place, api: docker.APIClient) -> None:
    before = [place.do("list"), place.do("list", "/data/below")]
    assert len(before[0]) > 30
    own = volumes(api)
    place.take()
    assert len(volumes(api)) == len(own) + 2
    assert [place.do("list"), place.do("list", "/data/below")] == before, "taking only reads"
    for again in range(2):
        place.do("spoil")
        place.do("spoil", "/data/below")
        assert place.do("list") != before[0]
        place.restore()
        assert [place.do("list"), place.do("list", "/data/below")] == before, again
    place.restore()
    assert [place.do("list"), place.do("list", "/data/below")] == before, "and once more"

    assert backup.discard(place.connection, place.backup)
    assert volumes(api) == own, "the copies are gone, nothing else is"
    assert [place.do("list"), place.do("list", "/data/below")] == before
    assert "app.drift-backup" not in {
        name for one in api.containers(all=True) for name in one["Names"]
    }
