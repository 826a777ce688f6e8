"""What an issue says. All that strangers wrote stands in code spans and fences.

A text is made of what stands, not of the night on which it is written: the same event gives the
same text, and an issue is changed only where there is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drift.publish.github.marker import Marker
from drift.publish.github.model import BODY, TITLE
from drift.report import words
from drift.report.escape import visible
from drift.report.markdown import code, fence
from drift.report.remedies import docs_page, remedies
from drift.store.standing import StandingEvent

Part = dict[str, Any]

_SUBJECT = 120  # characters of a subject in a title
_IMAGES = 60
_EVIDENCE = 12
_RESERVE = 300
_LINE = 300  # characters of a line that can be copied
_LANGUAGES = {"dockerfile": "dockerfile", "shell": "sh", "toml": "toml", "package": "text"}

_HAPPENED = {
    "base-image": "moved",
    "package": "moved",
    "package-republished": "was published again with other bytes",
    "package-index": "moved",
    "remote-content": "serves something else",
    "git-remote": "moved",
    "source-unavailable": "cannot be had",
    "broken": "does not build",
}
_NAMED = {"broken": "image", "source-unavailable": "source"}
_ENDS = {True: "the images build again without it", False: "a person closes it, as known"}


@dataclass(frozen=True, slots=True)
class Words:
    """What is said beside the event: the report's address, and the night's document."""

    report: str | None = None
    document: Mapping[str, Any] | None = None


def title(event: StandingEvent) -> str:
    """``package `pkg:deb/debian/openssl` moved``."""
    subject = words.cut(visible(event.subject), _SUBJECT)
    broke = "build broken: " if _broke(event) else ""
    return f"{broke}{_named(event, subject)} {_happened(event)}"[:TITLE]


def _broke(event: StandingEvent) -> bool:
    """Whether its words do not say by themselves that nothing can be built."""
    return event.is_break and event.kind not in _NAMED


def _named(event: StandingEvent, subject: str) -> str:
    kind = _kind(event)
    return code(subject) if kind == "failure" else f"{_NAMED.get(event.kind, kind)} {code(subject)}"


def _happened(event: StandingEvent) -> str:
    return "fails" if _kind(event) == "failure" else _HAPPENED.get(event.kind, "changed")


def _kind(event: StandingEvent) -> str:
    return words.kind({"kind": event.kind, "subject": event.subject})


def body(event: StandingEvent, marker: Marker, told: Words) -> str:
    """The issue's text; its first line is the marker."""
    found = _cause(event, told)
    broke = "The build is broken: the " if _broke(event) else "The "
    return _fitted(
        [
            str(marker),
            f"{broke}{_named(event, event.subject)} {_happened(event)}{_move(event)}.",
            "",
            *_facts(event, told),
            *(_evidence(*found) if found else ()),
            *(_to_do(event, *found) if found else ()),
            "",
            f"drift keeps this issue: it stands until {_ENDS[event.is_break]}."
            " It is known by its first, hidden line and its label; the title may be changed.",
        ]
    )


def news(event: StandingEvent) -> str:
    """The comment for an event that is news again."""
    return f"The night of {event.moved}: it {_happened(event)}{_move(event)}."


def more_images(names: Sequence[str]) -> str:
    """The comment for an event that touches more images than it did."""
    return f"It touches more images now: {_listed(names)}."


def closing(night: str, *, is_break: bool) -> str:
    """The comment for an event that stands no more."""
    why = "the images build again without it" if is_break else "the change has been accepted"
    return f"The night of {night}: {why}. drift closes this issue."


def double(number: int) -> str:
    """The comment for an issue that says what another says."""
    return f"The same as #{number}: two runs opened an issue at once."


COLLECTED = "more events than issues: the rest of them"


def collected_body(events: Sequence[StandingEvent], marker: Marker, told: Words) -> str:
    """One issue for all that have none of their own."""
    head = [
        str(marker),
        "So much happened at once that these events have no issue of their own.",
        "",
    ]
    foot = [*_link(told), "", "drift keeps this issue, and closes it when none of these stands."]
    lines = [
        f"- {_named(event, event.subject)} {_happened(event)}{_move(event)}, "
        f"since {event.since}, in {words.counted(len(event.images), 'image')}"
        for event in events
    ]
    return _fitted(head, lines, foot)


def _facts(event: StandingEvent, told: Words) -> Iterator[str]:
    yield f"- **{event.origin}**: {words.MEANINGS[event.origin]}"
    yield f"- since the night of {event.since}"
    yield f"- in {_listed(event.images)}"
    yield f"- [what this means, and what to do]({docs_page(event.kind)})"
    yield from _link(told)


def _link(told: Words) -> Iterator[str]:
    if told.report:
        yield f"- [the report]({told.report})"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _IMAGES
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(code(name) for name in names[:_IMAGES]) + rest


def _move(event: StandingEvent) -> str:
    moved = words.move({"before": event.before, "after": event.after})
    return f": {code(moved)}" if moved else ""


def _cause(event: StandingEvent, told: Words) -> tuple[Part, Part] | None:
    """The event's cause on the newest night, and the image that shows it."""
    for image in (told.document or {}).get("images", ()):
        for cause in image["causes"]:
            if (cause["origin"], cause["kind"], cause["subject"]) == event.key:
                return cause, image
    return None


def _evidence(cause: Part, image: Part) -> Iterator[str]:
    yield from ("", f"How {code(image['name'])} shows it ({cause['grade']}):", "")
    yield from (f"- {code(fact)}" for fact in _told(cause))


def _to_do(event: StandingEvent, cause: Part, image: Part) -> Iterator[str]:
    """Ready lines; for the night on which the event moved, so that they stay the same."""
    for remedy in remedies(cause, image, event.moved):
        lines = remedy.line.split("\n")
        if all(len(line) <= _LINE for line in lines):
            yield from ("", f"{remedy.title}:", "", fence(lines, _LANGUAGES[remedy.language]))


def _told(cause: Part) -> Iterator[str]:
    place = cause["instruction"]
    if place:
        yield f"line {place['line']}: {place['text']}"
    yield words.volume(cause)
    if cause["risk"]:
        yield f"risk: {', '.join(cause['risk'])}"
    yield from cause["evidence"][:_EVIDENCE]


def _fitted(head: Iterable[str], lines: Iterable[str] = (), foot: Iterable[str] = ()) -> str:
    """Whole lines, of which those in the middle are left out where they are too many."""
    first, last, rest = list(head), list(foot), list(lines)
    room = BODY - _RESERVE - sum(len(line) + 1 for line in (*first, *last))
    kept: list[str] = []
    for line in rest:
        room -= len(line) + 1
        if room < 0:
            kept.append(f"- and {len(rest) - len(kept)} more")
            break
        kept.append(line)
    return "\n".join((*first, *kept, *last))
