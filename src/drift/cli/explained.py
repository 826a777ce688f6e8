"""What ``drift explain`` prints, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from drift.cli.nights import night_of, over_the_nights
from drift.cli.subjects import absence, differences_of

if TYPE_CHECKING:
    from drift.store.store import Store

Part = dict[str, Any]


def explanation(store: Store, image: str, subject: str | None, asked: date | None) -> Iterator[str]:
    """Why an image differs on a night, or one subject of it.

    Raises:
        StoreError: no such night is stored.
    """
    from drift.report import causes, sentences

    night, document = night_of(store, image, asked)
    yield f"{image}, night of {night}: {document['status']}: {sentences.headline(document)}"
    told = causes.by_urgency(document["causes"])
    if subject is None:
        yield from (f"  {side}" for side in sentences.sides(document))
        yield from (f"  note: {note}" for note in document["notes"])
        yield from _failures(document)
    else:
        differences = differences_of(document, subject)
        yield from (said for said, _ in differences)
        if not differences:
            yield f"{subject}: {absence(document, subject)}"
        yield from over_the_nights(store, image, subject, night)
        told = [cause for cause in told if cause["id"] in {held for _, held in differences}]
    for cause in told:
        yield from _cause(store, image, night, cause)
    yield from _builds(document)


def _failures(document: Part) -> Iterator[str]:
    from drift.report import words

    for failure in words.failures(document):
        yield ""
        yield f"{failure['what']}: {failure['message']}"
        yield from _instruction(failure["instruction"])
        if told := words.told(failure):
            yield f"  {told}"
        yield from (f"  | {line}" for line in failure["tail"])


def _cause(store: Store, image: str, night: date, cause: Part) -> Iterator[str]:
    from drift.report import causes, words

    origin = f"{cause['origin']} " if cause["origin"] else ""
    yield ""
    yield f"{origin}{words.kind(cause)}: {cause['subject']} {words.move(cause)}".rstrip()
    if cause["origin"]:
        yield f"  {words.MEANINGS[cause['origin']]}"
    yield f"  {words.volume(cause)}, {cause['grade']}: {words.MEANINGS[cause['grade']]}"
    if cause["risk"]:
        yield f"  risk: {', '.join(cause['risk'])}"
    if accepted := causes.acceptance(cause):
        yield f"  {accepted}"
    yield from _sightings(store, image, night, cause)
    yield from _instruction(cause["instruction"])
    yield from (f"  - {fact}" for fact in cause["evidence"])


def _sightings(store: Store, image: str, night: date, cause: Part) -> Iterator[str]:
    """Since when the cause stands, and which other images the same event touches."""
    from drift.store.sightings import TOLD

    key = (cause["origin"], cause["kind"], cause["subject"])
    since = store.first_night(image, *key)
    if since is not None and since <= night:
        yield f"  first seen in the night of {since}"
    if cause["origin"] not in TOLD:
        return
    nights: dict[str, list[date]] = {}
    for other, seen in store.sightings(*key):
        if other != image and seen <= night:
            nights.setdefault(other, []).append(seen)
    now, before = [], []
    for other, seen_on in sorted(nights.items()):
        if night in seen_on:
            # What was seen before something was accepted is over.
            now.append(f"{other} (since {store.first_night(other, *key) or seen_on[0]})")
        else:
            before.append(f"{other} (last on {seen_on[-1]})")
    if now:
        yield f"  also in {', '.join(now)}"
    if before:
        yield f"  earlier in {', '.join(before)}"


def _instruction(instruction: Part | None) -> Iterator[str]:
    if instruction:
        yield f"  line {instruction['line']}: {instruction['text'][:200]}".rstrip(": ")


def _builds(document: Part) -> Iterator[str]:
    from drift.report import words

    builds = words.builds(document)
    if builds:
        yield ""
        yield "builds of that night"
    for build in builds:
        failed = "" if build["ok"] else " (failed)"
        yield f"  {build['label']:<13} {build['seconds']:>6.1f} s  {build['reason']}{failed}"
