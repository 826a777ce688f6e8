"""The GitHub format: workflow annotations on the Dockerfiles' lines.

Workflow commands as GitHub documents them ("Workflow commands for GitHub Actions"): the
message escapes ``%``, CR and LF; a property ``:`` and ``,`` as well. GitHub shows ten
annotations of a level and step, so the tenth says how many more there would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drift.attribute.model import Origin, Status
from drift.report import causes, sentences, words
from drift.report.escape import inert_line, visible
from drift.report.order import in_order

PER_LEVEL = 10
_LEVELS = ("error", "warning", "notice")
_QUIET = (Status.FIRST, Status.IDENTICAL, Status.EQUIVALENT)


@dataclass(frozen=True, slots=True)
class _Annotation:
    level: str
    title: str
    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = {"file": self.file, "line": self.line if self.file else None, "title": self.title}
        properties = ",".join(
            f"{key}={_property(str(item))}" for key, item in place.items() if item is not None
        )
        return f"::{self.level} {properties}::{_message(self.message)}"


def render(document: dict[str, Any], *, dockerfiles: Mapping[str, str] | None = None) -> str:
    """One workflow command a line, and drift's verdict as the last line, which is plain text.

    Of each level those that need a reader most come first.

    ``dockerfiles`` maps an image's name to its Dockerfile, relative to the repository's
    root; an image that it lacks is annotated without a place.
    """
    found = [
        annotation
        for image in in_order(document["images"])
        for annotation in _image(image, (dockerfiles or {}).get(image["name"]))
    ]
    lines = [str(a) for level in _LEVELS for a in _limited(level, found)]
    verdict = inert_line(visible(sentences.verdict(document)))
    return "".join(f"{line}\n" for line in [*lines, verdict])


def _limited(level: str, found: list[_Annotation]) -> list[_Annotation]:
    these = [annotation for annotation in found if annotation.level == level]
    if len(these) <= PER_LEVEL:
        return these
    missing = len(these) - PER_LEVEL + 1
    last = _Annotation(
        level, "drift", f"{missing} more are not shown here; the report has them all"
    )
    return [*these[: PER_LEVEL - 1], last]


def _image(image: dict[str, Any], file: str | None) -> Iterator[_Annotation]:
    if image["flagged"] or image["status"] not in _QUIET:
        told = [cause for cause in causes.told(image) if cause["origin"] != _NOISE]
        if image["status"] in (Status.BROKEN, Status.UNKNOWN) or not told:
            yield _whole(image, file)
        for cause in told:
            yield _cause(image, cause, file, _level(image, cause, told))


_NOISE = Origin.NONDETERMINISM


def _level(image: dict[str, Any], cause: dict[str, Any], told: list[dict[str, Any]]) -> str:
    """What the repository did is an error only where the image has nothing else to be for."""
    if not image["flagged"] or causes.acceptance(cause):
        return "notice"
    repo_alone = all(c["origin"] == Origin.REPO for c in told if not causes.acceptance(c))
    return "notice" if cause["origin"] == Origin.REPO and not repo_alone else "error"


def _whole(image: dict[str, Any], file: str | None) -> _Annotation:
    places = [f["instruction"] for f in words.failures(image) if f["instruction"]]
    line = places[-1]["line"] if places else 1
    level = "error" if image["flagged"] else "warning"
    title = f"{image['name']}: {image['status']}"
    return _Annotation(level, title, sentences.headline(image), file, line)


def _cause(
    image: dict[str, Any], cause: dict[str, Any], file: str | None, level: str
) -> _Annotation:
    origin = f"{cause['origin']} " if cause["origin"] else ""
    title = f"{image['name']}: {origin}{words.kind(cause)}"
    moved = f" {words.move(cause)}" if words.move(cause) else ""
    facts = [f"{words.volume(cause)}, {cause['grade']}", *_marks(cause), *cause["evidence"][:5]]
    message = "\n".join(visible(line) for line in [f"{cause['subject']}{moved}", *facts])
    line = cause["instruction"]["line"] if cause["instruction"] else 1
    return _Annotation(level, title, message, file, line)


def _marks(cause: dict[str, Any]) -> Iterator[str]:
    if cause["risk"]:
        yield f"risk: {', '.join(cause['risk'])}"
    if causes.acceptance(cause):
        yield causes.acceptance(cause)


def _message(text: str) -> str:
    shown = "\n".join(visible(line) for line in text.split("\n"))
    escaped = shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("##[", "#\\#[")


def _property(text: str) -> str:
    return _message(visible(text)).replace(":", "%3A").replace(",", "%2C")
