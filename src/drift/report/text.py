"""The text format: what a person reads on a terminal, 80 columns wide."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drift.attribute.model import Status
from drift.report import causes, sentences, words
from drift.report.escape import inert_line, visible
from drift.report.order import folded, in_order

WIDTH = 80
_CAUSES = 30
_PACKAGES = 20
_SCREEN = 20  # lines after which the verdict is said again
_QUIET = 20  # images with nothing to tell that have a line each
_COLOURS = {
    Status.FIRST.value: "36",
    Status.IDENTICAL.value: "32",
    Status.EQUIVALENT.value: "32",
    Status.DRIFTED.value: "33",
    Status.BROKEN.value: "31",
    Status.UNKNOWN.value: "35",
}


@dataclass(frozen=True, slots=True)
class _Style:
    """Colour where it was asked for, nothing where not."""

    colour: bool

    def bold(self, text: str) -> str:
        return self._sgr("1", text)

    def faint(self, text: str) -> str:
        return self._sgr("2", text)

    def status(self, status: str, text: str) -> str:
        return self._sgr(_COLOURS[status], text)

    def _sgr(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def render(document: dict[str, Any], *, colour: bool = False, full: bool = False) -> str:
    """The report for a terminal; ``full`` lists every path that the document has.

    Nothing of it but drift's own colours (``colour``) is a control character.
    """
    style = _Style(colour)
    shown, quiet = folded(document["images"], len(document["images"]) if full else _QUIET)
    verdict = [style.bold(line) for line in _wrapped(sentences.verdict(document), "", "")]
    parts = [*_header(document, style), *verdict, "", *_table(shown, quiet, style)]
    details = [
        line
        for image in in_order(document["images"])
        for line in _image(document, image, style, full)
    ]
    # The end of a long report is what stays on the screen.
    parts += [*details, "", *verdict] if len(details) > _SCREEN else details
    return "".join(f"{inert_line(line)}\n" for line in parts)


def _header(document: dict[str, Any], style: _Style) -> Iterator[str]:
    yield sentences.title(document)
    if document["run"]:
        yield style.faint(visible(sentences.about(document)))
    yield ""


def _table(
    images: list[dict[str, Any]], quiet: list[dict[str, Any]], style: _Style
) -> Iterator[str]:
    """A line an image, those that need a reader first; many quiet ones are one line."""
    name_width = min(28, max([5, *(_width(visible(image["name"])) for image in images)]))
    yield style.faint(f"  {'IMAGE':<{name_width}}  {'STATUS':<10}  WHAT")
    for image in images:
        mark = "!" if image["flagged"] else " "
        name = _pad(_cut(visible(image["name"]), name_width), name_width)
        status = style.status(image["status"], f"{image['status']:<10}")
        what = _cut(visible(sentences.headline(image)), WIDTH - name_width - 16)
        yield f"{mark} {name}  {status}  {what}".rstrip()
    if quiet:
        yield style.faint(
            f"  and {words.counted(len(quiet), 'image')} with nothing to tell; --full lists them"
        )


def _image(
    document: dict[str, Any], image: dict[str, Any], style: _Style, full: bool
) -> Iterator[str]:
    if not full and _is_told_by_its_line(image):
        return
    body = [
        *_causes(document, image, style, full),
        *_noise(image, full),
        *_packages(image, full),
        *_config(image),
        *(_files(image) if full else ()),
        *_failures(image),
        *_notes(image),
        *_builds(image, full),
    ]
    if body:
        flag = ", flagged" if image["flagged"] else ""
        yield ""
        status = style.status(image["status"], image["status"])
        yield f"{style.bold(visible(image['name']))}: {status}{flag}"
        for side in sentences.sides(image):
            yield from _wrapped(side, "  ", "    ")
        yield from body


def _is_told_by_its_line(image: dict[str, Any]) -> bool:
    """Whether there is nothing but noise in an image, of which the table says enough."""
    more = causes.told(image) or image["packages"]["unknown"] or image["notes"]
    return image["status"] == Status.EQUIVALENT and not more and not words.failures(image)


def _notes(image: dict[str, Any]) -> Iterator[str]:
    if image["notes"]:
        yield ""
    for note in image["notes"]:
        yield from _wrapped(f"note: {note}", "  ", "    ")


def _causes(
    document: dict[str, Any], image: dict[str, Any], style: _Style, full: bool
) -> Iterator[str]:
    told = causes.by_urgency(image["causes"]) if full else causes.told(image)
    shown = told if full else told[:_CAUSES]
    for cause in shown:
        yield from _cause(cause, causes.elsewhere(document, image, cause), style)
    if len(told) > len(shown):
        yield ""
        yield f"  and {words.counted(len(told) - len(shown), 'more cause')}; --full lists them"


def _noise(image: dict[str, Any], full: bool) -> Iterator[str]:
    """All noise in one line; where every cause is listed anyway there is none left to tell."""
    found = [] if full else causes.noise(image)
    if found:
        said = f"noise: {causes.noise_in_words(found)} · {causes.grades_in_words(found)}"
        yield ""
        yield from _wrapped(said, "  ", "    ")


def _cause(cause: dict[str, Any], elsewhere: list[str], style: _Style) -> Iterator[str]:
    origin = f"{cause['origin']} " if cause["origin"] else ""
    yield ""
    lead = f"  {origin}{words.kind(cause)}: "
    yield from _wrapped(f"{lead}{visible(cause['subject'])}", "", "    ")
    yield from _wrapped(words.move(cause), "    ", "    ")
    facts = f"{words.volume(cause)} · {cause['grade']}"
    yield from (style.faint(line) for line in _wrapped(facts, "    ", "    "))
    if cause["risk"]:
        risk = _wrapped(f"risk: {', '.join(cause['risk'])}", "    ", "      ")
        yield from (style.bold(line) for line in risk)
    yield from _wrapped(causes.acceptance(cause), "    ", "      ")
    if elsewhere:
        yield from _wrapped(f"also in {', '.join(elsewhere)}", "    ", "      ")
    if cause["instruction"]:
        yield from _wrapped(_instruction(cause["instruction"]), "    ", "      ")
    for fact in cause["evidence"]:
        yield from _wrapped(f"- {visible(fact)}", "    ", "      ")


def _builds(image: dict[str, Any], full: bool) -> Iterator[str]:
    """What was built, and why; one build of the night alone is nothing to tell."""
    builds = words.builds(image)
    if len(builds) > 1 or (full and builds):
        yield ""
        yield f"  builds ({len(builds)})"
        for build in builds:
            lead = f"    {build['label']:<13} {build['seconds']:>6.1f} s  "
            failed = "" if build["ok"] else " (failed)"
            yield from _wrapped(f"{lead}{visible(build['reason'])}{failed}", "", " " * 28)


def _instruction(instruction: dict[str, Any]) -> str:
    text = _cut(visible(instruction["text"]), 2 * WIDTH)
    return f"line {instruction['line']}" + (f": {text}" if text else "")


def _packages(image: dict[str, Any], full: bool) -> Iterator[str]:
    packages = image["packages"]
    changes = [*packages["changed"], *packages["added"], *packages["removed"]]
    if changes or packages["unknown"]:
        yield ""
        # Without a word on how many where none was seen because none could be read.
        yield f"  packages ({words.counted(len(changes), 'change')})" if changes else "  packages"
    shown = changes if full else changes[:_PACKAGES]
    for change in shown:
        yield from _wrapped(f"{change['purl']} {words.move(change)}", "    ", "      ")
    if len(changes) > len(shown):
        yield f"    and {len(changes) - len(shown)} more; --full lists them"
    for ecosystem, reason in packages["unknown"].items():
        yield from _wrapped(f"{ecosystem}: unknown: {reason}", "    ", "      ")


def _config(image: dict[str, Any]) -> Iterator[str]:
    if image["config"]:
        yield ""
        yield "  configuration"
    for change in image["config"]:
        before, after = words.value(change["before"]), words.value(change["after"])
        yield from _wrapped(f"{change['field']}: {before} → {after}", "    ", "      ")


def _files(image: dict[str, Any]) -> Iterator[str]:
    entries = image["files"]["entries"]
    if entries:
        yield ""
        yield f"  files ({words.counted(len(entries), 'path')})"
    for entry in entries:
        fields = f" ({', '.join(entry['fields'])})" if entry["fields"] else ""
        # Never wrapped or cut: a path is there to be copied.
        cause = f" [{entry['cause']}]" if entry["cause"] else ""
        yield f"    {entry['change']:<13} {visible(entry['path'] + fields)}{cause}"


def _failures(image: dict[str, Any]) -> Iterator[str]:
    for failure in words.failures(image):
        yield ""
        yield from _wrapped(f"{failure['what']}: {failure['message']}", "  ", "    ")
        if failure["instruction"]:
            yield from _wrapped(_instruction(failure["instruction"]), "    ", "      ")
        yield from _wrapped(words.told(failure), "    ", "      ")
        yield from (f"    | {_cut(visible(line), WIDTH - 6)}" for line in failure["tail"])


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Untrusted text over several lines; a word that is longer than a line stays whole."""
    return textwrap.wrap(
        visible(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - _width(text))


def _cut(text: str, columns: int) -> str:
    if _width(text) <= columns:
        return text
    kept = text[: columns - 1]
    while _width(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"
