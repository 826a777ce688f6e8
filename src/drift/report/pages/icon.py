"""The verdict as a sign: in the tab's title and icon."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from urllib.parse import quote

from drift.attribute.model import Status

Part = dict[str, Any]


class Sign(StrEnum):
    """What a tab says at a glance."""

    GOOD = "good"
    FLAGGED = "flagged"
    UNKNOWN = "unknown"

    @property
    def mark(self) -> str:
        """One character for a title."""
        return {Sign.GOOD: "✓", Sign.FLAGGED: "✗", Sign.UNKNOWN: "?"}[self]


_COLOURS = {Sign.GOOD: "#1a7f45", Sign.FLAGGED: "#c2312d", Sign.UNKNOWN: "#7048b8"}
_SHAPES = {
    Sign.GOOD: "<path d='M9 16.5l5 5 9-11' fill='none' stroke='#fff' stroke-width='3.5'/>",
    Sign.FLAGGED: "<path d='M10 10l12 12M22 10L10 22' stroke='#fff' stroke-width='3.5'/>",
    Sign.UNKNOWN: "<path d='M11.5 12.5a4.500 4.500 0 1 1 6.500 4q-2 1-2 3.500M16 24v1' fill='none' "
    "stroke='#fff' stroke-width='3.500'/>",
}


def sign_of(images: list[Part]) -> Sign:
    """The sign of a fleet, or of one image."""
    if any(image["flagged"] or image["status"] == Status.BROKEN for image in images):
        return Sign.FLAGGED
    return Sign.UNKNOWN if any(i["status"] == Status.UNKNOWN for i in images) else Sign.GOOD


def icon(sign: Sign) -> str:
    """The sign as a ``data:`` URL of an SVG image."""
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
        f"<rect width='32' height='32' rx='9' fill='{_COLOURS[sign]}'/>{_SHAPES[sign]}</svg>"
    )
    return "data:image/svg+xml," + quote(svg, safe="/:='")
