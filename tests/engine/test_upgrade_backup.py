"""Volumes copied before an upgrade and restored after one, on an engine of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
import pytest

from drift.engine import archives, census
from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.upkeep import backup, recovery
from drift.upkeep.model import Container
from drift.upkeep.reading import read_container
from support import forked
from support.command import environment
from support.fleet import Fleet, tar
from support.own_engine import OwnEngine, as_root, own_engine, remove_containers
from support.services import Ended
from support.striking import striking
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
    remove_containers(client, volumes=True)
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


def test_many_files_and_large_ones_in_little_memory(place: Place) -> None:
    data = place.volume("/data/below")
    script = (
        "import os, pathlib, sys\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for n in range(5000):\n"
        "    folder = root / f'many/{n % 50}'\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        "    (folder / str(n)).write_bytes(os.urandom(n % 300))\n"
        "with (root / 'large').open('wb') as file:\n"
        "    for _ in range(200):\n"
        "        file.write(os.urandom(1 << 20))\n"
    )
    subprocess.run(as_root(sys.executable, "-c", script, data), check=True)
    before = place.do("list", "/data/below")
    tracemalloc.start()
    place.take()
    subprocess.run(as_root("sh", "-c", f"rm -r {data}/many/1*; echo x >> {data}/large"), check=True)
    place.restore()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20
    assert place.do("list", "/data/below") == before


def test_an_engine_that_stops_while_it_copies(
    engine: OwnEngine, place: Place, api: docker.APIClient
) -> None:
    own, before = volumes(api), place.do("list")
    large = place.volume("/data") / "large"
    subprocess.run(as_root("dd", "if=/dev/zero", f"of={large}", "bs=1M", "count=150"), check=True)
    with_large = place.do("list")
    failed: list[EngineError] = []

    def take() -> None:
        try:
            place.take()
        except EngineError as error:
            failed.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    while (
        not (engine.root / "volumes").is_dir()
        or len(list((engine.root / "volumes").iterdir())) < len(own) + 3
    ):
        time.sleep(0.02)
    time.sleep(0.4)
    engine.stop(signal.SIGKILL)
    thread.join(60)
    engine.start()
    assert failed, "it was killed before the copies were whole"
    assert place.do("list") == with_large
    with pytest.raises(EngineError, match=r"not whole|no copies"):
        place.restore()
    assert place.do("list") == with_large
    backup.discard(place.connection, place.backup)
    assert volumes(api) == own
    subprocess.run(as_root("rm", large), check=True)
    assert set(place.do("list")) == set(before)


def test_a_restore_that_was_cut_off_is_made_again(place: Place) -> None:
    before = place.do("list")
    place.take()
    place.do("spoil")
    found = backup.find(place.connection, place.backup.id)
    assert found is not None
    source = backup.find(place.connection, "app.drift-backup-source")
    assert source is not None
    (number,) = [n for n, name in found.volumes.items() if name == "rows"]
    archives.empty(place.connection, source.id, f"{found.place}/old", number)
    assert len(place.do("list")) == 1, "emptied, and nothing put back yet"
    place.connection.client.remove_container(source.id)
    place.restore()
    assert place.do("list") == before


def test_volumes_in_use_are_neither_copied_nor_restored(
    place: Place, fleet: Fleet, api: docker.APIClient
) -> None:
    fleet.container("other", command="sleep 600", binds=["rows:/x"])
    with pytest.raises(EngineError, match="other runs and uses the volume rows"):
        place.take()
    backup.discard(place.connection, place.backup)
    api.kill("other")
    place.take()
    api.start("other")
    before = place.do("list")
    with pytest.raises(EngineError, match="other runs and uses the volume rows"):
        place.restore()
    assert place.do("list") == before


def test_a_disk_that_fills_up_while_it_copies(
    engine: OwnEngine, place: Place, api: docker.APIClient
) -> None:
    own = volumes(api)
    (place.volume("/data") / "more").write_bytes(os.urandom(8 << 20))
    before = place.do("list")
    filler = engine.root / "filler"
    try:
        room = max(0, engine.free() - (30 << 20)) >> 10
        fill = as_root("dd", "if=/dev/zero", f"of={filler}", "bs=1k", f"count={room}")
        subprocess.run(fill, check=True, capture_output=True)
        with pytest.raises(EngineError, match="no space left"):
            place.take()
        assert place.do("list") == before
        backup.discard(place.connection, place.backup)
        assert volumes(api) == own
    finally:
        subprocess.run(as_root("rm", "-f", filler), check=True)


def test_strangers_of_these_names_stay(place: Place, fleet: Fleet, api: docker.APIClient) -> None:
    """Labels and volumes that an image declares make no backup of a container."""
    place.take()
    made = api.inspect_container("app.drift-backup")
    token = next(m["Target"] for m in made["HostConfig"]["Mounts"]).split("/")[1]
    backup.discard(place.connection, place.backup)
    changes = [
        "LABEL drift.upgrading={}",
        f"VOLUME /{token}/old/0",
        f"VOLUME /{token}/copy/0",
    ]
    stranger = fleet.container("source", run=False)
    api.commit(stranger, repository="forged", tag="1", changes=changes)
    fleet.container("app.drift-backup", "forged:1", run=False)
    own = volumes(api)
    assert not backup.discard(place.connection, place.backup)
    assert volumes(api) == own
    with pytest.raises(EngineError, match="holds no copies of the volumes of app"):
        place.restore()
    with pytest.raises(EngineError, match="already in use"):
        place.take()
    assert volumes(api) == own


def test_copies_of_others_are_not_restored(place: Place, fleet: Fleet) -> None:
    place.take()
    fleet.container("else", binds=["more:/data"])
    with pytest.raises(EngineError, match="holds no copies of the volumes of else"):
        backup.restore(place.connection, place.backup, place.at("else"))


class Project:
    """Two versions of an image, and ``drift upgrade`` on a container of it."""

    def __init__(self, engine: OwnEngine, fleet: Fleet, root: Path) -> None:
        self.engine, self.fleet, self.root = engine, fleet, root

    def version(self, version: str, command: list[str]) -> None:
        """An image ``app:1`` whose program is of a Debian package of that version."""
        lines = ["Package: appd", "Status: install ok installed", "Architecture: all"]
        status = "\n".join([*lines, f"Version: {version}", "", ""])
        content = {
            "usr/bin/sleep": Path(shutil.which("busybox") or "").read_bytes(),
            "etc/os-release": b"ID=debian\n",
            "var/lib/dpkg/status": status.encode(),
            "var/lib/dpkg/info/appd.list": b"/.\n/usr\n/usr/bin\n/usr/bin/sleep\n",
        }
        made = self.fleet.api.create_container("bb:1", command=["true"])["Id"]
        self.fleet.api.put_archive(made, "/", tar(content))
        self.fleet.api.commit(made, "app", "1", changes=[f"CMD {json.dumps(command)}"])
        self.fleet.api.remove_container(made)

    def start(self, **host: Any) -> str:
        api = self.fleet.api
        host_config = api.create_host_config(network_mode="none", **host)
        # A sleep that is a container's first process does not hear SIGTERM: ten seconds a stop.
        made = str(
            api.create_container(
                "app:1", name="app", stop_signal="SIGKILL", host_config=host_config
            )["Id"]
        )
        api.start(made)
        return made

    def start_upgrade(self, *arguments: str, backup: bool, host: str = "") -> Ended:
        rules = f'[upkeep]\nwatch = "1s"\nbackup = {str(backup).lower()}\n'
        (self.root / "Dockerfile").write_text("FROM scratch\n")
        (self.root / "drift.toml").write_text(f'{rules}[[image]]\nname = "x"\n')
        command = ["upgrade", "--format", "json", "--accept-risk", "app", *arguments]
        given = environment(DOCKER_HOST=host or self.engine.host)
        return Ended(*forked.run(command, self.root, given))

    def upgrade(self, *arguments: str, backup: bool, code: int = 0) -> dict[str, Any]:
        ran = self.start_upgrade(*arguments, backup=backup)
        assert ran.code == code, ran.err
        (found,) = json.loads(ran.out)
        document: dict[str, Any] = found
        return document


SLEEP = ["/usr/bin/sleep", "600"]
BREAKS = ["sh", "-c", "echo converted > /data/rows; rm /data/old; echo x > /data/new; exit 3"]


@pytest.fixture
def project(engine: OwnEngine, fleet: Fleet, tmp_path: Path) -> Project:
    project = Project(engine, fleet, tmp_path)
    project.version("15.1-1", SLEEP)
    return project


def rows(place: Place) -> dict[str, list[Any]]:
    data = place.volume("/data")
    fill = f"echo 1 > {data}/rows; echo 2 > {data}/old; chown 5:6 {data}; chmod 700 {data}"
    subprocess.run(as_root("sh", "-c", fill), check=True)
    found: dict[str, list[Any]] = place.do("list")
    return found


def begin(
    project: Project, connection: Connection, newer: list[str], **host: Any
) -> tuple[str, Place, dict[str, list[Any]]]:
    """A container with rows in its volume, and a newer image whose program is ``newer``: the
    container's id, its place, and what is in the volume."""
    old = project.start(binds=["rows:/data"], **host)
    place = Place(project.engine, connection, "app")
    before = rows(place)
    project.version("16.0-1", newer)
    return old, place, before


