"""The HTML format: one self-contained page.

It loads nothing: a Content-Security-Policy allows its one style sheet and drift's own script, by
digest, and no other, no image, frame, form or base. Two images alone have an image's page of the
site (:mod:`drift.report.pages.image`). Every value that the template prints is
made visible (:mod:`drift.report.escape`) and then escaped by Jinja2.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import date
from typing import Any

from drift.report import causes, remedies, words
from drift.report.listed import FILES_SHOWN, listed
from drift.report.order import in_order, needs_a_reader
from drift.report.pages import environment
from drift.report.pages import image as pair
from drift.report.pages.icon import sign_of
from drift.report.places import log_link

_LEAST = 20  # paths of one image, however many images share the page


def render(
    document: dict[str, Any], *, root: str | None = None, logs: Set[str] = frozenset()
) -> str:
    """The report as a page.

    ``root`` is the way from the page to the report directory (``""``, ``"../../"``), None
    where it stands alone; ``logs`` names the builds whose log file is there to be linked.
    """
    if document["run"] is None:
        return pair.render(document, document["images"][0]).html
    with_paths = sum(bool(image["files"]["entries"]) for image in document["images"])
    room = max(FILES_SHOWN // max(with_paths, 1), _LEAST)
    return environment.render(
        "report.html.j2",
        document=document,
        sign=sign_of(document["images"]),
        images=[_view(document, image, room) for image in in_order(document["images"])],
        log_link=lambda build: log_link(build, root, logs),
    )


def _view(document: dict[str, Any], image: dict[str, Any], room: int) -> dict[str, Any]:
    """An image with its causes in reading order, each with its share of the listed paths."""
    night = date.fromisoformat(document["run"]["night"])
    ordered = causes.by_urgency(image["causes"])
    found = listed(image["files"]["entries"], [cause["id"] for cause in ordered], room)
    packages = image["packages"]
    views = [
        {
            **cause,
            "entries": found[cause["id"]],
            "elsewhere": causes.elsewhere(document, image, cause),
        }
        for cause in ordered
    ]
    return {
        **image,
        "causes": views,
        "told": [view for view in views if not causes.is_noise(view)],
        "noise": [view for view in views if causes.is_noise(view)],
        "uncaused": found[None],
        "package_changes": [*packages["changed"], *packages["added"], *packages["removed"]],
        "unlisted": len(image["files"]["entries"]) - sum(map(len, found.values())),
        "failures": words.failures(image),
        "step": remedies.first_step(image, night) if needs_a_reader(image) else None,
    }
