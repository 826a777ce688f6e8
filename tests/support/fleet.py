"""Small images and containers, made by the hundred: busybox and a few random bytes."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

COMMANDS = ("sh", "sleep", "cat", "echo", "dd", "touch", "mkdir", "rm", "true", "chmod")


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of some executable files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def busybox() -> bytes:
    """A root file system of two megabytes with a shell (Debian's busybox-static)."""
    program = shutil.which("busybox")
    if program is None:
        raise RuntimeError("no busybox: apt-get install busybox-static")
    content = Path(program).read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("bin/busybox")
        member.size, member.mode = len(content), 0o755
        archive.addfile(member, io.BytesIO(content))
        for command in COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()


class Fleet:
    """Makes images and containers in an engine."""

    def __init__(self, api: docker.APIClient) -> None:
        self.api = api
        self.base = self.imported("bb:1", busybox())

    def imported(self, name: str, content: bytes) -> str:
        """An image of one layer; its id."""
        repository, _, tag = name.rpartition(":")
        self.api.import_image_from_data(content, repository=repository, tag=tag)
        return str(self.api.inspect_image(name)["Id"])

    def random(self, name: str, size: int) -> str:
        """An image of one layer of random bytes; its id."""
        return self.imported(name, tar({"data": os.urandom(size)}))

    def above(
        self, name: str, size: int, base: str = "bb:1", labels: Mapping[str, str] | None = None
    ) -> str:
        """An image of one random layer above a base; its id."""
        made = self.api.create_container(base, command=["true"])["Id"]
        self.api.put_archive(made, "/", tar({f"data-{name.replace('/', '-')}": os.urandom(size)}))
        repository, _, tag = name.rpartition(":")
        changes = [f"LABEL {key}={value}" for key, value in (labels or {}).items()]
        self.api.commit(made, repository=repository, tag=tag, changes=changes or None)
        self.api.remove_container(made)
        return str(self.api.inspect_image(name)["Id"])

    def built(self, name: str, dockerfile: str) -> str:
        """An image by BuildKit, which leaves records in its cache; its id."""
        url = f"{self.api.base_url}/v{self.api.api_version}/build"
        body = tar({"Dockerfile": dockerfile.encode()})
        query = {"version": "2", "t": name, "networkmode": "host"}
        headers = {"Content-Type": "application/x-tar"}
        answer = self.api.post(url, params=query, data=body, headers=headers, timeout=300)
        assert "errorDetail" not in answer.text, answer.text[-1000:]
        return str(self.api.inspect_image(name)["Id"])

    def container(
        self,
        name: str,
        image: str = "bb:1",
        command: str = "true",
        *,
        run: bool = True,
        **host: Any,
    ) -> str:
        """A container, ended by now unless it sleeps; its id."""
        volumes, labels = host.pop("volumes", None), host.pop("labels", None)
        host.setdefault("network_mode", "none")
        made = self.api.create_container(
            image,
            command=["sh", "-c", command],
            name=name,
            volumes=volumes,
            labels=labels,
            host_config=self.api.create_host_config(**host),
        )["Id"]
        if run:
            self.api.start(made)
            if not command.startswith("sleep"):
                self.api.wait(made)
        return str(made)
