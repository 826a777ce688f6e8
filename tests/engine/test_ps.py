"""``drift ps`` on an engine of its own: what runs, and what is newer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from support.command import drift_process
from support.fleet import Fleet, tar
from support.own_engine import OwnEngine, own_engine, remove_containers
from support.receivers import Hook, hook
from support.registry import push, registry_digest, running_registry

__all__ = ["hook"]

SLEEP = "sleep 600"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("own"), 3000) as running:
        yield running


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def api(engine: OwnEngine) -> Iterator[docker.APIClient]:
    client = engine.client()
    yield client
    remove_containers(client)
    client.close()


@pytest.fixture
def fleet(api: docker.APIClient) -> Fleet:
    return Fleet(api)


class Registry:
    """Publishes images of one file above busybox, and lets the engine forget that it did."""

    def __init__(self, fleet: Fleet, address: str) -> None:
        self.fleet, self.api, self.address = fleet, fleet.api, address

    def publish(self, name: str, files: dict[str, bytes], *, forget: bool = False) -> str:
        """Push ``name:1`` with these files; gives its reference. ``forget`` gives the local
        name back to the image that had it."""
        reference = f"{self.address}/{name}:1"
        repository = reference.rpartition(":")[0]
        before = self.api.images(reference)
        made = self.api.create_container("bb:1", command=["true"])["Id"]
        self.api.put_archive(made, "/", tar(files))
        self.api.commit(made, repository=repository, tag="1")
        self.api.remove_container(made)
        push(self.api, reference, reference)
        if forget:
            self.api.remove_image(reference)
            self.api.tag(before[0]["Id"], repository, "1")
        return reference

    def index(self, reference: str, **platforms: str) -> None:
        """Put an index in a reference's place: manifests by architecture."""
        kind = "application/vnd.docker.distribution.manifest"
        url = f"http://{self.address}/v2/{reference.partition('/')[2].rpartition(':')[0]}/manifests"
        manifests = []
        for architecture, digest in platforms.items():
            got = requests.get(f"{url}/{digest}", headers={"Accept": f"{kind}.v2+json"}, timeout=10)
            manifests.append(
                {
                    "mediaType": f"{kind}.v2+json",
                    "digest": digest,
                    "size": len(got.content),
                    "platform": {"architecture": architecture, "os": "linux"},
                }
            )
        media = f"{kind}.list.v2+json"
        document = {"schemaVersion": 2, "mediaType": media, "manifests": manifests}
        headers = {"Content-Type": media}
        put = requests.put(f"{url}/1", json.dumps(document), headers=headers, timeout=10)
        put.raise_for_status()


@pytest.fixture
def published(fleet: Fleet, registry: str) -> Registry:
    return Registry(fleet, registry)


