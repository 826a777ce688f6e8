"""A container with each option that an engine takes, made anew on another image.

The two inspect documents differ where ``upkeep/settings.py`` says that they may, and nowhere
else. Every field of the engine API's schema is tried, or named here with the reason why not.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from drift.upkeep.making import creation
from drift.upkeep.mounting import mounting_of
from drift.upkeep.reading import read_container
from drift.upkeep.settings import CONFIG, ENDPOINT, HOST, Fate
from drift.upkeep.subtraction import carried_over
from support.command import drift_process
from support.fleet import Fleet
from support.own_engine import OwnEngine, own_engine

SLEEP = ["sleep", "600"]
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SUBNET = f"172.30.{190 + WORKER}"  # two workers of one machine must not share these
PORT = str(17070 + WORKER)
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A container: its Config, its HostConfig, its first network's endpoint, further networks."""

    config: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)
    endpoints: dict[str, Any] = field(default_factory=dict)
    further: dict[str, Any] = field(default_factory=dict)
    start: bool = True


EVERY_CONFIG = Case(
    config={
        "Hostname": "box", "Domainname": "example.org", "User": "0:0", "AttachStdin": True,
        "AttachStdout": True, "AttachStderr": True, "ExposedPorts": {"7070/udp": {}}, "Tty": True,
        "OpenStdin": True, "StdinOnce": True, "Env": ["MODE=mine", "TOKEN=a=b", "GONE"],
        "Cmd": ["600"], "Entrypoint": ["sleep"], "WorkingDir": "/w", "StopSignal": "SIGINT",
        "Healthcheck": {
            "Test": ["CMD", "true"], "Interval": 7 * 10**9, "Timeout": 10**9,
            "StartPeriod": 2 * 10**9, "Retries": 9,
        },
        "Volumes": {"/anonymous": {}}, "OnBuild": ["RUN true"], "Shell": ["/bin/sh", "-ec"],
        "Labels": {"mine": "1", "com.docker.compose.image": "sha256:old"}, "StopTimeout": 3,
    },
)  # fmt: skip
RESOURCES = Case(
    host={
        "CpuShares": 512, "Memory": 64 << 20, "MemorySwap": 128 << 20, "CgroupParent": "/docker",
        "MemoryReservation": 32 << 20, "MemorySwappiness": 10, "CpuPeriod": 100_000,
        "CpuQuota": 50_000, "CpusetCpus": "0", "CpusetMems": "0", "PidsLimit": 50,
        "BlkioWeight": 300, "OomKillDisable": True, "OomScoreAdj": 100, "ShmSize": 32 << 20,
        "Ulimits": [{"Name": "nofile", "Soft": 512, "Hard": 1024}],
        "Devices": [
            {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nul", "CgroupPermissions": "rw"}
        ],
        "DeviceCgroupRules": ["c 1:3 rwm"],
    }
)  # fmt: skip
REST_OF_HOST = Case(
    host={
        "Init": True, "CapAdd": ["NET_ADMIN"], "CapDrop": ["MKNOD"], "Dns": ["9.9.9.9"],
        "DnsOptions": ["ndots:3"], "DnsSearch": ["example.org"], "ExtraHosts": ["db:10.0.0.2"],
        "GroupAdd": ["20"], "ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges"],
        "Tmpfs": {"/run": "rw,size=65536k"}, "UsernsMode": "host", "IpcMode": "shareable",
        "Sysctls": {"net.ipv4.ip_forward": "1"}, "Runtime": "io.containerd.runc.v2",
        "CgroupnsMode": "private", "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}},
        "PortBindings": {
            "7070/tcp": [{"HostIp": "127.0.0.1", "HostPort": PORT}], "80/tcp": [{}],
        },
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }
)  # fmt: skip
MOUNTS = Case(
    config={"Volumes": {"/anonymous": {}}},
    host={
        "VolumeDriver": "local",
        "VolumesFrom": ["lender:ro"],
        "Binds": ["named:/named:nocopy", "/etc:/host:ro,private", "slash:/slash/"],
        "Mounts": [
            {"Type": "volume", "Target": "/unnamed", "VolumeOptions": {"NoCopy": True}},
            {
                "Type": "volume", "Source": "made", "Target": "/made", "ReadOnly": True,
                "VolumeOptions": {"Labels": {"a": "b"}, "DriverConfig": {"Name": "local"}},
            },
            {
                "Type": "bind", "Source": "/etc", "Target": "/etc2", "Consistency": "cached",
                "BindOptions": {"Propagation": "private", "NonRecursive": True},
            },
            {
                "Type": "tmpfs", "Target": "/fast",
                "TmpfsOptions": {"SizeBytes": 65536, "Mode": 0o700},
            },
        ],
    },
)  # fmt: skip
CASES = {
    "plain": Case(),
    "config": EVERY_CONFIG,
    "resources": RESOURCES,
    "host": REST_OF_HOST,
    "mounts": MOUNTS,
    "nano-cpus": Case(host={"NanoCpus": 500_000_000}),
    "gpus": Case(host={"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}, start=False),
    "throttled": Case(
        host={
            name: [{"Path": "DISK", "Rate": 1 << 20}]
            for name in (
                *("BlkioDeviceReadBps", "BlkioDeviceWriteBps"),
                *("BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"),
            )
        }
    ),
    "privileged": Case(host={"Privileged": True}, start=False),
    "hosts-own": Case(host={"PidMode": "host", "UTSMode": "host", "IpcMode": "host"}),
    "own-masks": Case(host={"MaskedPaths": ["/proc/kcore"], "ReadonlyPaths": []}),
    "console": Case(host={"ConsoleSize": [24, 80], "ContainerIDFile": "/run/id"}),
    "published": Case({"ExposedPorts": {"81/tcp": {}}}, {"PublishAllPorts": True}),
    "off": Case({"NetworkDisabled": True}),
    "host-network": Case(host={"NetworkMode": "host"}),
    "none": Case(host={"NetworkMode": "none"}),
    "bridge": Case(host={"NetworkMode": "bridge"}),
    "address": Case(
        {"MacAddress": "02:42:0a:00:00:07"},
        {"NetworkMode": "front"},
        {
            "front": {
                "IPAMConfig": {"IPv4Address": f"{SUBNET}.9", "LinkLocalIPs": ["169.254.9.9"]},
                "Aliases": ["web"], "Links": ["lender:store"], "DriverOpts": {"a": "b"},
            }
        },
        {"back": {"Aliases": ["inner"], "DriverOpts": {"c": "d"}}},
    ),
    "two-of-many": Case(further={"back": {"IPAMConfig": {"IPv4Address": f"{SUBNET}.137"}}}),
    "moved": Case(endpoints={"back": {"Aliases": ["web"]}}),
    "links": Case(host={"Links": ["lender:store", "lender"]}),
    "joins": Case(
        host={
            "NetworkMode": "container:lender", "PidMode": "container:lender",
            "IpcMode": "container:lender",
        }
    ),
}  # fmt: skip

UNTRIED = {
    "Config.Image": "it is the question",
    "Config.ArgsEscaped": "Windows only",
    "HostConfig.AutoRemove": "such a container is never touched",
    "HostConfig.Cgroup": "the engine keeps no value but the empty one",
    "HostConfig.StorageOpt": "overlay2 takes it on XFS with project quotas only",
    "HostConfig.Annotations": "from API version 1.43",
    "HostConfig.Umask": "from API version 1.56",
    "HostConfig.BlkioWeight": "this kernel has no weights of block devices",
    "HostConfig.BlkioWeightDevice": "this kernel has no weights of block devices",
    "HostConfig.CpuRealtimePeriod": "kernels with real-time groups only",
    "HostConfig.CpuRealtimeRuntime": "kernels with real-time groups only",
    "HostConfig.KernelMemory": "no longer in kernels",
    "HostConfig.KernelMemoryTCP": "no longer taken by runc",
    **{
        f"HostConfig.{name}": "Windows only"
        for name in ("CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth", "Isolation")
    },
}
"""Fields that no case sets, or that this engine does not keep, and why."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("own")) as running:
        yield running


class Maker:
    """Makes a case's container, and its next one on the other image."""

    def __init__(self, engine: OwnEngine) -> None:
        self.api: docker.APIClient = engine.client()
        fleet = Fleet(self.api)
        lines = "FROM {}\nENV MODE=images GONE=1\nEXPOSE 9/tcp\nLABEL its=1\nVOLUME /images\n"
        self.old = fleet.built("app:1", lines.format("bb:1"))
        fleet.above("bb:2", 100)
        self.new = fleet.built("app:2", lines.format("bb:2"))
        for name, third in (("front", 0), ("back", 128)):
            pool = {"Config": [{"Subnet": f"{SUBNET}.{third}/25"}]}
            self.post("/networks/create", {"Name": name, "IPAM": pool})
        where = ["findmnt", "-no", "SOURCE", str(engine.root)]
        self.disk = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
        lends = {"Volumes": {"/lent": {}}, "Cmd": SLEEP, "Image": "bb:1"}
        host = {"IpcMode": "shareable", "Binds": ["/etc:/lent-etc:private"]}
        self.create("lender", {**lends, "HostConfig": host})
        self.api.start("lender")
        self.plain = self.api.inspect_container(self.first(Case(start=False)))
        self.remove("case")

    def post(self, path: str, body: Any, **query: str) -> Any:
        url = f"{self.api.base_url}/v{self.api.api_version}{path}"
        answer = self.api.post(url, params=query, json=body, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def create(self, name: str, body: Any) -> str:
        return str(self.post("/containers/create", body, name=name)["Id"])

    def connect(self, container: str, network: str, endpoint: Any) -> None:
        body = {"Container": container, "EndpointConfig": endpoint}
        self.post(f"/networks/{network}/connect", body)

    def first(self, case: Case) -> str:
        """The case's container, which runs if it can."""
        host = {
            name: [{**one, "Path": self.disk} for one in value] if "BlkioDevice" in name else value
            for name, value in case.host.items()
        }
        body = {"Image": "app:1", "Cmd": SLEEP, **case.config, "HostConfig": host}
        if case.endpoints:
            body["NetworkingConfig"] = {"EndpointsConfig": case.endpoints}
        made = self.create("case", body)
        for network, endpoint in case.further.items():
            self.connect(made, network, endpoint)
        if case.start:
            self.api.start(made)
        return made

    def running(self, name: str, case: Case, image: str, parent: str) -> Document:
        """A case's container that runs under its own name, on ``parent`` if on any."""
        text = json.dumps({**case.config, "HostConfig": case.host}).replace("lender", parent)
        body = {"Image": image, "Cmd": SLEEP, "StopSignal": "SIGKILL", **json.loads(text)}
        if case.endpoints:
            body["NetworkingConfig"] = {"EndpointsConfig": case.endpoints}
        made = self.create(name, body)
        for network, endpoint in case.further.items():
            self.connect(made, network, endpoint)
        self.api.start(made)
        return dict(self.api.inspect_container(made))

    def next(self, old: Document, replaced: Mapping[str, str]) -> str:
        """Its next one, made while it runs."""
        images = [self.api.inspect_image(one)["Config"] for one in (self.old, self.new)]
        carried = carried_over(old, *images)
        assert carried.moved == (), "the images are configured alike"
        mounting = mounting_of(read_container(old), old["HostConfig"])
        made = creation(
            old, carried, mounting, "app:2", self.new, label={"drift.upgrading": "{}"},
            replaced=replaced,
        )  # fmt: skip
        fresh = self.create("case.drift-new", made.body)
        for network, endpoint in made.networks.items():
            self.connect(fresh, network, endpoint)
        return fresh

    def set_by(self, found: Document) -> set[str]:
        """The fields that a container has with another value than one with no option."""
        return {
            f"{part}.{name}"
            for part in _TABLES
            for name, value in _part(found, part).items()
            if (value or None) != (self.plain[part].get(name) or None)
        }

    def may_differ(self, old: Document) -> set[str]:
        """What the table gives up, where it was set."""
        given_up = {
            f"HostConfig.{name}" for name in _GIVEN_UP if not old["HostConfig"]["Privileged"]
        }
        return {"Config.Image"} | (given_up & self.set_by(old))

    def remove(self, *names: str) -> None:
        for name in names:
            with suppress(docker.errors.NotFound):
                self.api.remove_container(name, force=True, v=True)


@pytest.fixture(scope="module")
def maker(engine: OwnEngine) -> Iterator[Maker]:
    made = Maker(engine)
    yield made
    made.api.close()


@pytest.mark.parametrize("name", CASES)
def test_only_what_the_table_says_differs(maker: Maker, name: str) -> None:
    case = CASES[name]
    try:
        old = maker.api.inspect_container(maker.first(case))
        fresh = maker.next(old, {})
        if case.start:
            maker.api.stop("case", timeout=0)
            maker.api.start(fresh)
        new = maker.api.inspect_container(fresh)
        assert _differing(old, new) == maker.may_differ(old)
        if case.start:
            assert _addresses(new) == _addresses(old)
    finally:
        maker.remove("case", "case.drift-new")


def test_every_field_of_the_schema_is_tried(maker: Maker) -> None:
    tried: set[str] = set()
    for case in CASES.values():
        tried |= maker.set_by(maker.api.inspect_container(maker.first(replace(case, start=False))))
        maker.remove("case")
    fields = {
        f"{part}.{name}"
        for part, table in (("Config", CONFIG), ("HostConfig", HOST))
        for name in table
    }
    assert fields - tried - set(UNTRIED) == set()


def test_what_is_joined_and_linked_is_the_successor(maker: Maker) -> None:
    lender = maker.api.inspect_container("lender")["Id"]
    successor = maker.create(
        "lender.drift-new",
        {"Image": "bb:1", "Cmd": SLEEP, "HostConfig": {"IpcMode": "shareable"}},
    )
    replaced = {lender: successor, "lender": successor}
    try:
        for name, told in (("joins", f"container:{successor}"), ("links", ["lender.drift-new"])):
            old = maker.api.inspect_container(maker.first(CASES[name]))
            new = maker.api.inspect_container(maker.next(old, replaced))["HostConfig"]
            maker.remove("case", "case.drift-new")
            if name == "joins":
                assert [new[mode] for mode in ("NetworkMode", "PidMode", "IpcMode")] == [told] * 3
            else:
                parents = {link.partition(":")[0].strip("/") for link in new["Links"]}
                assert (sorted(parents), len(new["Links"])) == (told, 2)
    finally:
        maker.remove("lender.drift-new")


def test_the_command_line_keeps_them_all(maker: Maker, engine: OwnEngine, tmp_path: Path) -> None:
    """Containers with many options, and some that stand on another, in one upgrade."""
    (tmp_path / "drift.toml").write_text('[upkeep]\nwatch = "1s"\n[[image]]\nname = "x"\n')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    app = "localhost:9/app"  # where no registry is
    maker.api.tag(maker.old, app, "1")
    store = Case(host={"IpcMode": "shareable"}, config={"Volumes": {"/store": {}}})
    cases = {"lends": store, **{name: CASES[name] for name in _TOGETHER}}
    before = {name: maker.running(name, case, f"{app}:1", "lends") for name, case in cases.items()}
    maker.api.tag(maker.new, app, "1")
    try:
        ran = drift_process(
            "upgrade", "--apply", "--accept-risk", *cases,
            cwd=tmp_path, environ={"DOCKER_HOST": engine.host}, timeout=300,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        after = {name: maker.api.inspect_container(name) for name in cases}
        assert {one["Image"] for one in after.values()} == {maker.new}
        given_up = {"Config.Image", "HostConfig.RestartPolicy"}
        joined = {f"HostConfig.{mode}" for mode in ("NetworkMode", "IpcMode", "PidMode")}
        joined |= {"Config.Hostname"}  # the other's
        for name, old in before.items():
            may = maker.may_differ(old) - given_up | (joined if name == "joins" else set())
            assert (name, _differing(old, after[name])) == (name, may)
            assert _addresses(after[name]) == _addresses(old)
        lends = after["lends"]["Id"]
        assert after["joins"]["HostConfig"]["PidMode"] == f"container:{lends}"
        assert after["config"]["Config"]["Labels"]["com.docker.compose.image"] == maker.new
    finally:
        maker.remove(*reversed(cases))


_TOGETHER = ("config", "resources", "host", "mounts", "address", "moved", "links", "joins")


def _part(found: Document, part: str) -> dict[str, Any]:
    return {name: value for name, value in (found[part] or {}).items() if name in _TABLES[part]}


_TABLES = {"Config": CONFIG, "HostConfig": HOST}
_GIVEN_UP = (
    *("RestartPolicy", "VolumesFrom", "ContainerIDFile", "ConsoleSize"),
    *("MaskedPaths", "ReadonlyPaths"),  # a privileged container has none
)


def _differing(old: Document, new: Document) -> set[str]:
    """The fields in which two containers differ, endpoints by their network."""
    pairs = [(part, _part(old, part), _part(new, part)) for part in _TABLES]
    before, after = (one["NetworkSettings"]["Networks"] for one in (old, new))
    pairs += [
        (name, _asked(before.get(name)), _asked(after.get(name))) for name in {*before, *after}
    ]
    found = {
        f"{part}.{name}"
        for part, mine, its in pairs
        for name in {*mine, *its}
        if (_plain(old, name, mine.get(name))) != (_plain(new, name, its.get(name)))
    }
    return found | ({"Mounts"} if _mounted(old) != _mounted(new) else set())


def _asked(endpoint: Document | None) -> dict[str, Any]:
    if endpoint is None:
        return {"here": False}
    carried = {name for name, one in ENDPOINT.items() if one.fate is Fate.CARRIED}
    return {"here": True, **{name: endpoint.get(name) for name in carried}}


def _plain(found: Document, name: str, value: Any) -> Any:
    """A value without what names the container itself, or the labels that an upgrade gives."""
    if name == "Aliases":
        return sorted(alias for alias in value or () if alias != found["Id"][:12])
    if name == "Hostname":
        return "made" if value == found["Id"][:12] else value
    if name == "Links":
        return sorted(link.replace(found["Name"], "") for link in value or ())
    if name == "Labels":
        upgrades = ("drift.upgrading", "com.docker.compose.image")
        return {key: text for key, text in value.items() if key not in upgrades}
    if name == "RestartPolicy":
        return {**value, "Name": value["Name"] or "no"}
    if name in ("Binds", "Mounts"):
        return None  # compared as what is mounted
    return value or None


def _addresses(found: Document) -> dict[str, str]:
    """The addresses that were asked for, with their MAC where that was."""
    networks = found["NetworkSettings"]["Networks"]
    mac = found["Config"].get("MacAddress")
    return {
        name: f"{one['IPAddress']} {mac if mac == one['MacAddress'] else ''}"
        for name, one in networks.items()
        if (one.get("IPAMConfig") or {}).get("IPv4Address")
    }


def _mounted(found: Document) -> list[tuple[Any, ...]]:
    """What lies where: the same volumes, anonymous ones too."""
    names = ("Destination", "Type", "Name", "Source", "RW", "Propagation", "Driver")
    return sorted(tuple(str(one.get(name)) for name in names) for one in found["Mounts"])
