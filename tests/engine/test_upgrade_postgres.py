"""A database that is upgraded while a client commits: no committed row is lost."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import forked
from support.command import environment
from support.own_engine import OwnEngine, own_engine, remove_containers
from support.postgres import Client, committing, postgres_image, rebuilt
from support.registry import push, running_registry
from support.services import RISK, Ended, volume_of
from support.serving import free_port
from support.sharing import witness
from support.striking import striking

AT_MOST = 40  # calls


class Database:
    """PostgreSQL in the container ``db``, on one of two images of which the registry has one."""

    def __init__(self, engine: OwnEngine, address: str, root: Path) -> None:
        self.engine, self.root, self.api = engine, root, engine.client()
        self.reference = f"{address}/postgres:1"
        self.old = postgres_image(self.api)
        self.new = rebuilt(self.api, "less")
        self.port = free_port()
        (root / "Dockerfile").write_text("FROM scratch\n")
        rules = '[upkeep]\nupgrade = ["db"]\n[[image]]\nname = "x"\n'
        (root / "drift.toml").write_text(rules)
        self.publish(self.old)
        self.publish(self.new)

    def publish(self, image: str) -> None:
        """Let the registry's tag, but not the engine's, name an image."""
        push(self.api, image, self.reference)
        runs = self.old if image == self.new else self.new
        repository, _, tag = self.reference.rpartition(":")
        self.api.tag(runs, repository, tag)

    def make(self, name: str = "db", port: int | None = None, **host: Any) -> None:
        ports: dict[int | str, Any] = {"5432/tcp": ("127.0.0.1", port or self.port)}
        self.api.create_container(
            self.reference,
            name=name,
            ports=[5432],
            volumes=host.pop("volumes", None),
            host_config=self.api.create_host_config(
                port_bindings=ports, restart_policy={"Name": "always"}, **host
            ),
        )

    def upgrade(self, *arguments: str, host: str | None = None) -> Ended:
        given = environment(DOCKER_HOST=host or self.engine.host)
        return Ended(*forked.run(["upgrade", *arguments], self.root, given))

    def running(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.inspect_container("db")
        assert found["State"]["Status"] == "running", found["State"]
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "always"
        return found

    def left(self) -> tuple[set[str], set[str]]:
        names = {one["Names"][0] for one in self.api.containers(all=True)}
        return names, {one["Name"] for one in self.api.volumes()["Volumes"] or ()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with (
        own_engine(tmp_path_factory.mktemp("own"), 3000) as engine,
        running_registry(tmp_path_factory.mktemp("registry")) as address,
    ):
        yield Database(engine, address, tmp_path_factory.mktemp("project"))


@pytest.fixture
def database(made: Database) -> Iterator[Database]:
    made.publish(made.new)
    yield made
    remove_containers(made.api, volumes=True)


@pytest.mark.parametrize(
    "host",
    [
        {"binds": ["rows:/data"]},
        {},
        {"mounts": [{"Type": "volume", "Target": "/data"}]},
        {"volumes_from": ["store"]},
    ],
    ids=["named", "anonymous", "mount without a name", "VolumesFrom"],
)
def test_no_committed_row_is_lost(database: Database, host: dict[str, Any]) -> None:
    if "volumes_from" in host:
        database.api.create_container(database.reference, name="store")
    database.make(**host)
    database.api.start("db")
    volume, before = volume_of(database.running()), database.left()
    with committing(database.port) as client, witness(database.engine, volume):
        ran = database.upgrade("--apply")
        assert ran.code == 0, ran
        found = database.running()
        assert (found["Image"], volume_of(found)) == (database.new, volume)
        client.goes_on()
    assert client.lost() == set()
    assert database.left() == before


def test_killed_after_a_call_it_loses_no_row(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One database and one client, from image to image and back, as drift is killed.

    After every second call, the first or the second to begin with; test_upgrade_killed has all.
    """
    first = random.choice((1, 2))
    print(f"from call {first}")
    database.make(binds=["rows:/data"])
    database.api.start("db")
    before, place = database.left(), tmp_path_factory.mktemp("t")
    with committing(database.port) as client, witness(database.engine, "rows"):
        for at in range(first, AT_MOST, 2):
            runs = database.running()["Image"]
            database.publish(database.old if runs == database.new else database.new)
            with striking(database.engine.host, place, at) as proxy:
                ran = database.upgrade("--apply", RISK, "db", host=proxy.host)
            after = database.upgrade()
            assert after.code == 0, after
            client.goes_on()
            assert database.left() == before, proxy.calls
            assert client.lost() == set(), proxy.calls
            if not proxy.struck:
                break
        assert (ran.code, proxy.struck) == (0, False), ran
        assert database.running()["Image"] != runs
    assert client.lost() == set()


def test_two_servers_on_one_volume_would_lose_rows(database: Database) -> None:
    """What the others would see, had drift ever let two run at once."""
    second = free_port()
    database.make(binds=["rows:/data"])
    database.api.start("db")
    with committing(database.port):
        pass
    database.make("db2", second, binds=["rows:/data"])
    clients: list[Client] = []
    with pytest.raises(AssertionError, match="db2"):
        _both_at_once(database, second, clients)
    database.api.start("db")
    with committing(database.port, first=10**9):
        assert any(client.lost() for client in clients)


def _both_at_once(database: Database, second: int, clients: list[Client]) -> None:
    with witness(database.engine, "rows"):
        database.api.start("db2")
        with committing(second, first=10**6) as one, committing(database.port, 10**3) as other:
            clients += [one, other]
        for name in ("db", "db2"):
            database.api.stop(name)
        one.port = database.port  # where it is looked for what it committed
