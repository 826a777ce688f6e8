"""The command line tells people of a night: mail and web servers on loopback receive it.

The builds are not made: what a night found is put into the store as the job would.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.nightly import job
from drift.nightly.job import Night
from drift.publish import attempts
from drift.store.store import Store
from support.command import Drift
from support.configured import START, cause, image, keep_night
from support.receivers import Hook, Inbox, mail_server
from support.serving import free_port

OPENSSL = "pkg:deb/debian/openssl"


class NoEngine:
    """Stands where an engine would; the job that would use it is not the real one either."""

    def __enter__(self) -> NoEngine:
        return self

    def __exit__(self, *_: object) -> None: ...

    def containers_labelled(self, _label: str) -> list[Any]:
        return []

    def identity(self, _builder: str) -> None:
        raise EngineError("there is none")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(Engine, "connect", lambda _host: NoEngine())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(here: Path, port: int, more: str = "") -> None:
    (here / "drift.toml").write_text(
        '[report]\nurl = "https://drift.example.org/"\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        'sender = "drift@example.org"\n'
        '[[notify]]\nmail = ["team@example.org"]\n'
        f'{more}\n[[image]]\nname = "web"\n'
    )


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the next run find an image so."""

    def finds(one: dict[str, Any]) -> None:
        def check(_config: object, _engine: object, store: Store, *_: object, **how: Any) -> Night:
            night: date = how["night"]
            return Night(keep_night(store, (night - START.date()).days, one), {})

        monkeypatch.setattr(job, "check", check)

    return finds


Found = Callable[[dict[str, Any]], None]
DRIFTED = image("web", "drifted", cause(OPENSSL))


def test_a_drifted_night_is_mailed_once(
    here: Path, drift: Drift, inbox: Inbox, found: Found
) -> None:
    configure(here, inbox.port)
    found(DRIFTED)
    ran = drift("check", "--as-of", "2026-11-01")
    assert ran.code == 1
    assert "drift: told: mail to team@example.org (drift.toml:8)" in ran.err
    text, _ = inbox.parts()
    assert "https://drift.example.org/runs/run00/index.html" in text
    assert "Debian's openssl moved" in str(inbox.mails[0]["Subject"])
    assert drift("check", "--as-of", "2026-11-02").code == 1
    found(image("web"))
    assert drift("check", "--as-of", "2026-11-03").code == 0
    assert len(inbox.mails) == 1


def test_a_mail_server_that_is_down_for_a_night_costs_nothing_but_the_night(
    here: Path, drift: Drift, found: Found
) -> None:
    configure(here, free_port())
    found(DRIFTED)
    ran = drift("check", "--as-of", "2026-11-01", "--format", "json")
    assert ran.code == 1
    assert ran.out.startswith("{")
    said = "not delivered: mail to team@example.org (drift.toml:8)"
    assert f"drift: {said}: cannot reach the mail server: Connection refused" in ran.err
    assert f"drift: {said}, night of 2026-11-01: cannot reach" in drift("report").err
    assert said in drift("doctor").out
    found(image("web"))
    assert drift("check", "--as-of", "2026-11-02").code == 0
    assert said in (here / "reports" / "index.html").read_text()
    with mail_server() as inbox:
        configure(here, inbox.port)
        assert drift("check", "--as-of", "2026-11-03").code == 0
        text, _ = inbox.parts()
    assert "- external package pkg:deb/debian/openssl 1 → 2 (web; since 2026-11-01)" in text
    assert "not delivered" not in drift("report").err
    assert "notify   1 target, all told so far" in drift("doctor").out


