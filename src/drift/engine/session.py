"""A BuildKit session: how a build reaches the secrets and the ssh agent of who asked for it.

A ``POST /session`` is upgraded; from then on the engine is the gRPC client on that connection
and drift the server, for as long as the build runs. Values are read when the build asks
for them, and are neither logged nor kept longer than the session.

Specification: BuildKit's ``session``, ``secrets.proto`` and ``sshforward.proto``.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import docker

from drift.engine.agent import AgentExchange, check_agent
from drift.engine.grpc import (
    FAILED_PRECONDITION,
    NOT_FOUND,
    CallError,
    Exchange,
    GrpcServer,
    Send,
)
from drift.engine.model import SecretMount
from drift.engine.transport import Connection
from drift.engine.wire import bytes_field, first_bytes

LARGEST_SECRET = 500 * 1024  # BuildKit's own limit
_SERVING = b"\x08\x01"
_HEALTH = "/grpc.health.v1.Health/Check"
_GET_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"  # noqa: S105 - a method
_CHECK_AGENT = "/moby.sshforward.v1.SSH/CheckAgent"
_FORWARD_AGENT = "/moby.sshforward.v1.SSH/ForwardAgent"

_T = TypeVar("_T")


class Served:
    """What a session serves: secrets by ID, and the ssh agent under some IDs.

    ``given`` are the values that builds asked for: what has to be masked. ``problem`` says
    why something that is configured could not be given, None where nothing went wrong.
    """

    def __init__(self, secrets: Sequence[SecretMount], ssh: Sequence[str]) -> None:
        self._secrets = {secret.id: secret for secret in secrets}
        self._ssh = frozenset(name or "default" for name in ssh)
        self.given: set[str] = set()
        self.problem: str | None = None

    def secret(self, request: bytes) -> bytes:
        """``Secrets/GetSecret``."""
        name = first_bytes(request, 1).decode(errors="replace")
        mount = self._secrets.get(name)
        if mount is None:
            raise CallError(NOT_FOUND, f"secret {name}: not found")
        value = self._reporting(lambda: read_secret(mount))
        self.given.add(value.decode(errors="surrogateescape"))
        return bytes_field(1, value)

    def check(self, request: bytes) -> bytes:
        """``SSH/CheckAgent``."""
        self._require(first_bytes(request, 1).decode(errors="replace"))
        self._reporting(check_agent)
        return b""

    def forward(self, headers: Mapping[str, str], send: Send) -> Exchange:
        """``SSH/ForwardAgent``."""
        self._require(headers.get("buildkit.ssh.id", ""))
        return self._reporting(lambda: AgentExchange(send))

    def _require(self, name: str) -> None:
        if (name or "default") not in self._ssh:
            raise CallError(NOT_FOUND, f"unset ssh forward key {name or 'default'}")

    def _reporting(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except CallError as failed:
            self.problem = failed.message
            raise


class Session:
    """A session that is open while its block runs; ``id`` goes into the build's query.

    Raises:
        OSError: the engine cannot be reached, or has no sessions (on entering).
    """

    def __init__(self, api: docker.APIClient, served: Served) -> None:
        self.id = uuid.uuid4().hex
        self._connection = Connection(api)
        self._server = GrpcServer(
            self._connection.send,
            {_HEALTH: lambda _: _SERVING, _GET_SECRET: served.secret, _CHECK_AGENT: served.check},
            {_FORWARD_AGENT: served.forward},
        )
        self._thread = threading.Thread(target=self._serve, name="drift-session", daemon=True)

    def __enter__(self) -> Self:
        self._connection.__enter__()
        try:
            self._connection.upgrade("/session", self._headers())
        except BaseException:
            self._connection.__exit__(None, None, None)
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.sever()
        self._thread.join(timeout=5)
        self._connection.__exit__(kind, error, trace)

    def _headers(self) -> Mapping[str, str | tuple[str, ...]]:
        return {
            "Connection": "Upgrade",
            "Upgrade": "h2c",
            "X-Docker-Expose-Session-Uuid": self.id,
            "X-Docker-Expose-Session-Name": "drift",
            "X-Docker-Expose-Session-Sharedkey": "",
            "X-Docker-Expose-Session-Grpc-Method": (
                _HEALTH,
                _GET_SECRET,
                _CHECK_AGENT,
                _FORWARD_AGENT,
            ),
        }

    def _serve(self) -> None:
        # A connection that breaks ends the session; the build itself then says what it lacks.
        with contextlib.suppress(OSError, ValueError):
            self._server.start()
            while content := self._connection.receive(64 * 1024):
                if not self._server.receive(content):
                    break
        self._server.close()


def read_secret(mount: SecretMount) -> bytes:
    """A secret's value, from its file or environment variable.

    Raises:
        CallError: it cannot be read, or is larger than BuildKit takes. The message names the
            secret, never its value.
    """
    value = _of_file(mount.id, mount.file) if mount.file else _of_variable(mount)
    if len(value) > LARGEST_SECRET:
        limit = LARGEST_SECRET // 1024
        raise CallError(FAILED_PRECONDITION, f"secret {mount.id} is larger than {limit} KiB")
    return value


def _of_file(name: str, path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(LARGEST_SECRET + 1)
    except OSError as error:
        reason = f"secret {name}: {path} cannot be read: {error.strerror}"
        raise CallError(FAILED_PRECONDITION, reason) from error


def _of_variable(mount: SecretMount) -> bytes:
    variable = mount.env or mount.id
    value = os.environ.get(variable)
    if value is None:
        reason = f"secret {mount.id}: the environment variable {variable} is not set"
        raise CallError(FAILED_PRECONDITION, reason)
    return value.encode(errors="surrogateescape")
