"""The channels by configuration: which one a target has, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from drift.config.model import Config, Notify
from drift.errors import PublishError
from drift.masking import Mask
from drift.publish.items import identity
from drift.publish.port import Channel
from drift.report.escape import visible


def channel_of(notify: Notify, config: Config, target: str, mask: Mask) -> Channel:
    """A channel for one message to a target; what it needs is imported when it is asked for."""
    if notify.webhook is not None:
        from drift.publish.webhook import Webhook

        return Webhook(notify)
    if notify.mail and config.smtp is not None:
        from drift.publish.mail import Mail

        return Mail(notify, config.smtp, target)
    from drift.publish.chat import Chat

    return Chat(notify, mask)


def troubles(config: Config) -> Iterator[str]:
    """What is wrong with the targets, as far as it shows without sending anything."""
    from drift.publish.chat import Chat

    for notify in config.notify:
        if notify.url is not None:
            try:
                Chat(notify, Mask(config.masked)).target()
            except PublishError as error:
                yield f"{name_of(notify, config)}: {error.message}"


def receivers(notify: Notify) -> list[Notify]:
    """Who is told by an entry, one by one: a mail may reach one address and not the other."""
    addresses = dict.fromkeys(notify.mail)
    return [replace(notify, mail=(address,)) for address in addresses] or [notify]


def target_of(notify: Notify) -> str:
    """What a target is known by in the store: whom it reaches, and for which images."""
    address = [*sorted(notify.mail), notify.webhook or "", notify.url or ""]
    return identity("target", *address, "for", *sorted(notify.images))


def name_of(notify: Notify, config: Config) -> str:
    """What people call a target: never by its URL, which may be secret, but by its line."""
    where = f"{config.path.name}:{notify.line}"
    if notify.mail:
        return visible(f"mail to {', '.join(notify.mail)} ({where})")
    return f"{'webhook' if notify.webhook else 'url'} ({where})"
