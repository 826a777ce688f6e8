"""A container engine of a test's own, for what lists, prunes and removes everything.

Its data lie on a small file system in a file, so that "freed" and "full" can be read there.
"""

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

_BRIDGE = "up0"
_NETWORKS = range(120, 180)


def as_root(*command: str | Path) -> list[str]:
    """A command with root's privileges, by sudo where that asks no question."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*sudo, *map(str, command)]


@dataclass
class OwnEngine:
    """A dockerd with its own socket and data root; ``root`` is the mount point of its data."""

    place: Path
    root: Path
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
            *as_root("setsid", "unshare", "-m", "--propagation", "private", "dockerd"),
            *("--config-file", self.place / "daemon.json"),
            *("--data-root", self.root, "--exec-root", self.place / "exec"),
            *("--pidfile", self.place / "pid", "-H", self.host, "--bridge", _BRIDGE),
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

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it, with its containers where the signal lets it."""
        with suppress(OSError):
            pid = (self.place / "pid").read_text().strip()
            subprocess.run(as_root("kill", f"-{how:d}", pid), check=False)
        if self.process is not None:
            self.process.wait(60)
        subprocess.run(as_root("rm", "-f", self.place / "pid"), check=True)

    def free(self) -> int:
        """Free bytes of the file system that its data lie on, once they have settled."""
        found: list[int] = []
        while len(found) < 3 or len(set(found[-3:])) > 1:
            os.sync()
            found.append(shutil.disk_usage(self.root).free)
            time.sleep(0.3)
        return found[-1]


@contextmanager
def own_engine(directory: Path, megabytes: int = 400) -> Iterator[OwnEngine]:
    """Run an engine whose data root holds so much; root's privileges are needed, or sudo."""
    place = directory / "engine"
    (place / "data").mkdir(parents=True)
    disk = place / "disk"
    with disk.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    subprocess.run(as_root("mount", "-o", "loop", disk, place / "data"), check=True)
    engine = OwnEngine(place, place / "data")
    try:
        _bridge()
        engine.start()
        try:
            yield engine
        finally:
            with suppress(DockerException, requests.RequestException, OSError):
                remove_containers(engine.client())
            engine.stop()
    finally:
        subprocess.run(as_root("umount", "-l", place / "data"), check=False)
        subprocess.run(as_root("ip", "link", "del", _BRIDGE), check=False, capture_output=True)
        disk.unlink()


def remove_containers(client: docker.APIClient) -> None:
    """Remove every container with its anonymous volumes: only ever of an engine of one's own."""
    for container in client.containers(all=True, quiet=True):
        client.remove_container(container["Id"], force=True, v=True)


def _bridge() -> None:
    """A bridge of its own; never ``--bridge=none``, which deletes another engine's."""
    if subprocess.run(["ip", "link", "show", _BRIDGE], capture_output=True, check=False).returncode:
        taken = subprocess.run(
            ["ip", "-4", "addr"], capture_output=True, text=True, check=True
        ).stdout
        number = next(n for n in _NETWORKS if f"172.30.{n}." not in taken)
        subprocess.run(as_root("ip", "link", "add", _BRIDGE, "type", "bridge"), check=True)
        subprocess.run(
            as_root("ip", "addr", "add", f"172.30.{number}.1/24", "dev", _BRIDGE), check=True
        )
        subprocess.run(as_root("ip", "link", "set", _BRIDGE, "up"), check=True)
