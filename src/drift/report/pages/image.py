"""The page of one image in one run: what it is, who did it, what to do.

The page holds the paths most worth a reader's time; the others lie in data files beside it,
which its script loads when somebody searches.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from drift.attribute.model import Origin, Status
from drift.report import causes, places, remedies, sentences, words
from drift.report.escape import visible
from drift.report.listed import listed
from drift.report.pages import environment, stacks, tree
from drift.report.pages.dockerfile import Line, lines, lines_of_base
from drift.report.pages.icon import sign_of
from drift.report.pages.versions import step

Part = dict[str, Any]

PACKAGES = 2000  # rows of the table
_LONG = 300  # rows of packages and paths, above which layout is put off
_SCRIPT_PATHS = 10_000  # paths of one data file
_LISTED_CHARACTERS = 700_000  # of the paths in the page, whose names may be long
_LOG_LINES = 20
ROOT = "../../"


@dataclass(frozen=True, slots=True)
class Page:
    """A page's text, and the data files that belong beside it, by their place."""

    html: str
    scripts: Mapping[str, str]


def render(document: Part, image: Part, logs: Set[str] = frozenset()) -> Page:
    """What a run says of an image; ``logs`` are the builds whose log file is there.

    Of two images without a run it is a page that has nothing beside it.
    """
    run = document["run"]
    ordered = causes.by_urgency(image["causes"])
    shown, rest = _divided(image["files"]["entries"], [cause["id"] for cause in ordered])
    scripts = dict(_scripts(run["id"], image["name"], rest)) if run else {}
    views = [_cause(document, image, cause) for cause in ordered]
    packages = list(_packages(image))
    html = environment.render(
        "image.html.j2",
        document=document,
        run=run,
        image=image,
        root=ROOT,
        sign=sign_of([image]),
        told=[view for view in views if not causes.is_noise(view)],
        noise=[view for view in views if causes.is_noise(view)],
        steps=_steps(views),
        again=remedies.again(image) if run else None,
        failures=[_failure(failure) for failure in words.failures(image)],
        whose=_whose(image),
        tree=tree.tree(shown, image["files"]["entries"]) if shown else None,
        listed=len(shown),
        long=len(shown) + len(packages) > _LONG,
        unlisted=len(rest),
        scripts=[place.rpartition("/")[2] for place in scripts],
        packages=packages[:PACKAGES],
        packages_cut=max(0, len(packages) - PACKAGES),
        dockerfile=_dockerfile(image),
        stacks=stacks.stacks(image),
        slowest=max((build["seconds"] for build in image["builds"]), default=0) or 1,
        log_link=lambda build: places.log_link(build, ROOT, logs),
    )
    return Page(html, scripts)


def _divided(entries: Sequence[Part], ordered: Sequence[str]) -> tuple[list[Part], list[Part]]:
    """The paths that the page holds, and the others; each entry is in one of the two."""
    room, shown, told = _LISTED_CHARACTERS, [], set()
    for group in listed(entries, ordered).values():
        for entry in group:
            room -= 2 * len(entry["path"]) + len(entry.get("diff", "")) + 200
            if room > 0:
                shown.append(entry)
                told.add(id(entry))
    return shown, [entry for entry in entries if id(entry) not in told]


def _scripts(run: str, image: str, entries: Sequence[Part]) -> Iterator[tuple[str, str]]:
    """The data files: calls with rows of path, sign, cause, and what changed; pure ASCII."""
    for number, start in enumerate(range(0, len(entries), _SCRIPT_PATHS), 1):
        rows = [
            [visible(entry["path"]), tree.sign(entry), entry["cause"], visible(tree.what(entry))]
            for entry in entries[start : start + _SCRIPT_PATHS]
        ]
        body = json.dumps(rows, separators=(",", ":"))
        yield places.paths_script(run, image, number), f"driftPaths({body});\n"


def _cause(document: Part, image: Part, cause: Part) -> Part:
    run = document["run"]
    steps = remedies.remedies(cause, image, date.fromisoformat(run["night"])) if run else []
    return {
        **cause,
        "elsewhere": causes.elsewhere(document, image, cause),
        "remedies": steps,
        "said": sentences.cause_in_words(cause),
    }


def _steps(views: Sequence[Part]) -> list[Part]:
    """The causes for which there is something to do, those that need a reader only."""
    return [
        view
        for view in views
        if view["remedies"] and view["origin"] not in (Origin.REPO, Origin.NONDETERMINISM)
    ]


def _failure(failure: Part) -> Part:
    return {**failure, "tail": failure["tail"][-_LOG_LINES:]}


def _whose(image: Part) -> str | None:
    """Whose doing a break is, as far as it is known: the world's or ours."""
    if image["status"] != Status.BROKEN:
        return None
    origins = {cause["origin"] for cause in image["causes"]}
    if Origin.REPO in origins:
        return "ours: the repository changed, and what it was before still builds"
    if Origin.EXTERNAL in origins:
        return "the world's: something outside of the repository changed"
    return "not known yet"


def _packages(image: Part) -> Iterator[Part]:
    packages = image["packages"]
    for change in (*packages["changed"], *packages["added"], *packages["removed"]):
        moved = step(change["purl"], change["before"], change["after"])
        kind, _, name = change["purl"].removeprefix("pkg:").partition("/")
        yield {**change, "step": moved, "ecosystem": kind, "name": name.rpartition("/")[2] or name}


def _dockerfile(image: Part) -> list[Line]:
    shown = image.get("dockerfile")
    if not shown:
        return []
    guilty: dict[int, list[str]] = defaultdict(list)
    for cause in image["causes"]:
        if not causes.is_noise(cause):
            for number in _lines_of(cause, shown["text"]):
                guilty[number].append(cause["id"])
    failed = {f["instruction"]["line"] for f in words.failures(image) if f["instruction"]}
    return lines(shown["text"], guilty, failed)


def _lines_of(cause: Part, dockerfile: str) -> Iterator[int]:
    """The line that a cause names; of a base, whose layers no instruction made, each FROM."""
    if cause["instruction"]:
        yield cause["instruction"]["line"]
    elif cause["kind"] == "base-image":
        yield from lines_of_base(dockerfile, cause["subject"])
