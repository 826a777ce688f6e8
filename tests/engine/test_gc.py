"""``drift gc`` on an engine of its own, whose data root is a small file system."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from support.command import drift_process
from support.fleet import Fleet
from support.own_engine import OwnEngine, as_root, own_engine, remove_containers
from support.registry import push, registry_digest, running_registry

MB = 1_000_000
AROUND = 300_000  # bytes: directories and the engine's own notes of what is gone


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("own"), 400) as running:
        yield running


@pytest.fixture
def api(engine: OwnEngine) -> Iterator[docker.APIClient]:
    client = engine.client()
    yield client
    remove_containers(client)
    for image in client.images():
        for name in [*(image["RepoTags"] or ()), image["Id"]]:
            try:
                client.remove_image(name, force=True)
            except docker.errors.APIError:
                continue
    client.prune_builds()
    client.close()


@pytest.fixture
def fleet(api: docker.APIClient) -> Fleet:
    return Fleet(api)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with running_registry(tmp_path / "registry") as address:
        yield address


class Project:
    """A drift.toml, and ``drift gc`` on it."""

    def __init__(self, root: Path, host: str) -> None:
        self.root, self.host = root, host
        root.mkdir(exist_ok=True)
        (root / "Dockerfile").write_text("FROM scratch\n")

    def rules(self, text: str) -> None:
        (self.root / "drift.toml").write_text(f'[upkeep]\n{text}\n[[image]]\nname = "x"\n')

    def start(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        host = {"DOCKER_HOST": self.host}
        return drift_process("gc", *arguments, cwd=self.root, environ=host, timeout=300)

    def gc(self, *arguments: str) -> dict[str, Any]:
        ran = self.start("--format", "json", *arguments)
        assert ran.returncode == 0, ran.stderr
        document: dict[str, Any] = json.loads(ran.stdout)
        return document


@pytest.fixture
def project(tmp_path: Path, engine: OwnEngine) -> Project:
    return Project(tmp_path / "project", engine.host)


def named(removals: list[dict[str, Any]], kind: str) -> set[str]:
    return {name for one in removals if one["kind"] == kind for name in one["names"] or [one["id"]]}


def reasons(document: dict[str, Any]) -> dict[str, str]:
    return {(one["names"] or [one["id"]])[0]: one["why"] for one in document["kept"]}


def is_as_planned(plan: dict[str, Any], after: dict[str, Any]) -> None:
    """What was carried out is the plan, whole and in its order."""
    told = ("kind", "id", "names", "why", "frees", "leaves_volumes")
    steps = [{key: one[key] for key in told[:3]} for one in plan["removals"]]
    assert [{key: one[key] for key in told[:3]} for one in after["removals"]] == steps
    assert {one["result"] for one in after["removals"]} <= {"removed"}, after["removals"]


def frees_as_told(engine: OwnEngine, plan: dict[str, Any], before: int) -> None:
    freed = engine.free() - before
    allowed = AROUND + 50_000 * len(plan["removals"])
    assert abs(freed - plan["frees"]) < allowed, (freed, plan["frees"])


def test_nothing_of_others_goes_without_a_rule_and_nothing_in_a_plan(
    fleet: Fleet, project: Project
) -> None:
    fleet.random("lost:1", MB)
    fleet.random("lost:1", MB)
    project.rules("dangling = false")
    assert project.start().returncode == 2, "nothing is stored, and nothing to plan"
    project.rules("dangling = true")
    plan = project.gc()
    assert (plan["applied"], len(plan["removals"])) == (False, 1)
    assert len(fleet.api.images(filters={"dangling": True})) == 1


def test_sixty_images(engine: OwnEngine, fleet: Fleet, project: Project, registry: str) -> None:
    api = fleet.api
    dangling = set()
    for number in range(12):
        dangling.add(fleet.random(f"nightly:{number}", 200_000))
        fleet.random(f"nightly:{number}", 100_000)
    held = fleet.above("held:1", 100_000)
    fleet.container("holds", "held:1", run=False)
    fleet.above("held:1", 100_000)
    fleet.above("labelled:1", 100_000, labels={"keep": "yes"})
    fleet.above("labelled:1", 100_000, labels={"keep": "no"})
    pushed = []
    for number in range(15):
        name = f"{registry}/app:{number:02}"
        fleet.above(name, 150_000)
        push(api, name, name)
        pushed.append(name)
        time.sleep(0.01)
    local = []
    for number in range(14):
        fleet.above(f"local:{number:02}", 100_000)
        local.append(f"local:{number:02}")
    two = "twice:old"
    fleet.above(two, 100_000)
    api.tag(two, "other", "name")
    fleet.above("twice:new", 100_000)
    gone = f"{registry}/app:01"
    digest = registry_digest(gone)
    requests.delete(f"http://{registry}/v2/app/manifests/{digest}", timeout=10).raise_for_status()
    assert len(api.images()) >= 60

    project.rules(
        'dangling = true\nkeep_tags = 5\nkeep = ["*/app:02", "nightly:*", "label:keep=y*"]'
    )
    plan = project.gc()
    tags = named(plan["removals"], "image") - dangling
    assert tags == set(pushed[:10]) - {gone, pushed[2]}
    assert dangling <= named(plan["removals"], "image") | {o["id"] for o in plan["removals"]}
    assert named(plan["removals"], "tag") == set(), "the newer one of twice is its only other"
    kept = reasons(plan)
    assert kept[gone] == "no registry has it any more"
    assert kept[pushed[2]] == "kept by '*/app:02'"
    assert set(local[:9]) <= set(kept)
    assert kept[local[0]] == "no registry has it: it was neither pulled nor pushed"
    assert kept[held] == "a container stands on it"
    assert "kept by 'label:keep=y*'" in kept.values()

    before = engine.free()
    after = project.gc("--apply")
    is_as_planned(plan, after)
    frees_as_told(engine, plan, before)
    assert project.gc()["removals"] == []

    plan = project.gc("local:*")
    assert named(plan["removals"], "image") == set(local[:9]), "named, so they may go for good"
    project.rules("keep_tags = 1")
    assert "twice:old" in named(project.gc()["removals"], "tag")
    project.rules('keep_tags = 1\nkeep = ["twice"]')
    assert "twice:old" not in named(project.gc()["removals"], "tag")


def test_an_image_unseen_since_drift_began_to_watch(
    engine: OwnEngine, fleet: Fleet, project: Project, registry: str
) -> None:
    for name in ("used", "unused"):
        fleet.above(f"{registry}/{name}:1", 100_000)
        push(fleet.api, f"{registry}/{name}:1", f"{registry}/{name}:1")
    project.rules('images_unused = "25s"')
    assert project.gc()["removals"] == [], "drift has only just begun to watch"
    time.sleep(25.5)
    made = fleet.container("short", f"{registry}/used:1", run=True)
    assert project.gc()["removals"] != []
    fleet.api.remove_container(made)
    plan = project.gc()
    assert named(plan["removals"], "image") == {f"{registry}/unused:1"}
    is_as_planned(plan, project.gc("--apply"))


def test_forty_containers(engine: OwnEngine, fleet: Fleet, project: Project) -> None:
    api = fleet.api
    plain = [f"plain-{number:02}" for number in range(20)]
    for number, name in enumerate(plain):
        fleet.container(name, run=number < 6)
    for number in range(6):
        fleet.container(f"running-{number}", command="sleep 600")
    fleet.container("big", command="mkdir /tmp && dd if=/dev/urandom of=/tmp/big bs=1M count=5")
    fleet.container("wrote", command="echo x > /data")
    fleet.container("only-run", command="mkdir -p /run/x && echo x > /run/x/y")
    fleet.container("deleted", command="rm /bin/cat")
    fleet.container("back", restart_policy={"Name": "on-failure"})
    fleet.container("anonymous", command="echo x > /vol/x", volumes=["/vol"])
    fleet.container("source", volumes=["/from"])
    fleet.container("takes", volumes_from=["source"], run=False)
    fleet.container("linked", network_mode="bridge", run=False)
    fleet.container("links", network_mode="bridge", links={"linked": "l"}, run=False)
    fleet.container("joined", command="sleep 600")
    fleet.container("joins", network_mode="container:joined", command="sleep 600")
    api.stop("joined", timeout=0)
    fleet.container("named-keep")
    fleet.container("labelled", labels={"keep": ""})
    assert len(api.containers(all=True)) >= 40
    time.sleep(1.1)

    project.rules('containers_stopped = "1s"\nkeep = ["named-*", "label:keep"]')
    plan = project.gc()
    going = {"big", "only-run", "anonymous", "takes", "links", *plain}
    assert named(plan["removals"], "container") == going
    kept = reasons(plan)
    assert set(kept) == {
        *("wrote", "deleted", "back", "source", "linked", "joined", "named-keep", "labelled")
    }
    assert kept["wrote"] == "it wrote outside its volumes: /data"
    assert kept["deleted"] == "it wrote outside its volumes: /bin/cat"
    assert kept["back"] == "its restart policy is on-failure"
    assert kept["source"] == "takes names it"
    assert kept["joined"] == "joins names it"
    told = {one["names"][0]: one for one in plan["removals"]}
    (volume,) = told["anonymous"]["leaves_volumes"]
    assert told["big"]["frees"] >= 5 * 2**20
    assert told["plain-19"]["why"].startswith("never started")

    before = engine.free()
    after = project.gc("--apply")
    is_as_planned(plan, after)
    frees_as_told(engine, plan, before)
    assert volume in {one["Name"] for one in api.volumes()["Volumes"]}, "volumes never go"
    left = {name for one in api.containers(all=True) for name in one["Names"]}
    assert {"/running-0", "/wrote", "/joins", "/source"} <= left
    assert not {f"/{name}" for name in going} & left


def test_a_layer_that_the_build_cache_shares_is_freed_with_it(
    engine: OwnEngine, fleet: Fleet, project: Project
) -> None:
    fleet.built("made:1", "FROM bb:1\nRUN dd if=/dev/urandom of=/x bs=1M count=8\n")
    fleet.random("made:1", 1000)  # the built one has no name now
    project.rules("dangling = true")
    plan = project.gc()
    (image,) = plan["removals"]
    assert image["frees"] < MB
    assert image["frees_with_build_cache"] >= 8 * 2**20
    before = engine.free()
    is_as_planned(plan, project.gc("--apply"))
    frees_as_told(engine, plan, before)

    project.rules('build_cache = { unused = "1s" }')
    time.sleep(1.1)
    plan = project.gc()
    assert plan["frees"] >= 8 * 2**20
    before = engine.free()
    is_as_planned(plan, project.gc("--apply"))
    frees_as_told(engine, plan, before)


def test_a_cache_above_its_size(engine: OwnEngine, fleet: Fleet, project: Project) -> None:
    for number in range(3):
        fleet.built(
            f"c:{number}", f"FROM bb:1\nRUN dd if=/dev/urandom of=/x{number} bs=1M count=4\n"
        )
        fleet.api.remove_image(f"c:{number}")
    project.rules('build_cache = { size = "9MB" }')
    plan = project.gc()
    going = {one["id"] for one in plan["removals"]}
    records = {one["ID"]: one for one in fleet.api.df()["BuildCache"]}
    assert sum(one["Size"] for key, one in records.items() if key not in going) <= 9 * MB
    assert plan["frees"] < 9 * MB, "no more than that needs"
    is_as_planned(plan, project.gc("--apply"))


def test_until_free_stops_when_there_is_room(
    engine: OwnEngine, fleet: Fleet, project: Project
) -> None:
    for number in range(8):
        fleet.random(f"old:{number}", 4 * MB)
        fleet.random(f"old:{number}", 1000)
    target = engine.free() + 10 * MB
    project.rules(f'dangling = true\nuntil_free = "{target}B"')
    plan = project.gc()
    assert [one["expected"] for one in plan["removals"]] == [True] * 3 + [False] * 5
    after = project.gc("--apply")
    assert [one["result"] for one in after["removals"]] == ["removed"] * 3 + ["kept"] * 5
    assert after["removals"][3]["error"] == "there is room now"
    assert engine.free() >= target - 1000
    assert project.gc()["frees"] == 0


def test_until_free_gives_up_after_two_that_free_nothing(
    engine: OwnEngine, fleet: Fleet, project: Project
) -> None:
    for number in range(4):
        fleet.random(f"none:{number}", 10)
        fleet.random(f"none:{number}", 11)
    project.rules('dangling = true\nuntil_free = "100%"')
    after = project.gc("--apply")
    assert [one["result"] for one in after["removals"]] == ["removed"] * 2 + ["kept"] * 2
    assert after["removals"][2]["error"] == "two removals in a row freed nothing"


def test_two_at_once(engine: OwnEngine, fleet: Fleet, tmp_path: Path) -> None:
    for number in range(10):
        fleet.random(f"both:{number}", 100_000)
        fleet.random(f"both:{number}", 1000)
        fleet.container(f"both-{number}", run=False)
    time.sleep(1.1)
    projects = [Project(tmp_path / name, engine.host) for name in ("one", "two")]
    for project in projects:
        project.rules('dangling = true\ncontainers_stopped = "1s"')
    with ThreadPoolExecutor() as pool:
        documents = list(pool.map(lambda project: project.gc("--apply"), projects))
    removed: list[str] = []
    for document in documents:
        removed += [one["id"] for one in document["removals"] if one["result"] == "removed"]
    assert len(set(removed)) == 20
    assert fleet.api.images(filters={"dangling": True}) == []
    assert fleet.api.containers(all=True) == []


def test_a_full_data_root(engine: OwnEngine, fleet: Fleet, project: Project) -> None:
    for number in range(4):
        fleet.random(f"full:{number}", 4 * MB)
        fleet.random(f"full:{number}", 1000)
    filler = engine.root / "filler"
    try:
        fill = as_root("dd", "if=/dev/zero", f"of={filler}", "bs=64k", "status=none")
        assert subprocess.run(fill, capture_output=True, check=False).returncode == 1, "it is full"
        os.sync()
        project.rules("dangling = true")
        plan = project.gc()
        assert plan["disk"]["free"] < MB
        before = engine.free()
        is_as_planned(plan, project.gc("--apply"))
        frees_as_told(engine, plan, before)
    finally:
        subprocess.run(as_root("rm", "-f", filler), check=True)
