"""Receivers of messages on loopback: a mail server and a web server, real ones."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from support.serving import free_port, serving


@dataclass
class Inbox:
    """A mail server's mails. ``refusals`` are what the next ones are answered with instead."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    hangs_up: bool = False  # instead of saying goodbye
    tries: int = 0

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd asks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        if self.refusals:
            return self.refusals.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_up:
            assert server.transport is not None
            server.transport.close()
        return "221 Bye"

    def parts(self, at: int = -1) -> tuple[str, str]:
        """The text part and the HTML part of a mail."""
        mail = self.mails[at]
        bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
        assert all(bodies)
        text, html = (body.get_content().replace("\r\n", "\n") for body in bodies if body)
        return text, html


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail_server() as server:
        yield server


@contextmanager
def mail_server(**options: Any) -> Iterator[Inbox]:
    """A mail server on a loopback port of its own."""
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    inbox.port = controller.port
    try:
        yield inbox
    finally:
        controller.stop()


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Hook:
    """A web server's requests. ``answers`` are the next ones' statuses, 200 where none is left."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def answer(self, request: Request) -> int:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as server:
        yield server


@contextmanager
def hook_server() -> Iterator[Hook]:
    """A web server on a loopback port of its own."""
    hook = Hook()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
            with lock:
                status = hook.answer(asked)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = _any  # noqa: N815 - the names that http.server asks for

    with serving(Handler) as port:
        hook.url = f"http://127.0.0.1:{port}"
        yield hook


@contextmanager
def silent_server(drip: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """The port of a server that takes every connection and never answers."""
    held: list[socket.socket] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    held.append(connection)
                    if drip:
                        threading.Thread(target=drip, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()
