"""Texts that differ only in renderings of their own build's date and time."""

from __future__ import annotations

from dataclasses import dataclass

from drift.snapshot.forms.dates.masked import masked
from drift.snapshot.forms.dates.span import Span, span_of
from drift.snapshot.forms.model import Window

__all__ = ["Dates", "Span", "masked", "span_of", "text"]

_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_TEXT = bytes(set(range(256)) - set(_CONTROL))


def text(start: bytes) -> bool:
    """Whether content that starts so is text: no control characters but white space."""
    return not start.translate(None, _TEXT)


@dataclass(frozen=True, slots=True)
class Dates:
    """Content in which the dates and times of the build's window are masked.

    Equal masked contents say that nothing but such renderings differs; that the build's clock
    made them, and not the world, is a rule's reading: not exact. Not of this form: content
    that has no such rendering.
    """

    name: str = "dates"
    kind: str = "timestamp"
    exact: bool = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content with a placeholder for each rendering; None where there is none."""
        del path
        result = masked(content, window)
        return None if result == content else result
