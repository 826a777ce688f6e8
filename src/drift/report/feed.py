"""The feed: events as an Atom document (RFC 4287), the newest first.

An entry's id is that of the event and its first night, so that a reader is told once of what
stands for weeks. Text is text: no markup is in it that an event could have written.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from drift.report import words
from drift.report.escape import visible
from drift.report.places import event_anchor
from drift.report.verdicts import event_in_words

NAMESPACE = "http://www.w3.org/2005/Atom"
ENTRIES = 100


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event, since when it stands, and the images that it touches."""

    origin: str
    kind: str
    subject: str
    since: date
    images: tuple[str, ...]
    before: str | None = None
    after: str | None = None


def render(events: Iterable[FeedEvent], updated: datetime, url: str | None) -> str:
    """The feed; links lead to the index at ``url``, or are relative without it."""
    ET.register_namespace("", NAMESPACE)
    feed = ET.Element(_tag("feed"))
    root = f"{url.rstrip('/')}/" if url else ""
    _add(feed, "title", "drift: what moved")
    _add(feed, "id", root or "urn:drift:events")
    _add(feed, "updated", updated.astimezone(UTC).isoformat(timespec="seconds"))
    _add(ET.SubElement(feed, _tag("author")), "name", "drift")
    ET.SubElement(feed, _tag("link"), rel="alternate", href=f"{root}index.html")
    newest = sorted(events, key=lambda e: (e.since, e.kind, e.subject), reverse=True)
    for event in newest[:ENTRIES]:
        _entry(feed, event, root)
    ET.indent(feed)
    return ET.tostring(feed, encoding="unicode", xml_declaration=True) + "\n"


def _entry(feed: ET.Element, event: FeedEvent, root: str) -> None:
    part = {key: getattr(event, key) for key in ("origin", "kind", "subject", "before", "after")}
    entry = ET.SubElement(feed, _tag("entry"))
    said = event_in_words(part)
    _add(entry, "title", f"{said[:1].upper()}{said[1:]}")
    key = "\0".join((event.origin, event.kind, event.subject, event.since.isoformat()))
    digest = hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()
    _add(entry, "id", f"urn:drift:event:{digest[:32]}")
    _add(entry, "updated", datetime.combine(event.since, time(), UTC).isoformat())
    anchor = event_anchor(event.origin, event.kind, event.subject)
    ET.SubElement(entry, _tag("link"), rel="alternate", href=f"{root}index.html{anchor}")
    ET.SubElement(entry, _tag("category"), term=event.origin)
    _add(entry, "summary", _summary(event, part))


def _summary(event: FeedEvent, part: dict[str, str]) -> str:
    move = words.move(part)
    where = words.some(event.images, 20)
    subject = f"{event.origin} {words.kind(part)}: {event.subject}"
    return f"{subject} {move} in {where}" if move else f"{subject} in {where}"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, _tag(name)).text = visible(text)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
