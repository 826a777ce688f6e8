"""Mail, with the standard library: a text part and an HTML part that loads nothing.

The text part is the terminal report with whole addresses, the HTML part tables with inline
style (:mod:`drift.report.mail`). A mail that is tried again has the same Message-ID (RFC 5322);
its References name each event that is new in it, so that readers show an event's mails as one
thread. ``Auto-Submitted: auto-generated`` (RFC 3834) keeps it from being answered by machines.
"""

from __future__ import annotations

import smtplib
import ssl
import textwrap
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from drift.config.model import Notify, Smtp
from drift.errors import PublishError
from drift.publish.items import identity
from drift.publish.message import Message, What, paragraphs
from drift.publish.port import Channel
from drift.report import mail, text
from drift.report.escape import visible
from drift.report.formats import FORMATS

_THREADS = 10  # events that a mail refers to
_TEXT = 90_000  # characters of the text part
_QUOTED = "quoted-printable"  # servers without 8BITMIME take it too


class Mail(Channel):
    """The channel of some addresses; see :class:`drift.publish.port.Channel`."""

    def __init__(self, notify: Notify, smtp: Smtp, target: str) -> None:
        self._smtp, self._target, self._attach = smtp, target, notify.attach
        self._to = notify.mail
        self._at = datetime.now(UTC)

    def send(self, message: Message, timeout: float) -> None:
        composed = self.compose(message)
        try:
            refused = self._deliver(composed, timeout)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise PublishError(_reason(error)) from None
        if refused:
            codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
            left = self._left
            taken = [address for address in left if parseaddr(address)[1] not in refused]
            self.reached = (*self.reached, *taken)
            raise PublishError(
                f"the server refused {len(refused)} of {len(left)} addresses ({codes})"
            )

    @property
    def _left(self) -> list[str]:
        """The addresses that do not have it yet."""
        return [address for address in self._to if address not in self.reached]

    def _deliver(self, composed: EmailMessage, timeout: float) -> dict[str, tuple[int, bytes]]:
        """Hand the mail to the server; the addresses that it refused."""
        smtp = self._smtp
        context = ssl.create_default_context()
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, timeout=timeout, context=context
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=timeout)
        with closing(server):
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.user is not None and smtp.password is not None:
                server.login(smtp.user, smtp.password)
            refused = server.send_message(composed, to_addrs=[parseaddr(a)[1] for a in self._left])
            with suppress(OSError, smtplib.SMTPException):
                server.quit()  # the mail is taken: without a farewell, it is not sent again
            return refused

    def compose(self, message: Message) -> EmailMessage:
        """The mail, with a text part and an HTML part."""
        composed = EmailMessage(policy=SMTP)
        composed["Subject"] = message.subject
        composed["From"] = self._smtp.sender
        composed["To"] = ", ".join(self._left)
        composed["Date"] = format_datetime(self._at)
        composed["Message-ID"] = self._id(
            "message", message.run or self._at.isoformat(), *sorted(self._to)
        )
        events = [item.id for item in message.new if item.origin is not None][:_THREADS]
        if events:
            composed["References"] = " ".join(self._id("event", event) for event in events)
        composed["Auto-Submitted"] = "auto-generated"
        composed.set_content(text_part(message), cte=_QUOTED)
        composed.add_alternative(html_part(message), subtype="html", cte=_QUOTED)
        if self._attach and message.document is not None:
            page = FORMATS["html"](message.document)
            name = f"drift-{message.night}.html"
            composed.add_attachment(page, subtype="html", filename=name)
        return composed

    def _id(self, kind: str, *of: str) -> str:
        """An id of RFC 5322: the same for the same thing, and another for another target."""
        domain = parseaddr(self._smtp.sender)[1].rpartition("@")[2]
        return f"<{kind}.{identity(self._target, *of)[:32]}@{Address(domain=domain).domain}>"


def _reason(error: Exception) -> str:
    """Why a server did not take a mail: its code, or the machine's own words."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        told = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"the mail server answered {error.smtp_code} {visible(told)[:200]}".rstrip()
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "the mail server did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot reach the mail server: {visible(error.strerror)}"
    return f"the mail server failed: {type(error).__name__}: {visible(str(error))[:200]}"


def text_part(message: Message) -> str:
    """What is new, and the terminal report, with the page's whole address."""
    lines = [] if message.document is not None else [*_wrapped(message.verdict, ""), ""]
    if message.page:
        lines += [message.page, ""]
    for title, said in paragraphs(message):
        lines += [f"{title}:"] if title else []
        lines += [piece for line in said for piece in _wrapped(line)] + [""]
    if message.document is not None:
        lines += text.render(message.document).splitlines()
    whole = "\n".join(lines).rstrip() + "\n"
    if len(whole) <= _TEXT:
        return whole
    return (
        whole[: whole.rindex("\n", 0, _TEXT)] + "\n\nThis mail is cut here; the page has it all.\n"
    )


def _wrapped(line: str, mark: str = "- ") -> list[str]:
    return textwrap.wrap(
        visible(line),
        text.WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def html_part(message: Message) -> str:
    """The same as tables."""
    return mail.render(
        message.document,
        verdict=message.verdict,
        paragraphs=list(paragraphs(message)),
        page=message.page,
        is_test=message.what is What.TEST,
    )
