"""Labelled scenarios: a story of nights, and what the report must say of each.

A story is a generator. Whatever it does before a ``yield`` happens in the day; ``yield`` gives
what is expected of the night that follows, and what that night said comes back::

    @scenario("a page of a server changed")
    def test_curl(world: World) -> Story:
        url = world.web.serve("/rules", "one")
        world.image(f"FROM {world.tools}\\nRUN curl -o /etc/rules {url}\\n")
        world.commit()
        yield first()
        world.web.serve("/rules", "two")
        yield drifted(Cause("external", "remote-content", url, ANY, ANY))

The last night's verdict is the scenario's line in docs/accuracy.md; where DRIFT_ACCURACY names a
directory it is left there.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.project import Night
from support.world import World


class _Matcher:
    def __init__(self, name: str, pattern: str) -> None:
        self._name, self._pattern = name, re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._pattern.fullmatch(other) is not None

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return self._name


class _Anything:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "anything"


ANYTHING: Any = _Anything()
DIGEST: Any = _Matcher("sha256:…", "sha256:[0-9a-f]{64}")
COMMIT: Any = _Matcher("a commit", "[0-9a-f]{40}")


def digest_of(content: bytes | str) -> str:
    """A content's digest as reports write it."""
    plain = content.encode() if isinstance(content, str) else content
    return "sha256:" + hashlib.sha256(plain).hexdigest()


def matching(pattern: str) -> Any:
    """Equal to each string that matches."""
    return _Matcher(pattern, pattern)


@dataclass(frozen=True)
class Cause:
    """One cause of the report, to the letter; ``grade`` None: whichever.

    ``evidence`` must stand in what is told of it.
    """

    origin: str
    kind: str
    subject: Any
    before: Any = None
    after: Any = None
    grade: str | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Expected:
    """What a night must say of one image: these causes and no other.

    ``maybe`` are causes that are right where they are told, of files that some builds of the
    same inputs differ in and some do not.
    """

    status: tuple[str, ...]
    code: int
    flagged: bool
    causes: tuple[Cause, ...] = ()
    explained: float | None = 1.0
    builds: tuple[str, ...] | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    image: str = "app"
    maybe: tuple[Cause, ...] = ()

    def images(self) -> tuple[Expected, ...]:
        return (self,)


@dataclass(frozen=True)
class Fleet:
    """What a night must say of several images."""

    each: tuple[Expected, ...]

    def images(self) -> tuple[Expected, ...]:
        return self.each


Story = Generator[Expected | Fleet, Night, None]

NIGHTLY = ("nightly",)


def first(image: str = "app") -> Expected:
    return Expected(("first",), 0, False, builds=NIGHTLY, image=image)


def quiet(*causes: Cause, **more: Any) -> Expected:
    """Nothing, or nondeterminism and what is tolerated alone."""
    statuses = ("equivalent",) if causes else ("identical", "equivalent")
    return Expected(statuses, 0, False, causes, **more)


def drifted(*causes: Cause, flagged: bool | None = None, **more: Any) -> Expected:
    """Flagged by default where a cause has an origin that the default policy flags."""
    if flagged is None:
        flagged = any(cause.origin in ("external", "unexplained") for cause in causes)
    return Expected(("drifted",), int(flagged), flagged, causes, **more)


def broken(*causes: Cause, **more: Any) -> Expected:
    return Expected(("broken",), 1, True, causes, explained=None, **more)


def unknown(**more: Any) -> Expected:
    return Expected(("unknown",), 2, False, explained=None, **more)


def scenario(
    truth: str,
    *,
    builder: str | tuple[str, ...] = "buildkit",
    undecided: str | None = None,
) -> Callable[[Callable[[World], Story]], Callable[..., None]]:
    """Make a test of a story; ``undecided`` says why its truth cannot be told at all.

    Such a scenario holds what drift says instead, and is listed with the reason.
    """
    builders = (builder,) if isinstance(builder, str) else builder

    def tests(story: Callable[[World], Story]) -> Callable[..., None]:
        @pytest.mark.parametrize("builder", builders)
        @functools.wraps(story)
        def test(world: World) -> None:
            _tell(story, world, truth, undecided)

        return test

    return tests


def _tell(story: Callable[[World], Story], world: World, truth: str, undecided: str | None) -> None:
    nights = story(world)
    expected = next(nights)
    begun = time.monotonic()
    while True:
        night = world.project.check()
        told = [_told(one, night, world) for one in expected.images()]
        wrong = [mistake for one in expected.images() for mistake in mistakes(one, night)]
        _record(story.__name__, world, truth, undecided, told, time.monotonic() - begun, wrong)
        assert not wrong, "\n".join([*wrong, "", *(line for line in _shown(night))])
        try:
            expected = nights.send(night)
        except StopIteration:
            return


