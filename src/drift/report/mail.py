"""The HTML part of a mail: tables and inline style, nothing that is loaded and nothing that runs.

Mail readers clip a part at 102 KB, so it stays below 90 KB as it is sent: whole blocks are left
out from where there is no room any more, and the mail says so.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from jinja2 import Template
from markupsafe import Markup, escape

from drift.attribute.model import Status
from drift.report import causes, words
from drift.report.escape import visible
from drift.report.order import folded, in_order, needs_a_reader
from drift.report.pages import environment

LIMIT = 88_000  # bytes, quoted-printable as they are sent
_RESERVE = 1_500  # for what ends the page
_CAUSES = 10
_TEXT = 500  # characters of one piece of untrusted text
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)|(?<=mailto)(?=:)|(?<=tel)(?=:)")
_QUIET = 20  # images with nothing to tell that have a row each

#: Background and text colour of each status: readable on light and on dark mail readers.
COLOURS = {
    Status.FIRST.value: ("#0b6b7a", "#ffffff"),
    Status.IDENTICAL.value: ("#1b6e35", "#ffffff"),
    Status.EQUIVALENT.value: ("#1b6e35", "#ffffff"),
    Status.DRIFTED.value: ("#8a5300", "#ffffff"),
    Status.BROKEN.value: ("#a3201b", "#ffffff"),
    Status.UNKNOWN.value: ("#5b3a8c", "#ffffff"),
}


def render(
    document: dict[str, Any] | None,
    *,
    verdict: str,
    paragraphs: Sequence[tuple[str, list[str]]],
    page: str | None,
    is_test: bool = False,
) -> str:
    """The part as ASCII HTML, fewer than 90 KB as it is sent.

    ``paragraphs`` are titles with lines of untrusted text, ``page`` the address that the
    report is served at.
    """
    part: Any = _template().module
    link = None if page is None else escape(page)  # drift's own, and a link
    blocks = chain([part.head(verdict, link)], _said(part, paragraphs), _report(part, document))
    kept, is_whole = _fitted(blocks)
    return _ascii("".join([*kept, part.foot(is_whole, is_test)]))


def _report(part: Any, document: dict[str, Any] | None) -> Iterator[str]:
    if document is not None:
        yield part.about(document)
        yield from _fleet(part, document["images"])
        yield from _details(part, document)


def _said(part: Any, paragraphs: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    for title, lines in paragraphs:
        yield part.title(title) if title else ""
        yield from (part.line(line) for line in lines)


def _fleet(part: Any, images: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A row an image, those that need a reader first; many quiet ones are one line."""
    shown, quiet = folded(images, _QUIET)
    yield part.title("Images")
    yield from (part.row(image) for image in shown)
    if quiet:
        yield part.line(f"and {words.counted(len(quiet), 'image')} with nothing to tell")


def _details(part: Any, document: dict[str, Any]) -> Iterator[str]:
    for image in filter(needs_a_reader, in_order(document["images"])):
        told = causes.told(image)
        failures = words.failures(image)
        if told or failures or image["notes"]:
            yield part.image(image)
        for cause in told[:_CAUSES]:
            yield part.cause(cause, causes.elsewhere(document, image, cause))
        if len(told) > _CAUSES:
            yield part.line(f"and {words.counted(len(told) - _CAUSES, 'more cause')}")
        yield from (part.failure(failure) for failure in failures)
        yield from (part.line(f"note: {note}") for note in image["notes"])


def _fitted(blocks: Iterable[str]) -> tuple[list[str], bool]:
    """The blocks that there is room for, and whether these are all; no more are made."""
    kept: list[str] = []
    used = 0
    for block in blocks:
        used += sent_size(block)
        if used > LIMIT - _RESERVE:
            return kept, False
        kept.append(block)
    return kept, True


def sent_size(html: str) -> int:
    """The bytes that a piece of the part takes in a mail."""
    return len(quopri.encodestring(_ascii(html).encode("ascii")))


def _ascii(html: str) -> str:
    """The same page in ASCII: each other character as its number."""
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


@cache
def _template() -> Template:
    """The template of the pages' environment, with what a mail makes of each value."""
    mails = environment.environment().overlay(finalize=_shown)
    return mails.get_template("mail.html.j2", globals={"colours": COLOURS})


def _shown(value: Any) -> Any:
    """Each printed value on its way out: visible, not absurdly long, and no link.

    Mail readers make links of what looks like an address; with a place to break it in, an
    address is read and copied as it is, and nothing is made of it.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    shown = words.cut(visible(value), _TEXT)
    return Markup(_ADDRESS.sub("<wbr>", str(escape(shown))))  # noqa: S704 (escaped)
