"""One engine, reached: a client for each thread, and failures that say what to do.

``requests`` sessions are not safe to share between threads, and builds run in threads.
The API version is negotiated as the docker CLI does it: the lower of the engine's and the
newest that drift was tested with.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit

import docker
import docker.errors
import requests
import requests.utils
import urllib3
from docker.tls import TLSConfig

from drift.engine.contexts import Endpoint, TlsMaterial, choose_endpoint
from drift.engine.ssh import SshAdapter
from drift.errors import EngineError

OLDEST_API = (1, 24)
NEWEST_API = (1, 51)
READ_TIMEOUT = 120.0
_PLACEHOLDER = "unix:///nowhere"  # gives a session that the ssh adapter is mounted on


class Connection:
    """An engine's address and its negotiated API version; a client for each thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._local = threading.local()
        self._lock = threading.Lock()
        self._clients: list[docker.APIClient] = []
        self.api_version = f"{OLDEST_API[0]}.{OLDEST_API[1]}"
        self.version: Mapping[str, Any] = {}

    @classmethod
    def open(cls, host: str | None, environment: Mapping[str, str] | None = None) -> Self:
        """Reach the engine and negotiate.

        Raises:
            EngineError: it cannot be reached, refuses us, or is too old.
        """
        environment = os.environ if environment is None else environment
        connection = cls(choose_endpoint(host, environment))
        try:
            connection._negotiate()
        except BaseException:
            connection.close()
            raise
        return connection

    def _negotiate(self) -> None:
        with self.failures("asking for its version"):
            response = self.client.get(f"{self.client.base_url}/version", timeout=30)
            if response.status_code != 200:
                raise _refused(self.endpoint, response)
            self.version = response.json()
        self.api_version = negotiated(self.version)
        self._drop_clients()

    @property
    def client(self) -> docker.APIClient:
        """This thread's own client."""
        client: docker.APIClient | None = getattr(self._local, "client", None)
        if client is None:
            client = new_client(self.endpoint, self.api_version)
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def url(self, path: str) -> str:
        """The address of an API path, for requests that the library does not know."""
        return f"{self.client.base_url}/v{self.api_version}{path}"

    @contextmanager
    def failures(self, doing: str) -> Iterator[None]:
        """Turn whatever the library raises inside into an :class:`EngineError`."""
        try:
            yield
        except docker.errors.APIError as error:
            said = error.explanation or str(error)
            raise EngineError(f"the engine refused {doing}: {said}") from error
        except (
            requests.RequestException,
            docker.errors.DockerException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            raise unreachable(self.endpoint, doing, error, self._complaint()) from error

    def check(self, response: requests.Response) -> None:
        """Raise the library's own error, with the engine's words, for an answer that is one."""
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            raise docker.errors.create_api_error_from_http_exception(error) from error

    def _complaint(self) -> str:
        client = getattr(self._local, "client", None)
        adapter = client.adapters.get("http+docker://") if client else None
        return adapter.complaint if isinstance(adapter, SshAdapter) else ""

    def _drop_clients(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, []
        self._local = threading.local()
        for client in clients:
            client.close()

    def close(self) -> None:
        """Close every thread's client; requests under way in other threads fail."""
        self._drop_clients()


def negotiated(version: Mapping[str, Any]) -> str:
    """The API version to speak with an engine that answered ``/version`` so.

    Raises:
        EngineError: it is older than drift can work with, or not an engine at all.
    """
    theirs = _parse_version(version.get("ApiVersion"))
    if theirs is None:
        raise EngineError(
            "what answers is not a container engine (its /version has no ApiVersion)",
            hint="check engine.host in drift.toml, DOCKER_HOST and the docker context",
        )
    if theirs < OLDEST_API:
        raise EngineError(
            f"the engine's API {version['ApiVersion']} is too old: drift needs 1.24 or newer",
            hint="upgrade the engine (Docker 1.12, of 2016, is the first that works)",
        )
    lowest = _parse_version(version.get("MinAPIVersion")) or OLDEST_API
    major, minor = max(min(theirs, NEWEST_API), lowest)
    return f"{major}.{minor}"


def _parse_version(text: object) -> tuple[int, int] | None:
    parts = text.split(".") if isinstance(text, str) else []
    if len(parts) < 2 or not all(part.isdecimal() and len(part) < 6 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def new_client(endpoint: Endpoint, api_version: str) -> docker.APIClient:
    """A client for one thread; nothing is sent yet.

    Raises:
        EngineError: the address, the TLS material or docker's config.json is malformed.
    """
    try:
        client = docker.APIClient(
            base_url=_PLACEHOLDER if endpoint.scheme == "ssh" else endpoint.host,
            version=api_version,
            timeout=int(READ_TIMEOUT),
            tls=_tls(endpoint.tls),
        )
    except (docker.errors.DockerException, ValueError, AttributeError, KeyError) as error:
        raise EngineError(
            f"no client for {endpoint.host}: {error}",
            hint="check the address, the TLS files, and docker's own config.json",
        ) from error
    client.trust_env = False  # no .netrc, no CA bundle of other programs, no proxy for a socket
    if endpoint.scheme == "ssh":
        client.mount("http+docker://", SshAdapter(endpoint.host))
    elif client.base_url.startswith(("http://", "https://")) and not is_loopback(endpoint.host):
        client.proxies.update(requests.utils.get_environ_proxies(client.base_url))
    return client


def _tls(material: TlsMaterial | None) -> TLSConfig | bool:
    if material is None:
        return False
    pair = None
    if material.certificate and material.key:
        pair = (str(material.certificate), str(material.key))
    return TLSConfig(
        client_cert=pair, ca_cert=str(material.ca) if material.ca else None, verify=material.verify
    )


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, by its name alone; ``//HOST:PORT`` is one too."""
    name = urlsplit(url).hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _refused(endpoint: Endpoint, response: requests.Response) -> EngineError:
    said = response.text[:200].strip()
    hint = "check engine.host in drift.toml, DOCKER_HOST and the docker context"
    if "HTTPS server" in said:
        hint = "it wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
    return EngineError(f"{endpoint.host} answers {response.status_code}: {said}", hint=hint)


def unreachable(endpoint: Endpoint, doing: str, error: BaseException, ssh: str = "") -> EngineError:
    """What a failed request means, and what its reader can do about it."""
    where = f"{endpoint.host} (from {endpoint.chosen_by})"
    causes = list(_causes(error))
    if endpoint.scheme == "ssh":
        return EngineError(
            f"no engine over {where}: {ssh or causes[-1]}",
            hint="`ssh HOST docker version` must work without a question: a key in the agent, "
            "a known host key, docker installed there, and leave to use its socket",
        )
    for kind, said, hint in _MEANINGS:
        cause = next((cause for cause in causes if isinstance(cause, kind)), None)
        if cause is not None:
            return EngineError(f"{said} {where}, {doing}: {cause}", hint=hint)
    return EngineError(
        f"the engine at {where} failed, {doing}: {error}",
        hint="look at the engine's own log; `drift doctor` checks the connection",
    )


_MEANINGS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str], ...] = (
    (
        PermissionError,
        "permission denied on",
        "add yourself to the group that owns the socket (`usermod -aG docker $USER`, then log "
        "in again), or run as root",
    ),
    (
        (FileNotFoundError, ConnectionRefusedError),
        "no engine answers at",
        "start it (`systemctl start docker`), or name another with engine.host in drift.toml "
        "or DOCKER_HOST",
    ),
    (
        (ssl.SSLError, requests.exceptions.SSLError),
        "TLS failed with",
        "check DOCKER_CERT_PATH or the context's certificates: ca.pem must have signed the "
        "engine's certificate, cert.pem and key.pem must be accepted by it",
    ),
    (
        socket.gaierror,
        "no such host:",
        "check the address, and that this machine can resolve it",
    ),
    (
        (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError),
        "no answer in time from",
        "check that the engine runs and is not overloaded, and that no firewall is between",
    ),
    (
        (ConnectionError, urllib3.exceptions.ProtocolError),
        "the connection broke with",
        "the engine stopped or was restarted: look at its log, and run again",
    ),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps, outermost first; urllib3 wraps in three ways."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        waiting += current.args