def test_a_major_step_needs_leave_or_copies(project: Project, fleet: Fleet) -> None:
    project.start(binds=["rows:/data"])
    project.version("15.2-1", SLEEP)
    plan = project.upgrade(backup=False)
    assert plan["ready"], plan["refused"]
    (said,) = plan["going_back"]
    assert said.endswith("a rollback does not undo what the new version wrote")
    project.version("16.0-1", SLEEP)
    plan = project.upgrade(backup=False)
    assert plan["refused"] == [
        "a major step of its main program: appd 15.1-1 → appd 16.0-1, "
        "and a rollback does not undo what the new version wrote: --allow-major"
    ]
    assert project.upgrade("--allow-major", backup=False)["ready"]
    plan = project.upgrade(backup=True)
    assert plan["ready"], plan["refused"]
    assert plan["going_back"][0].startswith("its volumes are copied first: ")


def test_a_version_that_breaks_the_data_is_undone(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, place, before = begin(project, connection, BREAKS)
    own = volumes(api)
    came = project.upgrade("--apply", backup=True, code=1)
    assert "ended with exit code 3" in came["went_back"]
    assert place.container.id == old
    assert place.container.state == "running"
    assert place.do("list") == before
    assert volumes(api) == own
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_what_works_keeps_its_data_and_leaves_no_copies(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, place, before = begin(project, connection, SLEEP)
    own = volumes(api)
    came = project.upgrade("--apply", backup=True)
    assert came["upgraded"]
    assert place.container.id != old
    assert place.do("list") == before
    assert volumes(api) == own
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_a_held_one_goes_back_to_its_data(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, place, before = begin(project, connection, SLEEP)
    project.upgrade("--apply", "--hold", backup=True)
    assert place.container.id != old
    subprocess.run(as_root("sh", "-c", f"echo y > {place.volume('/data')}/new"), check=True)
    given = environment(DOCKER_HOST=engine.host)
    code, _, said = forked.run(["upgrade", "--rollback", "app"], project.root, given)
    assert code == 0, said
    assert place.container.id == old
    assert place.do("list") == before
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_what_cannot_be_copied_is_refused_before_anything_stops(
    project: Project, engine: OwnEngine, fleet: Fleet, api: docker.APIClient, connection: Connection
) -> None:
    _, place, _ = begin(project, connection, SLEEP)
    started = api.inspect_container("app")["State"]["StartedAt"]
    fleet.container("other", command="sleep 600", binds=["rows:/x:ro"])
    came = project.upgrade("--apply", backup=True, code=1)
    assert came["refused"] == [
        "other uses the volume at /data too: no copy of it would be consistent"
    ]
    api.remove_container("other", force=True)
    large = place.volume("/data") / "large"
    filler = engine.root / "filler"
    try:
        for path in (large, filler):
            half = engine.free() // 2 >> 20
            fill = as_root("dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={half}")
            subprocess.run(fill, check=True, capture_output=True)
        (refused,) = project.upgrade("--apply", backup=True, code=1)["refused"]
        assert refused.startswith("no room for copies of its volumes: ")
    finally:
        subprocess.run(as_root("rm", "-f", filler, large), check=True)
    assert api.inspect_container("app")["State"]["StartedAt"] == started
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def interrupted(project: Project, api: docker.APIClient) -> tuple[str, str]:
    """An upgrade as one that was killed before its new container started leaves it; the ids of
    the old and the new one."""
    old = project.start(binds=["rows:/data"])
    project.version("15.2-1", SLEEP)
    project.upgrade("--apply", "--hold", backup=True)
    new = str(api.inspect_container("app")["Id"])
    api.stop(new, timeout=0)
    api.rename("app.drift-held", "app.drift-old")
    return old, new


def test_nothing_starts_beside_an_old_one_that_its_owner_started(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, new = interrupted(project, api)
    place = Place(engine, connection, "app")
    api.start("app.drift-old")
    before, since = rows(place), int(time.time())
    assert project.upgrade(backup=True)["ready"]
    events = api.events(
        since=since, until=int(time.time()) + 2, filters={"event": "start"}, decode=True
    )
    assert new not in {event["id"] for event in events}
    assert place.container.id == old
    assert place.container.state == "running"
    assert place.do("list") == before, "what it wrote since is kept"
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_a_new_one_that_its_owner_removed_has_written_all_the_same(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, place, before = begin(project, connection, SLEEP)
    project.upgrade("--apply", "--hold", backup=True)
    spoil = f"cd {place.volume('/data')}; echo 2 > rows; rm old; echo 3 > new"
    subprocess.run(as_root("sh", "-c", spoil), check=True)
    api.remove_container("app", force=True)
    recovery.roll_back(connection, "app", print)
    assert (place.container.id, place.do("list")) == (old, before)
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_copies_that_were_cut_off_do_not_stand_in_the_way(
    project: Project, engine: OwnEngine, connection: Connection, api: docker.APIClient
) -> None:
    old, new = interrupted(project, api)
    place = Place(engine, connection, "app")
    before = rows(place)
    label = api.inspect_container(new)["Config"]["Labels"]
    api.remove_container(new)
    backup.discard(connection, place.backup)
    api.rename("app.drift-old", "app")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backup, "_copy", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backup.take(connection, place.container, place.container.mounts, label)
    with Engine.connect(engine.host) as reached:
        recovery.recover(reached, 1.0, print)
    assert (place.container.id, place.container.state) == (old, "running")
    assert place.do("list") == before
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_what_is_decided_for_the_new_one_is_not_done_beside_a_running_old_one(
    project: Project, connection: Connection, api: docker.APIClient
) -> None:
    old, new = interrupted(project, api)
    (group,) = recovery.read_groups(connection)
    api.start("app.drift-old")
    with pytest.raises(EngineError, match="drift-old was started meanwhile: only one"):
        recovery.finish(connection, group, print)
    assert not api.inspect_container(new)["State"]["Running"]
    assert api.inspect_container(old)["State"]["Running"]


def test_an_engine_that_restarts_while_a_held_one_comes_back_starts_neither(
    project: Project,
    engine: OwnEngine,
    connection: Connection,
    api: docker.APIClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The policy `always` starts at the engine's start what was stopped before."""
    old, place, before = begin(project, connection, SLEEP, restart_policy={"Name": "always"})
    project.upgrade("--apply", "--hold", backup=True)
    new = place.container.id

    def restart(*_: Any) -> None:
        engine.stop()
        engine.start()
        raise EngineError("the engine went away")

    with monkeypatch.context() as patched:
        patched.setattr("drift.upkeep.recovery._restore_volumes", restart)
        with pytest.raises(EngineError):
            recovery.roll_back(connection, "app", print)
    time.sleep(1)
    assert not any(api.inspect_container(one)["State"]["Running"] for one in (old, new))
    with Engine.connect(engine.host) as reached:
        recovery.recover(reached, 1.0, print)
    assert (place.container.id, place.container.restart) == (old, "always")
    assert place.do("list") == before
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_a_held_one_that_its_owner_started_outlives_its_day(
    project: Project, engine: OwnEngine, api: docker.APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.start(binds=["rows:/data"])
    project.version("15.2-1", SLEEP)
    project.upgrade("--apply", "--hold", backup=True)
    api.stop("app", timeout=0)
    api.start("app.drift-held")
    monkeypatch.setattr(recovery, "KEPT", timedelta(0))
    said: list[str] = []
    with Engine.connect(engine.host) as reached:
        recovery.let_expired_go(reached, said.append)
        assert said == ["app: what was held is kept: app.drift-held was started meanwhile"]
        assert api.inspect_container("app.drift-backup")
        api.stop("app.drift-held", timeout=0)
        recovery.let_expired_go(reached, said.append)
    assert [one["Names"] for one in api.containers(all=True)] == [["/app"]]


def test_drift_is_killed_on_its_way_back(
    project: Project,
    engine: OwnEngine,
    connection: Connection,
    api: docker.APIClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """After each call from the start of the new container on: what it wrote is undone."""
    old, place, before = begin(project, connection, BREAKS)
    own = volumes(api)
    sockets = tmp_path_factory.mktemp("s")

    def struck_at(at: int) -> list[str]:
        with striking(engine.host, sockets, at) as proxy:
            project.start_upgrade("--apply", backup=True, host=proxy.host)
        return proxy.calls

    calls = struck_at(1000)
    (first,) = [n for n, call in enumerate(calls, 1) if call.endswith("/start")][:1]
    assert len([call for call in calls[first:] if call.endswith("/archive")]) >= 2, calls
    for at in range(first, len(calls) + 1):
        assert len(struck_at(at)) == at
        project.upgrade(backup=True)
        where = f"killed after {calls[at - 1]}"
        assert (place.container.id, place.container.state) == (old, "running"), where
        assert place.do("list") == before, where
        assert volumes(api) == own, where
        assert [one["Names"] for one in api.containers(all=True)] == [["/app"]], where
