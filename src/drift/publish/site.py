"""The report directory: a static site, written after each run (:mod:`drift.report.places`).

What belongs to a run is written once and never changed; what tells of the fleet is written
anew: the index, the images' nights, the feed. Each file is there whole or not at all, and what
a page links to is there before the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift.collecting import collection_paused
from drift.errors import ReportError
from drift.publish.expiry import remove_older
from drift.publish.files import write_whole
from drift.publish.fleets import fleet_of
from drift.report import as_json, badge, feed, html, places
from drift.report.confidential import without_values
from drift.report.document import stored_document, trim
from drift.report.escape import visible
from drift.report.feed import FeedEvent
from drift.report.fleet import Fleet, Passed, let_pass
from drift.report.pages import history, image, index, redirect

if TYPE_CHECKING:
    from drift.config.model import Config
    from drift.store.queries import ImageNight
    from drift.store.store import Store

Document = dict[str, Any]


@collection_paused()
def write(
    document: Document,
    logs: Mapping[str, str],
    store: Store,
    config: Config,
    notices: Sequence[str] = (),
) -> Path:
    """Write a finished run's pages and the fleet's; returns the page to open.

    ``document`` is the run's, without entries that nobody should see; ``logs`` maps a build's
    id to its log; a build that it lacks has no log file. ``notices`` are told on the index. A
    night that is not the newest has its pages, and the index stays that of the newest.

    Raises:
        ReportError: a name could lead out of the directory, or it cannot be written.
        StoreError: the store cannot be read.
    """
    page = _write(document, logs, store, config, notices)
    _write_nights(store, config.report.directory, [shown["name"] for shown in document["images"]])
    return page


def write_anew(store: Store, config: Config, *, full: bool = False) -> Path | None:
    """Write the whole site again from what the store has; None where it has no run.

    Pages of runs that are there already stay as they are.

    Raises:
        ReportError, StoreError: as :func:`write`.
    """
    finished = [run.id for run in store.runs(100_000) if run.finished_at]
    page = None
    for run in reversed(finished):
        with collection_paused():
            stored = store.run(run)
            if stored is None:
                continue
            document = trim(stored_document(stored), full=full)
            logs = {
                build: log for build in _builds(document) if (log := store.log(build)) is not None
            }
            if run == finished[0]:
                page = _write(document, logs, store, config)
            else:
                write_run(document, logs, config.report.directory)
    _write_nights(store, config.report.directory)
    return page


def _write(
    document: Document,
    logs: Mapping[str, str],
    store: Store,
    config: Config,
    notices: Sequence[str] = (),
) -> Path:
    """Write all but the pages of images' nights; returns the page to open."""
    directory = config.report.directory
    write_run(document, logs, directory)
    fleet = fleet_of(document, store, config, notices)
    if fleet is not None:
        _write_fleet(fleet, config)
    remove_older(directory, config.report.keep, document["run"]["started_at"])
    run: str = document["run"]["id"]
    return directory / (places.INDEX if fleet is not None else places.run_page(run))


def write_run(document: Document, logs: Mapping[str, str], directory: Path) -> None:
    """Write what belongs to one run; a file that is there already stays as it is.

    Raises:
        ReportError: a name could lead out of the directory, or it cannot be written.
    """
    run: str = document["run"]["id"]
    available = frozenset(build for build in _builds(document) if build in logs)
    try:
        kept = dict(_logs(document, logs))
        pages = {places.image_page(run, shown["name"]): shown for shown in document["images"]}
    except ValueError as error:
        raise ReportError(f"the report names an unsafe file: {error}") from error
    for place, log in kept.items():
        _write_once(directory / place, partial(without_values, log))
    _write_once(directory / places.run_document(run), partial(as_json.render, document))
    for place, shown in pages.items():
        if not (directory / place).exists():
            page = image.render(document, shown, available)
            for script, text in page.scripts.items():
                write_whole(directory / script, text)
            write_whole(directory / place, page.html)
    overview = partial(html.render, document, root="../../", logs=available)
    _write_once(directory / places.run_page(run), overview)


def _write_once(path: Path, made: Callable[[], str]) -> None:
    """Write a file that is not there yet; one that is there is not even made."""
    if not path.exists():
        write_whole(path, made())


def _write_fleet(fleet: Fleet, config: Config) -> None:
    """Write the pages that tell of the whole fleet on its newest night."""
    directory, document = config.report.directory, fleet.document
    logs = {
        build["build"]
        for shown in document["images"]
        for build in shown["builds"]
        if places.is_log_path(build["log"]) and (directory / build["log"]).is_file()
    }
    passed = [*let_pass(fleet, config.policy.tolerate), *_ignored(config)]
    run = document["run"]["id"]
    written = directory / places.run_document(run)
    whole = written.read_bytes() if fleet.one_run else as_json.render(document)
    files: dict[str, str | bytes] = {
        places.NEWEST: whole,
        places.SUMMARY: html.render(document, root="", logs=logs),
        places.BADGE: badge.render(document),
        places.FEED: _feed(fleet, config.report.url),
        places.latest_page(): redirect.render(f"../{places.run_page(run)}"),
    }
    for name, page in index.pages_of(fleet):
        files[places.latest_page(name)] = redirect.render(f"../{page}")
    for place, text in files.items():
        write_whole(directory / place, text)
    write_whole(directory / places.INDEX, index.render(fleet, passed))


def _write_nights(store: Store, directory: Path, names: Collection[str] | None = None) -> None:
    """Write the pages of images' nights; of all images without ``names``."""
    nights: dict[str, list[ImageNight]] = {}
    for seen in store.calendar():
        nights.setdefault(seen.image, []).append(seen)
    moved = store.recurring()
    runs = {path.name for path in (directory / "runs").glob("*")}
    for name in nights if names is None else nights.keys() & names:
        page = history.render(name, nights[name], moved.get(name, ()), lambda run: run in runs)
        write_whole(directory / places.history_page(name), page)


def _feed(fleet: Fleet, url: str | None) -> str:
    events = [
        FeedEvent(e.origin, e.kind, e.subject, e.since, e.images, e.before, e.after)
        for e in fleet.standing.events
    ]
    return feed.render(events, fleet.finished_at, url)


def _ignored(config: Config) -> Iterator[Passed]:
    for rule in config.ignore:
        yield Passed("ignored", rule.path, rule.reason)
    for configured in config.images:
        for rule in configured.ignore:
            yield Passed("ignored", rule.path, f"{rule.reason} · in {configured.name}")


def _logs(document: Document, logs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    inside = f"{places.run_directory(document['run']['id'])}/"
    for shown in document["images"]:
        for build in shown["builds"]:
            if build["build"] in logs:
                if not places.is_log_path(build["log"]) or not build["log"].startswith(inside):
                    raise ValueError(visible(str(build["log"])))
                yield build["log"], logs[build["build"]]


def _builds(document: Document) -> Iterator[str]:
    """The ids of a run's builds."""
    return (build["build"] for shown in document["images"] for build in shown["builds"])
