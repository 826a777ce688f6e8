"""Mail, as a real server on loopback receives it."""

from __future__ import annotations

import html.parser
import re
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from drift.config.model import Notify, Smtp
from drift.errors import PublishError
from drift.publish.items import Item, Of
from drift.publish.mail import Mail
from drift.publish.message import Message, What, about_run
from drift.report.mail import sent_size
from support import report_samples as samples
from support.certificates import make_certificates
from support.configured import configured
from support.receivers import Inbox, mail_server, silent_server
from support.serving import free_port

PAGE = "https://drift.example.org/runs/r1/index.html"
EVENT = Item(Of.DRIFT, "external", "package", "pkg:deb/debian/openssl", "1", "2", ("web",))


def settings(
    root: Path, port: int, more: str = "", to: str = '"team@example.org"'
) -> tuple[Notify, Smtp]:
    text = (
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'sender = "drift <drift@example.org>"\n[[notify]]\nmail = [{to}]\n{more}\n'
    )
    config = configured(root, text)
    assert config.smtp is not None
    return config.notify[0], config.smtp


def send(config: tuple[Notify, Smtp], told: Message, target: str = "t") -> None:
    Mail(*config, target).send(told, 5)


def message(document: dict[str, Any], **more: Any) -> Message:
    told: dict[str, Any] = {"new": (EVENT,), "page": PAGE, **more}
    return Message(What.RUN, samples.NIGHT, about_run(document), "r1", document=document, **told)


TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "body",
    "table",
    "tr",
    "td",
    "div",
    "span",
    "b",
    "br",
    "wbr",
    "a",
}


class _Tags(html.parser.HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_both_parts_say_the_same(tmp_path: Path, inbox: Inbox) -> None:
    send(settings(tmp_path, inbox.port), message(samples.fleet()))
    text, page = inbox.parts()
    assert inbox.envelopes == [("drift@example.org", ["team@example.org"])]
    shown = _Tags(page)
    for said in (
        "1 could not be checked: db",
        "external package pkg:deb/debian/openssl 1 → 2 (web)",
        "risk: setuid",
        "app.c:7: error: 'SSL_OLD' undeclared",
        PAGE,
    ):
        assert said in text
        assert said in shown.text
    assert all(len(line) <= 80 for line in text.splitlines() if PAGE not in line)


def test_the_html_part_loads_and_runs_nothing(tmp_path: Path, inbox: Inbox) -> None:
    send(settings(tmp_path, inbox.port), message(samples.fleet()))
    shown = _Tags(inbox.parts()[1])
    assert shown.tags <= TAGS
    names = {name for name, _ in shown.attributes}
    assert not names & {"src", "background", "srcset", "class", "id", "onload"}
    assert {value for name, value in shown.attributes if name == "href"} == {PAGE}
    assert not any("url(" in (value or "") for name, value in shown.attributes if name == "style")


def test_headers_thread_the_mails_of_an_event_and_ask_for_no_answer(
    tmp_path: Path, inbox: Inbox
) -> None:
    config = settings(tmp_path, inbox.port)
    for run in ("r1", "r1", "r2"):
        moved = replace(message(samples.fleet()), run=run)
        send(config, moved)
    send(config, message(samples.fleet()), target="another")
    ids = [str(mail["Message-ID"]) for mail in inbox.mails]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"<[a-z0-9.]+@example\.org>", one) for one in ids)
    references = [str(mail["References"]) for mail in inbox.mails]
    assert len(set(references[:3])) == 1
    assert inbox.mails[0]["Auto-Submitted"] == "auto-generated"
    subject = str(inbox.mails[0]["Subject"])
    assert subject.startswith("drift: 1 of 5 images drifted: debian:bookworm-slim was pushed anew")
    assert len(subject) == 150
    assert inbox.mails[0]["Date"] is not None


def test_nothing_of_a_hostile_image_acts_in_a_mail(tmp_path: Path, inbox: Inbox) -> None:
    document = samples.document_of(samples.hostile(f"evil{samples.HOSTILE}\r\nBcc: x@y.example"))
    hostile = replace(EVENT, subject=samples.HOSTILE, after=samples.HOSTILE)
    send(settings(tmp_path, inbox.port), message(document, new=(hostile,)))
    mail = inbox.mails[0]
    assert "Bcc" not in mail
    assert inbox.envelopes[0][1] == ["team@example.org"]
    assert str(mail["Subject"]).isprintable()
    text, page = inbox.parts()
    for part in (text, page, str(mail["Subject"])):
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", part
        )
    shown = _Tags(page)
    assert shown.tags <= TAGS
    assert {value for name, value in shown.attributes if name == "href"} == {PAGE}
    assert "<script>alert(1)</script>" in shown.text
    assert not re.search(r"(?i)(?<!example\.org/)://|www\.|[^>]@", page.replace(PAGE, ""))


