"""Any service that Apprise knows, with a short text of its own.

Channels cut at 1,000 to 4,000 characters, so all that is said fits into 1,000: the verdict, the
five most urgent things, and the link. Untrusted text has nothing left that a channel would act
on: no mention, no link, no markup. Apprise's log goes nowhere; what it says of a failure is
masked, because it may quote the URL.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from drift import __version__
from drift.config.model import Notify
from drift.errors import PublishError
from drift.masking import SHORTEST, Mask
from drift.publish.message import Message, item_in_words
from drift.publish.port import Channel
from drift.report.escape import visible

if TYPE_CHECKING:
    from apprise import Apprise

LONGEST = 1000  # characters, a little less than that
_EVENTS = 5
_LINE = 150
_VERDICT = 200
_REASON = 200
_LOOKALIKE = str.maketrans("@<>`[]|&#", "＠‹›ˋ［］¦＆＃")
_ADDRESS = re.compile(r"(:)(?=//)|(?i:\bwww(\.)|\b(?:javascript|data|mailto|tel)(:))")


class Chat(Channel):
    """The channel of one Apprise URL; see :class:`drift.publish.port.Channel`."""

    def __init__(self, notify: Notify, mask: Mask) -> None:
        self._url = str(notify.url)
        self._mask, self._own = mask, Mask(_pieces(self._url))

    def send(self, message: Message, timeout: float) -> None:
        import apprise

        target = self.target()
        kind = apprise.NotifyType.WARNING if message.is_bad else apprise.NotifyType.INFO
        plain = apprise.NotifyFormat.TEXT
        told = target.notify(
            body=text(message), notify_type=kind, body_format=plain, timeout=timeout
        )
        if not told:
            raise PublishError(self._reason([entry.message for entry in told.logs()]))

    def target(self) -> Apprise:
        """The service that the URL names; nothing is sent.

        Raises:
            PublishError: there is none.
        """
        quiet()
        import apprise

        asset = apprise.AppriseAsset(
            app_id="drift", app_desc=f"drift {__version__}", storage_mode="memory", plugin_paths=[]
        )
        # One URL is one target: `add` would take a text of several apart.
        service = apprise.Apprise.instantiate(self._url, asset=asset)
        if service is None:
            raise PublishError("Apprise knows no such service, or the URL lacks a part")
        target = apprise.Apprise(asset=asset)
        target.add(service)
        return target

    def _reason(self, entries: list[str]) -> str:
        said = visible(self._own.text(self._mask.text(" ".join(entries).strip())))
        return f"Apprise: {said[:_REASON] or 'the service did not take it'}"


def quiet() -> None:
    """Let Apprise's log lead nowhere: it quotes addresses."""
    logger = logging.getLogger("apprise")
    logger.propagate = False


def _pieces(url: str) -> Iterator[str]:
    """What of a URL must not be told: each of its parts, as written and decoded."""
    yield url
    for piece in re.split(r"[/?&=:@,]+", url.partition("://")[2]):
        for form in (piece, unquote(piece)):
            if len(form) >= SHORTEST:
                yield form


def text(message: Message) -> str:
    """All that a channel is told, in fewer than 1,000 characters."""
    link = [message.page] if message.page else []
    room = LONGEST - 1 - sum(len(line) + 1 for line in link)
    lines = [plain(message.verdict, _VERDICT)]
    told = list(_told(message))
    lines += [f"- {line}" for line in told[:_EVENTS]]
    if len(told) > _EVENTS:
        lines.append(f"and {len(told) - _EVENTS} more")
    said = "\n".join(lines)
    while len(said) > room and len(lines) > 1:
        lines.pop()
        said = "\n".join(lines)
    return "\n".join([said[:room], *link])


def _told(message: Message) -> Iterator[str]:
    yield from (plain(line) for line in message.lines)
    yield from (
        plain(item_in_words(item, message.night)) for item in (*message.new, *message.known)
    )


def plain(untrusted: str, longest: int = _LINE) -> str:
    """Text that no channel takes for anything but text.

    What begins a mention, a link or markup is replaced by a sign that looks like it; an
    address is written so that it is none (``https[:]//…``).
    """
    shown = visible(untrusted).translate(_LOOKALIKE)
    shown = _ADDRESS.sub(lambda match: f"{match[0][:-1]}[{match[0][-1]}]", shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
