"""The badge: the newest run in a small picture, for a README."""

from __future__ import annotations

from typing import Any

from markupsafe import escape

from drift.attribute.model import Status
from drift.report.pages.icon import Sign, sign_of

_COLOURS = {Sign.GOOD: "#1a7f45", Sign.FLAGGED: "#c2312d", Sign.UNKNOWN: "#7048b8"}
_LABEL = "drift"
_CHARACTER = 6.6  # pixels, of the widest digits in the font's fallbacks
_MARGIN = 10


def render(document: dict[str, Any]) -> str:
    """The badge as an SVG image that holds nothing of any image: counts alone."""
    said, sign = _said(document["images"]), sign_of(document["images"])
    left, right = _width(_LABEL), _width(said)
    title = escape(f"{_LABEL}: {said}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b444d"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[sign]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-size="11" '
        'font-family="Verdana,DejaVu Sans,sans-serif">'
        f'<text x="{left / 2}" y="14">{_LABEL}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(said)}</text></g></svg>\n'
    )


def _said(images: list[dict[str, Any]]) -> str:
    flagged = sum(bool(image["flagged"]) for image in images)
    unknown = sum(image["status"] == Status.UNKNOWN and not image["flagged"] for image in images)
    if flagged:
        return f"{flagged} of {len(images)} flagged"
    return f"{unknown} of {len(images)} unknown" if unknown else f"{len(images)} quiet"


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _MARGIN
