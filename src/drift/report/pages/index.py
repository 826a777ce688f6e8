"""The index: the fleet tonight, in the reader's order, and its history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from drift.report import causes, places, remedies, sentences, verdicts, words
from drift.report.fleet import Fleet, Passed
from drift.report.order import UNKNOWN, in_order, needs_a_reader, urgency
from drift.report.pages import environment
from drift.report.pages.calendar import LEGEND, days, strip
from drift.report.pages.icon import sign_of
from drift.store.queries import ImageNight

Part = dict[str, Any]

NIGHTS = 60  # cells of a strip
# Images whose strips are elements; of more, the page's script colours those that are on the
# screen: with sixty nights of fifty images they were five of six elements of the page.
COLOURFUL = 20
_NEEDING = 200  # lines
_EVENTS = 200
_NAMES = 12  # images of an event, or of a line
_TITLE = 80


def render(fleet: Fleet, passed: Sequence[Passed] = ()) -> str:
    """The fleet's page; ``passed`` is what tonight was tolerated, accepted or ignored."""
    document = fleet.document
    images = in_order(document["images"])
    shown = days(fleet.night, _length(fleet))
    needing = [image for image in images if needs_a_reader(image)]
    needs = _together(_need(fleet, image) for image in needing)
    verdict = sentences.verdict(document, fleet.quiet)
    return environment.render(
        "index.html.j2",
        document=document,
        run=document["run"],
        sign=sign_of(images),
        verdict=verdict,
        title=words.cut(verdict, _TITLE),
        notices=fleet.notices,
        needing=needs[:_NEEDING],
        needing_cut=sum(1 + len(need["alike"]) for need in needs[_NEEDING:]),
        events=[_event(fleet, event) for event in document["events"][:_EVENTS]],
        events_cut=max(0, len(document["events"]) - _EVENTS),
        rows=[
            *(_row(fleet, image, shown) for image in images),
            *(_stale_row(fleet, seen, shown) for seen in fleet.stale),
        ],
        standing=_standing(fleet),
        colourful=len(images) <= COLOURFUL,
        days=len(shown),
        until=shown[-1].isoformat(),
        most=_NAMES,
        passed=passed,
        legend_entries=LEGEND,
    )


def _length(fleet: Fleet) -> int:
    """Two weeks at least, so that a strip is one from the first night on."""
    first = min(
        (seen.night for nights in fleet.nights.values() for seen in nights), default=fleet.night
    )
    return max(14, min(NIGHTS, (fleet.night - first).days + 1))


def _need(fleet: Fleet, image: Part) -> Part:
    told = causes.told(image)
    nights = [seen for cause in told if (seen := fleet.since(cause))]
    return {
        "image": image,
        "page": _page(fleet, image["name"]),
        "said": sentences.headline(image),
        "since": min(nights, default=_bad_since(fleet, image)),
        "risks": sorted({risk for cause in told for risk in cause["risk"]})[:4],
        "step": remedies.first_step(image, fleet.night),
    }


def _together(needs: Iterable[Part]) -> list[Part]:
    """One line for images that need the same for the same reason, as one push does to many.

    ``alike`` are the others, each with its page.
    """
    found: dict[tuple[Any, ...], Part] = {}
    for need in needs:
        image, step = need["image"], need["step"]
        what = (image["status"], need["said"], need["since"], tuple(need["risks"]), step)
        first = found.setdefault(what, {**need, "alike": []})
        if first["image"] is not image:
            first["alike"].append((image["name"], need["page"]))
    return list(found.values())


def _bad_since(fleet: Fleet, image: Part) -> date | None:
    """The first of the nights in a row that an image has had its status."""
    since = None
    for seen in fleet.nights.get(image["name"], ()):
        if seen.status != image["status"]:
            break
        since = seen.night
    return since


def _event(fleet: Fleet, event: Part) -> Part:
    names = event["images"]
    return {
        **event,
        "anchor": places.event_anchor(event["origin"], event["kind"], event["subject"]),
        "said": verdicts.event_in_words(event),
        "since": fleet.since(event),
        "pages": [(name, _page(fleet, name)) for name in names[:_NAMES]],
        "more": max(0, len(names) - _NAMES),
    }


def _row(fleet: Fleet, image: Part, shown: Sequence[date]) -> Part:
    name = image["name"]
    return {
        "name": name,
        "rank": urgency(image),
        "status": image["status"],
        "flagged": image["flagged"],
        "said": sentences.headline(image),
        "page": _page(fleet, name),
        "history": places.history_page(name),
        "strip": strip(fleet.nights.get(name, ()), shown),
    }


def _stale_row(fleet: Fleet, seen: ImageNight, shown: Sequence[date]) -> Part:
    """An image that did not run on the newest night: silence is not "all well"."""
    return {
        "name": seen.image,
        "rank": UNKNOWN,
        "status": "unknown",
        "flagged": False,
        "said": f"not built tonight; last on {seen.night}: {seen.status}",
        "page": _page(fleet, seen.image),
        "history": places.history_page(seen.image),
        "strip": strip(fleet.nights.get(seen.image, ()), shown),
    }


def _standing(fleet: Fleet) -> list[Part]:
    """The events of earlier nights that nobody has closed, the newest first."""
    tonight = {(e["origin"], e["kind"], e["subject"]) for e in fleet.document["events"]}
    left = [event for event in fleet.standing.events if event.key not in tonight]
    left.sort(key=lambda event: event.since, reverse=True)
    keys = ("origin", "kind", "subject", "before", "after", "since", "seen", "images")
    return [
        {
            **{key: getattr(event, key) for key in keys},
            "anchor": places.event_anchor(*event.key),
        }
        for event in left[:_EVENTS]
    ]


def _page(fleet: Fleet, image: str) -> str:
    return places.image_page(fleet.runs[image], image)


def pages_of(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Each image of the newest night, and the place of its page."""
    for image in fleet.document["images"]:
        yield image["name"], _page(fleet, image["name"])