def ps(
    engine: OwnEngine, root: Path, *arguments: str, command: str = "ps"
) -> dict[str, dict[str, Any]]:
    host = {"DOCKER_HOST": engine.host}
    ran = drift_process(
        command, "--format", "json", *arguments, cwd=root, environ=host, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    return {one["container"]: one for one in json.loads(ran.stdout)}


def test_what_there_is_to_say(
    engine: OwnEngine, fleet: Fleet, published: Registry, tmp_path: Path
) -> None:
    current = published.publish("current", {"a": b"1"})
    fleet.container("current", current, SLEEP)
    moved = published.publish("moved", {"etc/a": b"1"})
    fleet.container("moved", moved, SLEEP)
    fleet.container("pinned", f"{moved.rpartition(':')[0]}@{registry_digest(moved)}", SLEEP)
    fleet.container("by-id", fleet.base, SLEEP)
    fleet.container("stopped", current)
    mounted = published.publish("mounted", {"data/a": b"1"})
    fleet.container("mounted", mounted, SLEEP, volumes=["/data"])
    again = published.publish("again", {"a": b"1"})
    fleet.container("again", again, SLEEP)
    setuid = published.publish("setuid", {"a": b"1"})
    fleet.container("setuid", setuid, SLEEP)
    published.publish("moved", {"etc/a": b"2"}, forget=True)
    published.publish("mounted", {"data/a": b"2"}, forget=True)
    published.publish("again", {"a": b"1"}, forget=True)

    found = ps(engine, tmp_path)
    states = {name: one["state"] for name, one in found.items()}
    assert states == {
        "current": "current",
        "moved": "newer",
        "pinned": "pinned",
        "by-id": "made-from-id",
        "mounted": "newer",
        "again": "newer",
        "setuid": "current",
    }
    assert found["moved"]["said"] == "newer, content not looked at"
    assert found["moved"]["newest"] == registry_digest(moved) != found["moved"]["digest"]
    assert found["current"]["digest"] == found["current"]["newest"]

    found = ps(engine, tmp_path, "--pull")
    states = {name: one["state"] for name, one in found.items()}
    assert states["moved"] == "newer"
    assert states["mounted"] == "not-visible"
    assert states["again"] == "same-content"
    assert [one["kind"] for one in found["moved"]["causes"]] != []
    assert len(engine.client().containers()) == 7, "nothing was restarted"


def test_the_newest_is_that_of_the_same_platform(
    engine: OwnEngine, fleet: Fleet, published: Registry, tmp_path: Path
) -> None:
    reference = published.publish("multi", {"a": b"1"})
    mine = registry_digest(reference)
    published.publish("multi", {"a": b"2"})
    other = registry_digest(reference)
    published.index(reference, amd64=mine, arm64=mine)
    fleet.api.pull(reference)
    fleet.container("multi", reference, SLEEP)
    assert ps(engine, tmp_path)["multi"]["state"] == "current"

    published.index(reference, amd64=mine, arm64=other)
    for arguments in ((), ("--pull",)):
        found = ps(engine, tmp_path, *arguments)["multi"]
        assert (found["state"], found["newest"]) == ("current", registry_digest(reference))
        assert found["said"] == "current; what moved is for other platforms"

    published.index(reference, amd64=other, arm64=mine)
    assert ps(engine, tmp_path)["multi"]["said"] == "newer, content not looked at"

    published.index(reference, arm64=other)
    found = ps(engine, tmp_path, "--pull")["multi"]
    assert (found["state"], found["said"]) == ("unknown", "the newest has no image for linux/amd64")


def test_last_nights_own_build_is_the_newest(
    engine: OwnEngine, fleet: Fleet, hook: Hook, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM bb:1\nCOPY a /a\n")
    (tmp_path / "a").write_text("1")
    (tmp_path / "drift.toml").write_text(
        f'[[notify]]\nwebhook = "{hook.url}/"\nwhen = ["upgrade"]\n'
        '[[image]]\nname = "web"\ntags = ["web:prod"]\npull = "missing"\nnetwork = "host"\n'
    )

    def night(day: str) -> None:
        host = {"DOCKER_HOST": engine.host}
        drift_process("check", "--as-of", day, cwd=tmp_path, environ=host, timeout=300)

    night("2026-11-20")
    (built,) = [i for i in fleet.api.images() if "drift.local/web" in str(i["RepoTags"])]
    fleet.api.tag(built["Id"], "web", "prod")
    fleet.container("web", "web:prod", SLEEP)
    assert ps(engine, tmp_path)["web"]["state"] == "current"
    assert hook.requests == [], "what runs is current"
    (tmp_path / "a").write_text("2")
    night("2026-11-21")
    (told,) = hook.requests
    assert b"web (web:prod): newer" in told.body, "the night itself tells, by what its store knows"
    found = ps(engine, tmp_path)["web"]
    assert found["state"] == "newer"
    assert found["causes"] != [], "the store knows both, so nothing is pulled or read"
    night("2026-11-22")
    assert len(hook.requests) == 1, "once"


def test_the_plan_of_an_upgrade(
    engine: OwnEngine, fleet: Fleet, published: Registry, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[upkeep]\nupgrade = ["glob-*"]\n[[image]]\nname = "x"\n')
    app = published.publish("app", {"etc/a": b"1"})
    mine: dict[str, Any] = {"labels": {"drift.upgrade": "true"}}
    fleet.container("glob-1", app, SLEEP, volumes=["/data"], mem_limit="64m")
    fleet.container("labelled", app, SLEEP, **mine)
    fleet.container("other", app, SLEEP)
    fleet.container("wrote", app, f"echo x > /rows; {SLEEP}", run=False, **mine)
    fleet.api.start("wrote")
    fleet.container("gone", app, SLEEP, auto_remove=True, **mine)
    fleet.container("joined", app, SLEEP, **mine)
    fleet.container("joins", app, SLEEP, network_mode="container:joined")
    published.publish("app", {"etc/a": b"2"}, forget=True)
    aside = published.publish("aside", {"a": b"1"})
    fleet.container("aside", aside, SLEEP)
    published.publish("aside", {"a": b"2"}, forget=True)
    runs = fleet.api.inspect_image(aside)["Id"]
    before = {one["Id"] for one in fleet.api.containers(all=True)}

    found = ps(engine, tmp_path, "--pull", command="upgrade")
    assert set(found) == {"glob-1", "labelled", "wrote", "gone", "joined"}
    (why,) = found["glob-1"]["refused"]
    assert why.endswith("only by its name, with --accept-risk"), "a file that no one knows"
    assert fleet.api.inspect_image(aside)["Id"] == runs, "not chosen, so not pulled"
    found = ps(
        engine, tmp_path, "--accept-risk", "glob-1", "wrote", "gone", "joined", command="upgrade"
    )
    plan = found["glob-1"]
    assert (plan["ready"], plan["refused"]) == (True, [])
    (mount,) = plan["mounts"]
    assert (mount["Target"], len(mount["Source"])) == ("/data", 64), "the same volume, by name"
    (why,) = found["wrote"]["refused"]
    assert why.startswith("it wrote outside its volumes: /rows (")
    assert "never touched" in found["gone"]["refused"][0]
    assert found["joined"]["refused"] == ["joins names it and was not chosen: choose both"]
    assert {one["Id"] for one in fleet.api.containers(all=True)} == before, "a plan changes nothing"
