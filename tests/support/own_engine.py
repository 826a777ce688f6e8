"""Container engines of the tests' own, for what lists, prunes and removes everything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

_NETWORKS = range(120, 180)


def as_root(*command: str | Path) -> list[str]:
    """A command with root's privileges, by sudo where that asks no question."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*sudo, *map(str, command)]


@dataclass
class OwnEngine:
    """A dockerd with its own socket, data root and bridge; ``root`` is where its data are mounted.

    One that was killed leaves its containers running, as under an init system that kills the
    daemon alone: it is started again where they can still be seen.
    """

    place: Path
    root: Path
    bridge: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.place}/docker.sock"

    def client(self) -> docker.APIClient:
        return docker.APIClient(base_url=self.host, version="auto", timeout=120)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        (self.place / "daemon.json").write_text("{}\n")
        command: list[str | Path] = [
            *as_root("setsid", *self._mounts(), "dockerd"),
            *("--config-file", self.place / "daemon.json"),
            *("--data-root", self.root, "--exec-root", self.place / "exec"),
            *("--pidfile", self.place / "pid", "-H", self.host, "--bridge", self.bridge),
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false"),
        ]
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(DockerException, requests.RequestException, OSError):
                self.client().ping()
                return
            time.sleep(0.2)
        raise RuntimeError(f"dockerd does not come up: {(self.place / 'log').read_text()[-2000:]}")

    def _mounts(self) -> tuple[str, ...]:
        """Into its own mounts, which a process holds while the daemon is down."""
        held = self.place / "mounts"
        if not held.exists():
            hold = f"echo $$ > {held}.new; mv {held}.new {held}; exec sleep infinity"
            subprocess.Popen(
                as_root("unshare", "-m", "--propagation", "private", "sh", "-c", hold),
                stdin=subprocess.DEVNULL,
            )
            while not held.exists():
                time.sleep(0.01)
        return ("nsenter", f"--mount=/proc/{held.read_text().strip()}/ns/mnt")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it, with its containers where the signal lets it."""
        with suppress(OSError):
            pid = (self.place / "pid").read_text().strip()
            subprocess.run(as_root("kill", f"-{how:d}", pid), check=False)
        if self.process is not None:
            self.process.wait(60)
        # A containerd that died with it, and that nobody has reaped, would be waited for.
        containerd = self.place / "exec" / "containerd" / "containerd.pid"
        subprocess.run(as_root("rm", "-f", self.place / "pid", containerd), check=True)

    def let_go(self) -> None:
        """End what holds its mounts, which go with it."""
        with suppress(OSError):
            pid = (self.place / "mounts").read_text().strip()
            subprocess.run(as_root("kill", "-9", pid), check=False)

    def free(self) -> int:
        """Free bytes of the file system that its data lie on, once they have settled."""
        found: list[int] = []
        while len(found) < 3 or len(set(found[-3:])) > 1:
            os.sync()
            found.append(shutil.disk_usage(self.root).free)
            time.sleep(0.3)
        return found[-1]


@contextmanager
def running_engine(place: Path) -> Iterator[OwnEngine]:
    """Run an engine in a directory of its own; root's privileges are needed, or sudo."""
    data = place / "data"
    data.mkdir(parents=True, exist_ok=True)
    engine = OwnEngine(place, data, _bridge())
    try:
        engine.start()
        try:
            yield engine
        finally:
            with suppress(DockerException, requests.RequestException, OSError):
                client = engine.client()
                remove_containers(client)
                client.prune_networks()  # their bridges would outlive the engine
            engine.stop()
    finally:
        engine.let_go()
        subprocess.run(
            as_root("ip", "link", "del", engine.bridge), check=False, capture_output=True
        )


@contextmanager
def own_engine(directory: Path, megabytes: int = 400) -> Iterator[OwnEngine]:
    """Run an engine whose data root holds so much.

    It is a small file system in a file, so that "freed" and "full" can be read there.
    """
    place = directory / "engine"
    (place / "data").mkdir(parents=True)
    disk = place / "disk"
    with disk.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    subprocess.run(as_root("mount", "-o", "loop", disk, place / "data"), check=True)
    try:
        with running_engine(place) as engine:
            yield engine
    finally:
        subprocess.run(as_root("umount", "-l", place / "data"), check=False)
        disk.unlink()


def remove_containers(client: docker.APIClient, *, volumes: bool = False) -> None:
    """Remove every container with its anonymous volumes, or with all ``volumes`` that there are:
    only ever of an engine of one's own."""
    for container in client.containers(all=True, quiet=True):
        client.remove_container(container["Id"], force=True, v=True)
    if volumes:
        for volume in client.volumes()["Volumes"] or ():
            client.remove_volume(volume["Name"])


def _bridge() -> str:
    """A bridge of its own; never ``--bridge=none``, which deletes another engine's."""
    command = ["ip", "-4", "addr"]
    taken = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for number in (n for n in _NETWORKS if f"172.30.{n}." not in taken):
        name = f"up{number}"
        made = subprocess.run(
            as_root("ip", "link", "add", name, "type", "bridge"), check=False, capture_output=True
        )
        if made.returncode:
            continue  # another test's engine took it meanwhile
        address = f"172.30.{number}.1/24"
        subprocess.run(as_root("ip", "addr", "add", address, "dev", name), check=True)
        subprocess.run(as_root("ip", "link", "set", name, "up"), check=True)
        return name
    raise RuntimeError(f"no bridge: is this root, with iproute2? {made.stderr.decode()}")
