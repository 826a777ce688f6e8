"""The HTML format: one self-contained page.

It loads nothing and runs nothing: a Content-Security-Policy allows its one style sheet, by
digest, and no script, image, frame, form or base. Every value that the template prints is
made visible (:mod:`drift.report.escape`) and then escaped by Jinja2.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from drift.report import causes, sentences, words
from drift.report.escape import visible
from drift.report.places import is_log_path

FILES_SHOWN = 2000  # paths of one image; the others are counted
_CHUNK = 100  # causes take turns in portions of so many paths


def render(
    document: dict[str, Any], *, root: str | None = None, logs: Set[str] = frozenset()
) -> str:
    """The report as a page.

    ``root`` is the way from the page to the report directory (``""``, ``"../../"``), None
    where it stands alone; ``logs`` names the builds whose log file is there to be linked.
    """
    style = files("drift.report").joinpath("templates/report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return _template().render(
        document=document,
        images=[_view(document, image) for image in document["images"]],
        style=Markup(style),  # noqa: S704 (drift's own file)
        style_digest=digest,
        explained_share=_percent,
        log_link=lambda build: _log_link(build, root, logs),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("drift.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, sentences=sentences, reasons=causes)
    return environment.get_template("report.html.j2")


def _shown(value: Any) -> Any:
    """Each printed value on its way out; markup comes from the template's own macros only."""
    if isinstance(value, Markup):
        return value
    return visible(value) if isinstance(value, str) else value


def _percent(share: float) -> float:
    """A share for one decimal: 100.0 only where nothing at all is left."""
    return 100.0 if share >= 1 else min(share * 100, 99.9)


def _log_link(build: dict[str, Any], root: str | None, logs: Set[str]) -> str | None:
    linked = root is not None and build["build"] in logs and is_log_path(build["log"])
    return f"{root}{build['log']}" if linked else None


def _view(document: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """An image with its causes in reading order, each with its share of the listed paths."""
    ordered = causes.by_urgency(image["causes"])
    listed = _listed(image["files"]["entries"], [cause["id"] for cause in ordered])
    packages = image["packages"]
    views = [
        {
            **cause,
            "entries": listed[cause["id"]],
            "elsewhere": causes.elsewhere(document, image, cause),
        }
        for cause in ordered
    ]
    return {
        **image,
        "causes": views,
        "told": [view for view in views if not causes.is_noise(view)],
        "noise": [view for view in views if causes.is_noise(view)],
        "uncaused": listed[None],
        "package_changes": [*packages["changed"], *packages["added"], *packages["removed"]],
        "unlisted": len(image["files"]["entries"]) - sum(map(len, listed.values())),
        "failures": words.failures(image),
    }


def _listed(
    entries: list[dict[str, Any]], ordered: list[str]
) -> dict[str | None, list[dict[str, Any]]]:
    """The entries worth a reader's time, by cause: the largest, and no cause crowded out."""
    rank = {cause: place for place, cause in enumerate(ordered)}
    turns = sorted(
        _turns(entries), key=lambda turn: (turn[0], rank.get(turn[1]["cause"], len(rank)))
    )
    listed: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for _, entry in turns[:FILES_SHOWN]:
        listed[entry["cause"]].append(entry)
    return listed


def _turns(entries: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each entry with its turn within its cause, the largest first."""
    seen: Counter[str | None] = Counter()
    for entry in sorted(entries, key=lambda entry: (-_weight(entry), entry["path"])):
        yield seen[entry["cause"]] // _CHUNK, entry
        seen[entry["cause"]] += 1


def _weight(entry: dict[str, Any]) -> int:
    return max((side["size"] for side in (entry["before"], entry["after"]) if side), default=0)
