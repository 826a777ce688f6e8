"""The ssh agent, lent to a build: BuildKit's ``SSH/ForwardAgent`` over a unix socket.

Messages are ``BytesMessage`` (``sshforward.proto``): field 1 holds bytes of the agent's
protocol, cut anywhere. drift does not look into them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from drift.engine.grpc import FAILED_PRECONDITION, CallError, Send
from drift.engine.wire import bytes_field, first_bytes

_CHUNK = 32 * 1024
_PATIENCE = 30.0  # seconds until an agent that does not read is given up


class AgentExchange:
    """One connection of a build to the agent at ``SSH_AUTH_SOCK``.

    Raises:
        CallError: there is no agent, or it does not answer.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._socket = _connect()
        threading.Thread(target=self._answer, name="drift-ssh-agent", daemon=True).start()

    def take(self, message: bytes) -> None:
        self._socket.sendall(first_bytes(message, 1))

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while content := self._read():
                self._send(bytes_field(1, content))
            self._send(None)

    def _read(self) -> bytes:
        while True:
            try:
                return self._socket.recv(_CHUNK)
            except TimeoutError:  # an agent is silent until it is asked
                continue


def check_agent() -> None:
    """See that an agent is there.

    Raises:
        CallError: there is none.
    """
    _connect().close()


def _connect() -> socket.socket:
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        raise CallError(FAILED_PRECONDITION, "SSH_AUTH_SOCK is not set: there is no ssh agent")
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    agent.settimeout(_PATIENCE)
    try:
        agent.connect(path)
    except OSError as error:
        agent.close()
        reason = f"the ssh agent at SSH_AUTH_SOCK does not answer: {error.strerror}"
        raise CallError(FAILED_PRECONDITION, reason) from error
    return agent
