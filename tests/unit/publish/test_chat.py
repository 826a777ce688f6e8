"""Chats: a short text of their own, nothing in it that acts, and errors that hide the URL."""

from __future__ import annotations

import io
import json
import logging
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import PublishError
from drift.masking import Mask
from drift.publish.channels import target_of
from drift.publish.chat import LONGEST, Chat, plain, text
from drift.publish.items import Item, Of
from drift.publish.message import Message, What
from support import report_samples as samples
from support.configured import configured
from support.receivers import Hook
from support.serving import free_port

PAGE = "https://drift.example.org/runs/r1/index.html"
EVENT = Item(Of.DRIFT, "external", "package", "pkg:deb/debian/openssl", "1", "2", ("web",))


def message(*items: Item, verdict: str = "1 of 2 images flagged: web.") -> Message:
    return Message(What.RUN, samples.NIGHT, verdict, "r1", items, page=PAGE)


def chat(root: Path, url: str, **environ: str) -> Chat:
    config = configured(root, f'[[notify]]\nurl = "{url}"\n', **environ)
    return Chat(config.notify[0], Mask(config.masked))


def test_a_text_is_verdict_five_events_and_link() -> None:
    items = [replace(EVENT, subject=f"pkg:deb/debian/p{n}") for n in range(8)]
    lines = text(message(*items)).splitlines()
    assert lines[0] == "1 of 2 images flagged: web."
    assert lines[1] == "- external package pkg:deb/debian/p0 1 → 2 (web)"
    assert lines[6:] == ["and 3 more", PAGE]


@given(st.lists(st.text(max_size=3000), max_size=9), st.text(max_size=3000))
def test_a_text_is_short_and_ends_with_the_link(subjects: list[str], verdict: str) -> None:
    items = [replace(EVENT, subject=subject, after=subject) for subject in subjects]
    said = text(message(*items, verdict=verdict))
    assert len(said) < LONGEST
    assert said.endswith(PAGE)


@given(st.text(st.sampled_from("@<>`[]()!#:/w.ahtps \n\x1b\u202e|&")) | st.just(samples.HOSTILE))
def test_nothing_untrusted_acts_in_a_channel(untrusted: str) -> None:
    said = plain(untrusted, 10_000)
    assert not re.search(r"[@<>`|&#\n\x1b\u202e]|://|www\.|\]\(|javascript:", said)


def test_a_service_gets_it_once_and_the_url_stays_secret(tmp_path: Path, hook: Hook) -> None:
    host = hook.url.removeprefix("http://")
    chat(tmp_path, f"json://{host}/s3cret-path").send(message(EVENT), 5)
    (request,) = hook.requests
    assert request.path == "/s3cret-path"
    assert json.loads(request.body)["message"] == text(message(EVENT))
    hook.answers = [500]
    with pytest.raises(PublishError, match="500") as raised:
        chat(tmp_path, f"json://user:${{PASS}}@{host}/s3cret-path", PASS="p/w@d").send(
            message(EVENT), 5
        )
    assert not re.search(r"s3cret|user|p/w|p%2F", str(raised.value))


def test_a_value_inside_the_url_may_hold_any_character(tmp_path: Path, hook: Hook) -> None:
    host = hook.url.removeprefix("http://")
    for password in ("p/w@d:x#y?z&%", "plain", "ü ö"):
        chat(tmp_path, f"json://user:${{PASS}}@{host}/", PASS=password).send(message(EVENT), 5)
    whole = f"json://{host}/whole?a=b"
    chat(tmp_path, "${URL}", URL=whole).send(message(EVENT), 5)
    assert [request.path for request in hook.requests] == ["/", "/", "/", "/whole"]
    for request, password in zip(hook.requests, ("p/w@d:x#y?z&%", "plain", "ü ö"), strict=False):
        sent = request.headers["Authorization"].removeprefix("Basic ")
        assert sent in {
            b64encode(f"user:{password}".encode(code, "replace")).decode()
            for code in ("latin-1", "utf-8")
        }


def test_nothing_of_apprise_is_printed_or_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(everything)])
    for url in (f"json://127.0.0.1:{free_port()}/s3cret", "nosuch://s3cret", "slack://s3cret"):
        with pytest.raises(PublishError) as raised:
            chat(tmp_path, url).send(message(EVENT), 5)
        assert "s3cret" not in str(raised.value)
    assert capfd.readouterr() == ("", "")
    assert everything.getvalue() == ""


def test_a_target_is_known_by_whom_it_reaches_and_for_what(tmp_path: Path) -> None:
    entry = '[[notify]]\nurl = "{}"\nimages = ["{}"]\nwhen = ["{}"]\n'
    entries = [("a://b", "*", "drift"), ("a://b", "*", "always"), ("a://b", "x", "drift")]
    text_ = "".join(entry.format(*parts) for parts in [*entries, ("a://c", "*", "drift")])
    targets = [target_of(notify) for notify in configured(tmp_path, text_).notify]
    assert targets[0] == targets[1]
    assert len(set(targets)) == 3
