"""Which engine is meant: chosen as the docker CLI chooses.

In this order: the host that drift.toml names, ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the
current context of docker's own ``config.json``, the usual socket. TLS material comes from
``DOCKER_CERT_PATH`` for hosts, and from the context store for contexts, whose layout is
``contexts/meta/SHA256(name)/meta.json`` and ``contexts/tls/SHA256(name)/docker/*.pem``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift.errors import EngineError

DEFAULT_HOST = "unix:///var/run/docker.sock"
SCHEMES = ("unix", "npipe", "tcp", "http", "https", "ssh")


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """Files for a TLS connection; ``verify`` is false where the user chose not to check."""

    ca: Path | None
    certificate: Path | None
    key: Path | None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine is to be found. ``chosen_by`` says, for people, what named it."""

    host: str
    chosen_by: str
    tls: TlsMaterial | None = None

    @property
    def scheme(self) -> str:
        return self.host.partition("://")[0]


def choose_endpoint(host: str | None, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint that ``host`` (drift.toml), else the docker CLI's own rules name.

    Raises:
        EngineError: the host has an unknown form, or the context is missing or unreadable.
    """
    if host:
        return _of_host(host, "drift.toml", environment)
    if environment.get("DOCKER_HOST"):
        return _of_host(environment["DOCKER_HOST"], "DOCKER_HOST", environment)
    directory = docker_directory(environment)
    name = environment.get("DOCKER_CONTEXT") or _current_context(directory)
    if name and name != "default":
        return _of_context(name, directory)
    return _of_host(DEFAULT_HOST, "the default", environment)


def docker_directory(environment: Mapping[str, str]) -> Path:
    """The directory of docker's ``config.json``."""
    configured = environment.get("DOCKER_CONFIG")
    return Path(configured) if configured else Path.home() / ".docker"


def _of_host(host: str, chosen_by: str, environment: Mapping[str, str]) -> Endpoint:
    host = host.strip()
    if "://" not in host:
        host = f"tcp://{host}"
    endpoint = Endpoint(host, chosen_by)
    if endpoint.scheme not in SCHEMES:
        raise EngineError(
            f"not an engine's address: {host!r} (from {chosen_by})",
            hint="write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST",
        )
    return Endpoint(host, chosen_by, _tls_of_environment(endpoint.scheme, environment))


def _tls_of_environment(scheme: str, environment: Mapping[str, str]) -> TlsMaterial | None:
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    wanted = verify or bool(environment.get("DOCKER_TLS")) or scheme == "https"
    if scheme not in ("tcp", "http", "https") or not wanted:
        return None
    configured = environment.get("DOCKER_CERT_PATH")
    directory = Path(configured) if configured else docker_directory(environment)
    return _tls_in(directory, verify or not environment.get("DOCKER_TLS"))


def _tls_in(directory: Path, verify: bool) -> TlsMaterial:
    def present(name: str) -> Path | None:
        path = directory / name
        return path if path.is_file() else None

    return TlsMaterial(present("ca.pem"), present("cert.pem"), present("key.pem"), verify)


def _current_context(directory: Path) -> str | None:
    path = directory / "config.json"
    if not path.exists():
        return None
    name = _read_object(path).get("currentContext")
    return name if isinstance(name, str) else None


def _of_context(name: str, directory: Path) -> Endpoint:
    key = hashlib.sha256(name.encode()).hexdigest()
    path = directory / "contexts" / "meta" / key / "meta.json"
    if not path.exists():
        raise EngineError(
            f"there is no docker context {name!r} ({path} is missing)",
            hint="`docker context ls` lists them; or set engine.host in drift.toml",
        )
    endpoints = _read_object(path).get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(docker, dict) or not isinstance(docker.get("Host", ""), str):
        raise EngineError(
            f"the docker context {name!r} names no engine ({path})",
            hint="create it again with `docker context create`",
        )
    host = docker.get("Host") or DEFAULT_HOST
    tls_directory = directory / "contexts" / "tls" / key / "docker"
    skip = bool(docker.get("SkipTLSVerify", False))
    tls = _tls_in(tls_directory, not skip) if tls_directory.is_dir() or skip else None
    if host.partition("://")[0] not in ("tcp", "http", "https"):
        tls = None
    return Endpoint(host, f"the docker context {name!r}", tls)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{path} cannot be read: {error}",
            hint="mend or remove it, or set engine.host in drift.toml",
        ) from error
    return document if isinstance(document, dict) else {}
