"""Webhooks: the JSON report by POST, signed where there is a secret.

``X-Drift-Timestamp`` holds seconds since 1970, ``X-Drift-Delivery`` an id that is the same
for every try of a message, and ``X-Drift-Signature-256`` is ``sha256=`` and the hexadecimal
HMAC-SHA256 of timestamp, ``.`` and body, with the secret as its key. A receiver compares it in
constant time, and refuses timestamps that are minutes old and ids that it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from typing import Any

from drift import __version__
from drift.config.model import Notify
from drift.publish.message import Message
from drift.publish.port import Channel
from drift.publish.web import request
from drift.report import as_json
from drift.report.document import SCHEMA_VERSION

LARGEST = 1_000_000  # bytes of a whole report


class Webhook(Channel):
    """The channel of one URL; see :class:`drift.publish.port.Channel`."""

    def __init__(self, notify: Notify) -> None:
        self._url = str(notify.webhook)
        self._secret = notify.secret
        self._delivery = str(uuid.uuid4())

    def send(self, message: Message, timeout: float) -> None:
        content = body(message)
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"drift/{__version__}",
            "X-Drift-Timestamp": timestamp,
            "X-Drift-Delivery": self._delivery,
        }
        if self._secret is not None:
            signed = signature(self._secret, timestamp, content)
            headers["X-Drift-Signature-256"] = signed
        request(self._url, "POST", timeout, data=content, headers=headers)


def signature(secret: str, timestamp: str, content: bytes) -> str:
    """``sha256=…`` of a body that is sent at a time."""
    signed = b".".join((timestamp.encode("ascii"), content))
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def body(message: Message) -> bytes:
    """The report whole where it is at most 1 MB, else run, summary, events and its URL.

    A message without a run has a report without images, whose ``error`` says what there is.
    """
    document = message.document or _without_run(message)
    whole = as_json.render(document, compact=True).encode()
    if len(whole) <= LARGEST:
        return whole
    keys = ("schema_version", "drift_version", "run", "summary", "events")
    brief = {**{key: document[key] for key in keys}, "url": message.page}
    return as_json.render(brief, compact=True).encode()


def _without_run(message: Message) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "drift_version": __version__,
        "run": None,
        "summary": {"images": 0, "status": {}, "origins": {}, "flagged": 0},
        "events": [],
        "images": [],
        "about": message.what.value,
        "night": message.night.isoformat(),
        "error": "\n".join((message.verdict, *message.lines)),
    }
