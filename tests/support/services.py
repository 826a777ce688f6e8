"""Small services whose data can be lost, images of them to upgrade to, and ``drift upgrade``.

A service holds a lock in its volume while it runs, as a server of data should: where another has
it, the two run at once, which is written down. What it is asked to keep is in ``/data/rows``.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from support import forked
from support.command import drift_process, environment
from support.fleet import Fleet, tar
from support.own_engine import OwnEngine, remove_containers
from support.registry import push

SERVE = """\
#!/bin/sh
exec 9>>/data/lock
flock -n 9 || echo two at once >>/data/shared
echo started >>/data/rows
{first}
trap '{last} exit 0' TERM
while :; do busybox sleep 0.2 9>&- & wait $!; done
"""
RISK = "--accept-risk"  # a file of which no one knows the source


def volume_of(container: Mapping[str, Any], path: str = "/data") -> str:
    """The volume that an inspect document has at a path."""
    return next(str(one["Name"]) for one in container["Mounts"] if one["Destination"] == path)


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended; killed ones have the negative signal as their code."""

    code: int
    out: str
    err: str


def with_libraries(program: str) -> dict[str, bytes]:
    """A program of this machine, and the libraries that it is linked to, by their paths."""
    found = shutil.which(program)
    if found is None:
        raise RuntimeError(f"no {program}: apt-get install util-linux")
    linked = subprocess.run(["ldd", found], check=True, capture_output=True, text=True).stdout
    paths = {
        f"/bin/{program}": found,
        **{path: path for path in re.findall(r"/\S+(?= \()", linked)},
    }
    return {name.lstrip("/"): Path(path).read_bytes() for name, path in paths.items()}


def packaged(version: str, content: str) -> dict[str, str]:
    """What the package ``tool`` of a Debian image holds, and what its database says of it."""
    status = f"Package: tool\nStatus: install ok installed\nVersion: {version}\nArchitecture: all\n"
    return {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "usr/bin/tool": content,
        "var/lib/dpkg/status": status,
        "var/lib/dpkg/info/tool.list": "/.\n/usr\n/usr/bin\n/usr/bin/tool\n",
    }


class Services:
    """Images by name in a registry, containers on them, and the command in a project."""

    def __init__(self, engine: OwnEngine, address: str, root: Path) -> None:
        self.engine, self.address, self.root = engine, address, root
        self.api = engine.client()
        Fleet(self.api)
        self._image("sv:1", "bb:1", with_libraries("flock"))
        (root / "Dockerfile").write_text("FROM scratch\n")
        self.rules()

    def rules(self, text: str = "", watch: str = "100ms") -> None:
        """Write drift.toml with these lines of ``[upkeep]``."""
        upkeep = f'[upkeep]\nwatch = "{watch}"\n{text}\n'
        (self.root / "drift.toml").write_text(f'{upkeep}[[image]]\nname = "x"\n')

    def publish(
        self,
        name: str,
        *,
        first: str = "",
        last: str = "",
        files: Mapping[str, str] | None = None,
        changes: Sequence[str] = (),
    ) -> str:
        """An image ``name`` in the registry; its id. ``first`` and ``last`` are shell: what its
        service does when it has started, and when it is told to end."""
        serve = SERVE.format(first=first, last=last)
        given = {"serve": serve, **(files or {})}
        self._image(
            self.reference(name),
            "sv:1",
            {path: content.encode() for path, content in given.items()},
            ['CMD ["sh", "/serve"]', *changes],
        )
        push(self.api, self.reference(name), self.reference(name))
        return str(self.api.inspect_image(self.reference(name))["Id"])

    def _image(
        self, name: str, base: str, files: Mapping[str, bytes], changes: Sequence[str] = ()
    ) -> None:
        made = self.api.create_container(base, command=["true"])["Id"]
        self.api.put_archive(made, "/", tar(files))
        repository, _, tag = name.rpartition(":")
        self.api.commit(made, repository=repository, tag=tag, changes=list(changes))
        self.api.remove_container(made)

    def reference(self, name: str) -> str:
        return f"{self.address}/{name}:1"

    def give_back(self, name: str, image_id: str) -> None:
        """Let the engine know an image's name as it did before a newer one was published."""
        self.api.tag(image_id, f"{self.address}/{name}", "1")

    def service(self, name: str, image: str, **host: Any) -> str:
        """A running container of a published image, or of any reference; its id. It has a row
        that it must not lose.

        By itself it has the volume ``NAME-data`` at ``/data``, and comes back when the engine
        does."""
        volumes, labels = host.pop("volumes", None), host.pop("labels", None)
        environ = host.pop("environment", None)
        host.setdefault("network_mode", "none")
        host.setdefault("restart_policy", {"Name": "always", "MaximumRetryCount": 0})
        if volumes is None and "mounts" not in host and "volumes_from" not in host:
            host.setdefault("binds", [f"{name}-data:/data"])
        made = self.api.create_container(
            image if ":" in image else self.reference(image),
            name=name,
            volumes=volumes,
            ports=[port.partition("/")[0] for port in host.get("port_bindings", ())],
            labels=labels,
            environment=environ,
            host_config=self.api.create_host_config(**host),
        )["Id"]
        self.api.start(made)
        self.write(name, "precious")
        return str(made)

    def write(self, name: str, row: str) -> None:
        """Let a running service keep a row."""
        made = self.api.exec_create(name, ["sh", "-c", f"echo {row} >>/data/rows"])
        self.api.exec_start(made["Id"])
        assert self.api.exec_inspect(made["Id"])["ExitCode"] == 0

    def read(self, name: str, path: str) -> str | None:
        """A file of a container, in its volumes too; None where there is none."""
        try:
            stream, _ = self.api.get_archive(name, path)
        except NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            file = archive.extractfile(archive.getmembers()[0])
            return file.read().decode() if file else None

    def upgrade(self, *arguments: str, host: str | None = None) -> Ended:
        """``drift upgrade`` with these arguments, on the engine or on a socket before it."""
        given = environment(DOCKER_HOST=host or self.engine.host)
        return Ended(*forked.run(["upgrade", *arguments], self.root, given))

    def upgrade_beside(self, *arguments: str) -> int:
        """The code of one that runs beside :meth:`upgrade`, which takes one after the other."""
        given = {"DOCKER_HOST": self.engine.host}
        return drift_process("upgrade", *arguments, cwd=self.root, environ=given).returncode

    def running(self, name: str) -> dict[str, Any]:
        """The inspect document of a container, which must run."""
        found: dict[str, Any] = self.api.inspect_container(name)
        assert found["State"]["Status"] == "running", found["State"]
        return found

    def left(self) -> tuple[set[str], set[str]]:
        """The names of all containers, and of all volumes."""
        names = {one["Names"][0].removeprefix("/") for one in self.api.containers(all=True)}
        return names, {one["Name"] for one in self.api.volumes()["Volumes"] or ()}

    def is_whole(self, name: str, policy: str = "always") -> dict[str, Any]:
        """Check that a service runs as it should, and has its row; its inspect document.

        Once more, so that a second one that somebody started would have been seen."""
        found = self.running(name)
        assert found["HostConfig"]["RestartPolicy"]["Name"] == policy
        rows = self.read(name, "/data/rows") or ""
        assert rows.split().count("precious") == 1, rows
        assert self.read(name, "/data/shared") is None, "two ran at once"
        return found

    def clean(self) -> None:
        """Remove containers and volumes."""
        remove_containers(self.api, volumes=True)
