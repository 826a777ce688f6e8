"""All remotes of a fleet, each source asked once, some at a time."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from drift.probe import repository, web
from drift.probe.answer import Answer
from drift.probe.limits import Limits
from drift.source.model import Probe, Remote, RemoteKind

THREADS = 4
PER_HOST = 2

# A URL, the ref, and how it is asked: ADD and curl get the same of one URL.
Source = tuple[str, str | None, RemoteKind]
_Question = tuple[str, RemoteKind, tuple[str | None, ...]]
_GIT_SCHEMES = ("http", "https", "git")
_WEB_SCHEMES = ("http", "https")


def probe(
    remotes: Iterable[Remote],
    limits: Limits,
    *,
    seen: Iterable[Probe] = (),
    cancelled: threading.Event | None = None,
) -> tuple[Probe, ...]:
    """What each remote serves now; one request a source, however many instructions name it.

    Four sources are asked at a time, two of one host. What ``seen`` holds is not asked again.
    Remotes that can't be asked without credentials or by no way known here are left out.
    Never raises: what went wrong is the probe's ``problem``.
    """
    wanted = [remote for remote in dict.fromkeys(remotes) if _can_be_asked(remote, limits)]
    known = {source_of(one.remote): one for one in seen}
    fresh = [remote for remote in wanted if source_of(remote) not in known]
    answers = _ask_all(_questions(fresh), limits, cancelled or threading.Event())
    return tuple(
        answers[source].about(remote)
        if (source := source_of(remote)) in answers
        else replace(known[source], remote=remote)
        for remote in wanted
    )


def source_of(remote: Remote) -> Source:
    """What tells the sources of remotes apart."""
    return remote.url, remote.ref, _asked_as(remote.kind)


def _asked_as(kind: RemoteKind) -> RemoteKind:
    return RemoteKind.FETCH if kind is RemoteKind.ADD else kind


def _can_be_asked(remote: Remote, limits: Limits) -> bool:
    scheme = urlsplit(remote.url).scheme
    if remote.kind is RemoteKind.GIT:
        return scheme in _GIT_SCHEMES or (limits.files and scheme == "file")
    return scheme in _WEB_SCHEMES


def _questions(remotes: Iterable[Remote]) -> list[_Question]:
    """One for each URL: git tells all refs of a repository at once."""
    refs: dict[tuple[str, RemoteKind], list[str | None]] = defaultdict(list)
    for remote in remotes:
        refs[remote.url, _asked_as(remote.kind)].append(remote.ref)
    return [(url, kind, tuple(dict.fromkeys(named))) for (url, kind), named in refs.items()]


def _ask_all(
    questions: Sequence[_Question], limits: Limits, cancelled: threading.Event
) -> dict[Source, Answer]:
    """The answers to all questions; those that were not put in time are answered as such."""
    end = time.monotonic() + limits.total
    lanes = _lanes(questions)
    answers: dict[Source, Answer] = {}

    def work() -> None:
        with suppress(IndexError):  # no lane is left
            while lane := lanes.pop():
                for question in lane:
                    if not cancelled.is_set() and time.monotonic() < end:
                        answers.update(_ask(question, limits))

    # Not a pool: its threads would keep an interrupted run from ending.
    threads = [threading.Thread(target=work, daemon=True) for _ in lanes[:THREADS]]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive() and not cancelled.is_set():
            thread.join(0.05)
    late = {source: answer for one in questions for source, answer in _not_asked(one).items()}
    return late | dict(answers)


def _lanes(questions: Iterable[_Question]) -> list[list[_Question]]:
    """Questions that are asked one after the other: those of one host are in two lanes."""
    hosts: dict[str, list[_Question]] = defaultdict(list)
    for question in questions:
        hosts[urlsplit(question[0]).netloc].append(question)
    lanes = (asked[at::PER_HOST] for asked in hosts.values() for at in range(PER_HOST))
    return [asked for asked in lanes if asked]


def _ask(question: _Question, limits: Limits) -> dict[Source, Answer]:
    url, kind, refs = question
    try:
        if kind is RemoteKind.GIT:
            told = repository.ask(url, refs, limits)
        else:
            told = dict.fromkeys(refs, web.ask(url, limits, kind))
    except Exception as error:  # a fault of ours is no reason to lose the other answers
        problem = f"drift failed at it: {type(error).__name__}"
        told = dict.fromkeys(refs, Answer(datetime.now(UTC), problem=problem))
    return {(url, ref, kind): answer for ref, answer in told.items()}


def _not_asked(question: _Question) -> dict[Source, Answer]:
    url, kind, refs = question
    answer = Answer(datetime.now(UTC), problem="it was not asked: there was no time left")
    return {(url, ref, kind): answer for ref in refs}
