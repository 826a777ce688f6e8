"""HTTP to an engine behind ssh: one ``ssh HOST docker system dial-stdio`` a connection.

The ssh program is used, so keys, agents, jump hosts and ``~/.ssh/config`` are as the user
has them. Its two ends are one socket pair, so that timeouts and polling work as on any
other socket. It never asks: a question at night would wait for ever.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


def command(host: str) -> list[str]:
    """The program that connects to ``ssh://[USER@]HOST[:PORT][/SOCKET]``."""
    url = urlsplit(host)
    user = ["-l", url.username] if url.username else []
    port = ["-p", str(url.port)] if url.port else []
    engine = ["--host", f"unix://{url.path}"] if url.path.strip("/") else []
    remote = shlex.join(["docker", *engine, "system", "dial-stdio"])
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-T"]
    return ["ssh", *options, *user, *port, "--", url.hostname or "", remote]


class SshAdapter(HTTPAdapter):
    """Sends a session's requests over ssh, whatever their host."""

    def __init__(self, host: str) -> None:
        self._ssh_pool = _Pool(host)
        super().__init__()

    @property
    def complaint(self) -> str:
        """What ssh last wrote to its standard error, on one line."""
        return self._ssh_pool.complaint()

    # The names and the unused arguments of these two are the library's.
    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,  # noqa: ARG002
        verify: bool | str | None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
        cert: str | tuple[str, str] | None = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        return self._ssh_pool

    def request_url(
        self,
        request: requests.PreparedRequest,
        proxies: Mapping[str, str] | None,  # noqa: ARG002
    ) -> str:
        return request.path_url

    def close(self) -> None:
        super().close()
        self._ssh_pool.close()


class _Connection(HTTPConnection):
    ssh_host = ""
    complaints: IO[bytes]
    _process: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command(self.ssh_host),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self.complaints,
            )
        # Seconds where urllib3 opens it for a request; else its mark for "the default".
        ours.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
        self.sock = ours

    def close(self) -> None:
        super().close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)


class _Pool(HTTPConnectionPool):
    def __init__(self, host: str) -> None:
        super().__init__("localhost")
        self._ssh_host = host
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the pool

    def _new_conn(self) -> Any:
        connection = _Connection(self.host)
        connection.ssh_host, connection.complaints = self._ssh_host, self._complaints
        return connection

    def complaint(self) -> str:
        self._complaints.seek(0)
        return " ".join(self._complaints.read(4096).decode("utf-8", "replace").split())
