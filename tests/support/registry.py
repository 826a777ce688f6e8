"""A real registry (the distribution project's ``docker-registry``) on a free loopback port."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import requests

from support.serving import free_port

_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http: {{addr: "{address}"}}
"""


def free_address() -> str:
    """A loopback ``HOST:PORT`` that nothing listened on a moment ago."""
    return f"127.0.0.1:{free_port()}"


@contextmanager
def running_registry(root: Path, *, extra: str = "") -> Iterator[str]:
    """Run a registry that keeps its content under ``root``; gives ``127.0.0.1:PORT``.

    ``extra`` is appended to its configuration, for authentication and the like.
    """
    program = shutil.which("docker-registry")
    if program is None:
        raise RuntimeError("no docker-registry: apt-get install docker-registry, or `make test`")
    root.mkdir(parents=True, exist_ok=True)
    address = free_address()
    configuration = root / "config.yml"
    configuration.write_text(_CONFIGURATION.format(root=root / "content", address=address) + extra)
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", configuration], stdout=log, stderr=log)
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"http://{address}/v2/", timeout=2)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"docker-registry does not answer at {address}")


def push(api: docker.APIClient, image: str, reference: str) -> str:
    """Tag ``image`` as ``reference`` and push it; gives the registry's digest.

    The tag ``reference`` stays in the engine; remove it to see the image pulled again.
    """
    repository, _, tag = reference.rpartition(":")
    api.tag(image, repository, tag)
    for line in api.push(
        repository, tag, stream=True, decode=True, auth_config={"username": "", "password": ""}
    ):
        if "error" in line:
            raise RuntimeError(f"push of {reference}: {line['error']}")
    return registry_digest(reference)


def registry_digest(reference: str) -> str:
    """The digest that the registry itself gives for ``HOST/NAME:TAG``."""
    host, _, rest = reference.partition("/")
    name, _, tag = rest.rpartition(":")
    answer = requests.head(
        f"http://{host}/v2/{name}/manifests/{tag}",
        headers={
            "Accept": "application/vnd.docker.distribution.manifest.v2+json, "
            "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
            "application/vnd.docker.distribution.manifest.list.v2+json"
        },
        timeout=10,
    )
    answer.raise_for_status()
    return answer.headers["Docker-Content-Digest"]
