"""The port of all channels: one way to send, and one kind of error."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from drift.errors import PublishError
from drift.publish.message import Message

__all__ = ["Channel", "PublishError"]


class Channel(Protocol):
    """Sends messages to one target; made anew for each message.

    :meth:`send` is one try. A second try of the same message carries the same ids, so that a
    receiver can tell that it is the same. ``reached`` are those of several addresses that have
    it, though sending it to all of them failed.
    """

    reached: Collection[str] = ()

    def send(self, message: Message, timeout: float) -> None:
        """Send it, waiting for no answer longer than ``timeout`` seconds.

        Raises:
            PublishError: it did not arrive. The message says why and names no address.
        """
        ...
