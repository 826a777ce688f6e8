"""Webhooks: signed bytes, small enough, and errors that do not tell where they went."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from drift.config.model import Notify
from drift.errors import PublishError
from drift.publish import attempts
from drift.publish.attempts import attempt_all
from drift.publish.heartbeat import beat
from drift.publish.message import Message, What
from drift.publish.webhook import LARGEST, Webhook, body
from drift.report import as_json
from support import report_samples as samples
from support.configured import configured
from support.receivers import Hook, silent_server
from support.serving import free_port


def message(document: dict[str, Any] | None = None, page: str | None = None) -> Message:
    return Message(What.RUN, samples.NIGHT, "All is well.", "r1", document=document, page=page)


def notify(root: Path, url: str, secret: str = "") -> Notify:
    signed = f'secret = "{secret}"\n' if secret else ""
    return configured(root, f'[[notify]]\nwebhook = "{url}"\n{signed}').notify[0]


def test_a_report_arrives_whole_and_signed(tmp_path: Path, hook: Hook) -> None:
    document = samples.hostile_fleet()
    Webhook(notify(tmp_path, f"{hook.url}/hook?x=1", "key")).send(message(document), 5)
    (request,) = hook.requests
    assert (request.method, request.path) == ("POST", "/hook?x=1")
    assert json.loads(request.body) == document
    stamp = request.headers["X-Drift-Timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    expected = hmac.new(b"key", stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Drift-Signature-256"] == f"sha256={expected}"
    assert len(request.headers["X-Drift-Delivery"]) == 36
    assert request.headers["Content-Type"] == "application/json"


def test_without_a_secret_nothing_is_signed(tmp_path: Path, hook: Hook) -> None:
    Webhook(notify(tmp_path, hook.url)).send(message(samples.fleet()), 5)
    assert "X-Drift-Signature-256" not in hook.requests[0].headers


def test_a_report_of_more_than_a_megabyte_is_told_in_brief() -> None:
    document = samples.fleet()
    assert json.loads(body(message(document))) == document
    document["images"][0]["notes"] = ["x" * LARGEST]
    brief = json.loads(body(message(document, "https://x.example/runs/r1/index.html")))
    assert brief.pop("url") == "https://x.example/runs/r1/index.html"
    keys = ("schema_version", "drift_version", "run", "summary", "events")
    assert brief == {key: document[key] for key in keys}
    exact = samples.fleet()
    exact["images"][0]["notes"] = [""]
    room = LARGEST - len(as_json.render(exact, compact=True).encode())
    exact["images"][0]["notes"] = ["x" * room]
    assert len(body(message(exact))) == LARGEST
    assert "images" in json.loads(body(message(exact)))


@pytest.mark.parametrize("status", [301, 307, 404, 429, 500, 599])
def test_anything_but_success_is_an_error_with_the_standards_words(
    tmp_path: Path, hook: Hook, status: int
) -> None:
    hook.answers = [status]
    with pytest.raises(PublishError, match=f"the server answered {status}"):
        Webhook(notify(tmp_path, hook.url)).send(message(), 5)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "nowhere.invalid"])
def test_no_error_tells_the_address(tmp_path: Path, host: str) -> None:
    url = f"http://{host.format(port=free_port())}/services/t0ken"
    with pytest.raises(PublishError, match="cannot connect") as raised:
        Webhook(notify(tmp_path, url)).send(message(), 5)
    assert "t0ken" not in str(raised.value)
    assert "nowhere" not in str(raised.value)


def test_a_server_that_never_answers_is_given_up_three_times(tmp_path: Path) -> None:
    with silent_server() as port:
        channel = Webhook(notify(tmp_path, f"http://127.0.0.1:{port}/"))
        began = time.monotonic()
        [error] = attempt_all([lambda timeout: channel.send(message(), min(timeout, 0.2))])
        assert error == "no answer in time"
        assert time.monotonic() - began < 20


def test_a_server_that_drips_is_left_behind_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X: y\r\n")
                time.sleep(0.1)
        except OSError:
            return

    monkeypatch.setattr(attempts, "WITHIN", 1.0)
    with silent_server(drip) as port:
        channel = Webhook(notify(tmp_path, f"http://127.0.0.1:{port}/"))
        began = time.monotonic()
        [error] = attempt_all([lambda timeout: channel.send(message(), timeout)])
        assert error is not None
        assert time.monotonic() - began < 20


def test_the_heartbeat_is_a_get_that_is_tried_again(hook: Hook) -> None:
    hook.answers = [500, 500]
    assert beat(f"{hook.url}/ping") is None
    assert [(request.method, request.path) for request in hook.requests] == [("GET", "/ping")] * 3
    assert beat(f"http://127.0.0.1:{free_port()}/t0ken") is not None