def test_a_run_that_cannot_be_done_is_mailed(
    here: Path, drift: Drift, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_host: object) -> None:
        raise EngineError("no engine answers", hint="start it")

    configure(here, inbox.port)
    monkeypatch.setattr(Engine, "connect", away)
    ran = drift("check")
    assert ran.code == 2
    assert "drift: error: no engine answers" in ran.err
    text, page = inbox.parts()
    assert "could not be checked" in str(inbox.mails[0]["Subject"])
    assert "no engine answers (start it)" in text
    assert "no engine answers (start it)" in page
    assert drift("check", "nosuch").code == 2
    assert len(inbox.mails) == 1, "a wrong name is for who typed it"


def test_a_bug_is_mailed_too_and_says_no_secret(
    here: Path, drift: Drift, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(*_: object, **__: object) -> Night:
        raise RuntimeError("surprise hunter2secret")

    configure(here, inbox.port, '[heartbeat]\nurl = "http://127.0.0.1:1/${TOKEN}"')
    monkeypatch.setenv("TOKEN", "hunter2secret")
    monkeypatch.setattr(job, "check", check)
    ran = drift("check")
    assert ran.code == 2
    text, page = inbox.parts()
    assert "a bug in drift: RuntimeError: surprise ***" in text
    assert "hunter2" not in text + page + ran.err


def test_a_replay_of_the_past_tells_nobody(
    here: Path, drift: Drift, inbox: Inbox, found: Found
) -> None:
    configure(here, inbox.port)
    found(image("web"))
    drift("check", "--as-of", "2026-11-09")
    found(DRIFTED)
    assert drift("check", "--as-of", "2026-11-02").code == 1
    assert inbox.mails == []


def test_the_heartbeat_follows_each_finished_run_and_no_other(
    here: Path, drift: Drift, hook: Hook, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(here, free_port(), f'[heartbeat]\nurl = "{hook.url}/ping/${{TOKEN}}"')
    monkeypatch.setenv("TOKEN", "hunter2secret")
    found(image("web"))
    assert drift("check", "--as-of", "2026-11-01").code == 0
    assert [request.path for request in hook.requests] == ["/ping/hunter2secret"]
    hook.answers = [500] * 3
    ran = drift("check", "--as-of", "2026-11-02")
    assert ran.code == 0
    assert "the heartbeat's URL was not reached: the server answered 500" in ran.err
    assert "hunter2" not in ran.err
    monkeypatch.setattr(job, "check", lambda *_, **__: (_ for _ in ()).throw(EngineError("no")))
    asked = len(hook.requests)
    assert drift("check", "--as-of", "2026-11-03").code == 2
    assert len(hook.requests) == asked


def test_a_test_message_is_sent_to_every_target(
    here: Path, drift: Drift, inbox: Inbox, hook: Hook
) -> None:
    configure(here, inbox.port, f'[[notify]]\nwebhook = "{hook.url}/t0ken"\n')
    ran = drift("notify", "--test")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "ok    mail to team@example.org (drift.toml:8)",
        "ok    webhook (drift.toml:10)",
    ]
    assert "This is a test" in inbox.parts()[0]
    hook.answers = [404] * 3
    ran = drift("notify", "--test")
    assert ran.code == 2
    assert ran.out.splitlines()[1] == (
        "fail  webhook (drift.toml:10): the server answered 404 Not Found"
    )
    assert not (here / ".drift").exists()


def test_doctor_knows_a_url_that_leads_nowhere(here: Path, drift: Drift) -> None:
    configure(here, free_port(), '[[notify]]\nurl = "nosuch://s3cret"\n')
    said = drift("doctor").out
    assert "warn  notify   url (drift.toml:10): Apprise knows no such service" in said
    assert "s3cret" not in said


def test_what_could_not_be_delivered_is_told_on_demand(
    here: Path, drift: Drift, found: Found
) -> None:
    configure(here, free_port())
    found(DRIFTED)
    drift("check", "--as-of", "2026-11-01")
    with mail_server() as inbox:
        configure(here, inbox.port)
        assert drift("notify").code == 0
        assert drift("notify").out == "Nothing to tell that has not been told.\n"
        assert len(inbox.mails) == 1
