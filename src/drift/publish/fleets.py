"""The fleet on its newest night, from the run that ended and what the store has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from drift.report.document import assembled
from drift.report.fleet import Fleet
from drift.report.pages.index import NIGHTS

if TYPE_CHECKING:
    from drift.config.model import Config
    from drift.store.queries import ImageNight
    from drift.store.store import Store

Document = dict[str, Any]


def fleet_of(
    document: Document, store: Store, config: Config, notices: Sequence[str] = ()
) -> Fleet | None:
    """The fleet on the newest night; None where that is not the night of ``document``'s run.

    The images of the night that an earlier run built are read from the store. Images that are
    configured no more are left out, and those that did not run tonight are told apart.
    """
    run = document["run"]
    night = date.fromisoformat(run["night"])
    newest = next((run for run in store.runs(1000) if run.finished_at), None)
    if newest is not None and newest.id != run["id"] and newest.night >= night:
        return None
    nights: dict[str, list[ImageNight]] = {}
    for seen in store.calendar(since=night - timedelta(days=NIGHTS)):
        nights.setdefault(seen.image, []).append(seen)
    here = {image["name"]: image for image in document["images"]}
    names = list(dict.fromkeys((*(image.name for image in config.images), *here)))
    runs = {name: nights[name][0].run for name in names if name in nights}
    tonight: list[Document] = []
    stale: list[ImageNight] = []
    for name in names:
        if name in here:
            tonight.append(here[name])
        elif name in nights and nights[name][0].night == night:
            found = store.document(runs[name], name)
            tonight += [found] if found is not None else []
        elif name in nights:
            stale.append(nights[name][0])
    whole = document if list(here) == [i["name"] for i in tonight] else assembled(run, tonight)
    return Fleet(
        document=whole,
        runs={**runs, **dict.fromkeys(here, run["id"])},
        nights=nights,
        standing=store.standing(night),
        stale=stale,
        notices=notices,
    )