def mistakes(expected: Expected, night: Night) -> list[str]:
    """Each thing that a night says otherwise than expected."""
    if not night.document:
        return [f"no report; exit code {night.code}: {night.stderr[-2000:]}"]
    image = night.image(expected.image)
    found = []

    def must(what: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(f"{expected.image}: {what}: expected {wanted!r}, got {got!r}")

    if image["status"] not in expected.status:
        must("status", expected.status, image["status"])
    must("exit code", expected.code, night.code)
    must("flagged", expected.flagged, image["flagged"])
    missing, others = _paired(list(expected.causes), [_cause(c) for c in image["causes"]])
    _, others = _paired(list(expected.maybe), others)
    must("causes", missing, others)
    for wanted, got in zip(expected.causes, _sorted_like(expected.causes, image), strict=False):
        if wanted.grade and got is not None:
            must(f"grade of {wanted.subject}", wanted.grade, got["grade"])
        if got is not None and wanted.evidence not in "\n".join(got["evidence"]):
            must(f"evidence of {wanted.subject}", wanted.evidence, got["evidence"])
    if expected.explained is not None:
        explained = (image["explained"]["files"], image["explained"]["bytes"])
        share = expected.explained
        must("explained", (share, share) if share in (0.0, 1.0) else share,
             explained if share in (0.0, 1.0) else explained[0])  # fmt: skip
    if expected.builds is not None:
        must("builds", expected.builds, tuple(build["role"] for build in image["builds"]))
    origins = {cause["id"]: cause["origin"] for cause in image["causes"]}
    by_path = {e["path"]: origins.get(e["cause"]) for e in image["files"]["entries"]}
    for path, origin in expected.paths.items():
        must(path, origin, by_path.get(path))
    return found


def _cause(cause: Mapping[str, Any]) -> Cause:
    return Cause(*(cause[key] for key in ("origin", "kind", "subject", "before", "after")))


def _same(wanted: Cause, got: Cause) -> bool:
    keys = ("origin", "kind", "subject", "before", "after")
    return all(getattr(wanted, key) == getattr(got, key) for key in keys)


def _paired(wanted: list[Cause], got: list[Cause]) -> tuple[list[Cause], list[Cause]]:
    """What only one of the two lists has."""
    left = list(got)
    missing = []
    for one in wanted:
        known = next((other for other in left if _same(one, other)), None)
        if known is None:
            missing.append(one)
        else:
            left.remove(known)
    return missing, left


def _sorted_like(
    wanted: tuple[Cause, ...], image: Mapping[str, Any]
) -> list[Mapping[str, Any] | None]:
    return [next((c for c in image["causes"] if _same(one, _cause(c))), None) for one in wanted]


def _told(expected: Expected, night: Night, world: World) -> dict[str, Any]:
    if not night.document:
        return {"status": "none", "causes": [], "builds": 0}
    image = night.image(expected.image)
    return {
        "status": image["status"],
        "flagged": image["flagged"],
        "causes": [
            {key: cause[key] for key in ("origin", "kind", "subject", "grade")}
            for cause in image["causes"]
        ],
        "builds": [build["role"] for build in image["builds"]],
    }


def _shown(night: Night) -> list[str]:
    """The report's essence, for a failing test."""
    lines = [night.stderr[-1500:]]
    for image in night.document.get("images", ()):
        lines.append(f"{image['name']}: {image['status']} error={image['error']} {image['notes']}")
        lines += [json.dumps(cause) for cause in image["causes"]]
        lines += [
            f"{e['change']} {e['path']} {e['cause']}"
            for e in image["files"]["entries"][:20]
            if e["change"] != "metadata_only"
        ]
        lines += [f"build {b['role']}: {b['reason']} ok={b['ok']}" for b in image["builds"]]
    return lines


def _record(
    name: str,
    world: World,
    truth: str,
    undecided: str | None,
    told: list[dict[str, Any]],
    seconds: float,
    wrong: list[str],
) -> None:
    """Leave the scenario's line, where somebody collects them; a later night's replaces it."""
    place = os.environ.get("DRIFT_ACCURACY")
    if not place:
        return
    builder = world.project.builder
    line = {
        "name": name.removeprefix("test_"),
        "builder": builder,
        "truth": truth,
        "undecided": undecided,
        "images": told,
        "seconds": round(seconds, 1),
        "right": not wrong,
        "wrong": wrong,
    }
    text = json.dumps(line, indent=1).replace(world.bases.registry, "registry")
    directory = Path(place)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}-{builder}.json").write_text(text)