@pytest.mark.parametrize("number", [1, 1500])
def test_no_fleet_makes_the_html_part_larger_than_readers_show(number: int) -> None:
    from drift.publish.mail import html_part, text_part

    one = samples.document_of(samples.drifted(), samples.broken(), samples.quiet())
    images = [
        {**image, "name": f"{image['name']}-{n}"} for n in range(number) for image in one["images"]
    ]
    document = {**one, "images": images}
    many = tuple(replace(EVENT, subject=f"ü{n}" * 20) for n in range(number))
    told = message(document, new=many)
    page = html_part(told)
    assert page.isascii()
    assert sent_size(page) < 90_000
    assert page.rstrip().endswith("</html>")
    assert page.count("<table") == page.count("</table>")
    assert ("This mail is cut here" in page) == (number > 1)
    assert len(text_part(told)) < 100_000


def test_the_page_is_attached_where_that_is_asked_for(tmp_path: Path, inbox: Inbox) -> None:
    send(settings(tmp_path, inbox.port, "attach = true"), message(samples.fleet()))
    (attached,) = inbox.mails[0].iter_attachments()
    assert attached.get_filename() == "drift-2026-11-23.html"
    assert attached.get_content().lstrip().lower().startswith("<!doctype html>")
    send(settings(tmp_path, inbox.port), message(samples.fleet()))
    assert list(inbox.mails[1].iter_attachments()) == []


def test_who_was_refused_is_tried_again_alone(tmp_path: Path, inbox: Inbox) -> None:
    inbox.refused = {"b@example.org"}
    config = settings(tmp_path, inbox.port, to='"A <a@example.org>", "b@example.org"')
    channel = Mail(config[0], config[1], "t")
    with pytest.raises(PublishError, match=r"refused 1 of 2 addresses \(550\)"):
        channel.send(message(samples.fleet()), 5)
    inbox.refused = set()
    channel.send(message(samples.fleet()), 5)
    assert [envelope[1] for envelope in inbox.envelopes] == [["a@example.org"], ["b@example.org"]]


def test_a_server_that_hangs_up_after_the_mail_has_it(tmp_path: Path, inbox: Inbox) -> None:
    inbox.hangs_up = True
    send(settings(tmp_path, inbox.port), message(samples.fleet()))
    assert inbox.tries == len(inbox.mails) == 1


def test_what_the_server_says_is_told_inertly(tmp_path: Path, inbox: Inbox) -> None:
    inbox.refusals = ["554 \x1b[31mno"]
    with pytest.raises(PublishError, match=r"answered 554 \\x1b\[31mno"):
        send(settings(tmp_path, inbox.port), message(samples.fleet()))


def test_a_server_that_is_not_there_or_silent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="cannot reach the mail server: Connection refused"):
        send(settings(tmp_path, free_port()), message(samples.fleet()))
    with silent_server() as port:
        began = time.monotonic()
        notify, smtp = settings(tmp_path, port)
        with pytest.raises(PublishError, match="did not answer in time"):
            Mail(notify, smtp, "t").send(message(samples.fleet()), 0.2)
        assert time.monotonic() - began < 20


def test_a_server_that_wants_no_mail_without_encryption_is_asked_for_it(tmp_path: Path) -> None:
    with mail_server() as inbox:
        notify, smtp = settings(tmp_path, inbox.port)
        with pytest.raises(PublishError, match="STARTTLS"):
            send((notify, replace(smtp, security="starttls")), message(samples.fleet()))
        assert inbox.mails == []


def test_mail_goes_over_tls_to_who_can_prove_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server-cert.pem", tmp_path / "server-key.pem")
    names: list[tuple[bytes, bytes]] = []

    def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
        names.append((data.login, data.password))
        return AuthResult(success=data.password == b"pass word", handled=False)

    options = {"tls_context": context, "require_starttls": True, "authenticator": login}
    with mail_server(**options) as inbox:
        notify, smtp = settings(tmp_path, inbox.port)
        smtp = replace(smtp, security="starttls", user="drift", password="pass word")
        with pytest.raises(PublishError, match="certificate"):
            send((notify, smtp), message(samples.fleet()))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        send((notify, smtp), message(samples.fleet()))
        assert names == [(b"drift", b"pass word")]
        assert len(inbox.mails) == 1
        with pytest.raises(PublishError, match="answered 535"):
            send((notify, replace(smtp, password="wrong")), message(samples.fleet()))
