"""The Markdown format: a GitHub step summary, pull-request comment or issue.

All untrusted text stands in code spans or fences, where GitHub resolves no mention, issue
number, link, image or HTML. (A backslash before ``@`` would not help: mentions are looked
for after Markdown is rendered.) The report is built of blocks that are kept or left out
whole, so that a cut never falls inside a fence or an open ``<details>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from drift.report import causes, sentences, words
from drift.report.escape import inert_line, visible
from drift.report.order import folded, in_order

LIMIT = 65_000
_TEXT = 300  # characters of one piece of untrusted text
_PACKAGES = 30
_QUIET = 20  # images with nothing to tell that have a row each
_NOISE = 20
_TAIL = 30  # lines of a failed build's log
_RESERVE = 200  # for the line that says what is missing


def render(
    document: dict[str, Any], *, limit: int = LIMIT, size: Callable[[str], int] = len
) -> str:
    """The report as GitHub-flavoured Markdown of fewer than ``limit`` characters.

    ``size`` is what is limited, where it is not characters.
    """
    blocks = [*_head(document), *_rows(document["images"])]
    for image in in_order(document["images"]):
        blocks += _image(document, image)
    return _fitted(blocks, limit, size)


def code(text: str) -> str:
    """Untrusted text as a code span that nothing inside it can end.

    A pipe is written ``\\x7c``: in a table it would end the cell, in a span or not.
    """
    shown = words.cut(inert_line(visible(text)).replace("|", "\\x7c"), _TEXT)
    if not shown.strip():
        return "(empty)"
    fence = "`" * (_longest_run(shown) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def fence(lines: list[str], language: str = "text") -> str:
    """Untrusted lines in a fence that none of them can end; long ones are cut."""
    body = [inert_line(visible(line)[:_TEXT]) for line in lines]
    mark = "`" * max(3, _longest_run("\n".join(body)) + 1)
    return "\n".join([f"{mark}{language}", *body, mark])


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _fitted(blocks: list[str], limit: int, size: Callable[[str], int]) -> str:
    kept: list[str] = []
    used = 0
    for index, block in enumerate(blocks):
        used += size(block) + 1
        if used > limit - _RESERVE:
            missing = words.counted(len(blocks) - index, "part")
            kept.append(f"\n**This report is cut here: {missing} are missing.** The rest is in")
            kept.append("the HTML and JSON reports.")
            break
        kept.append(block)
    return "\n".join(kept).rstrip() + "\n"


def _head(document: dict[str, Any]) -> Iterator[str]:
    yield f"## {sentences.title(document)}\n"
    yield f"**{_verdict(document)}**\n"
    if document["run"]:
        yield f"{code(sentences.about(document))}\n"


def _verdict(document: dict[str, Any]) -> str:
    """The sentence; as code where it names something, which may be a stranger's."""
    sentence = sentences.verdict(document)
    plain = re.fullmatch(r"[A-Za-z0-9 ,;]+\.", sentence)
    return sentence if plain else code(sentence)


def _rows(images: list[dict[str, Any]]) -> Iterator[str]:
    yield "| | Image | Status | What |\n| :-- | :-- | :-- | :-- |"
    shown, quiet = folded(images, _QUIET)
    for image in shown:
        mark = "❗" if image["flagged"] else ""
        what = code(sentences.headline(image))
        yield f"| {mark} | {code(image['name'])} | **{image['status']}** | {what} |"
    if quiet:
        yield f"| | and {words.counted(len(quiet), 'image')} | | with nothing to tell |"


def _image(document: dict[str, Any], image: dict[str, Any]) -> Iterator[str]:
    body = [
        *(_cause(c, causes.elsewhere(document, image, c)) for c in causes.told(image)),
        *_noise(image),
        *_packages(image),
        *_config(image),
        *map(_failure, words.failures(image)),
        *_builds(image),
        *(f"- note: {code(note)}" for note in image["notes"]),
    ]
    if body:
        flag = ", flagged" if image["flagged"] else ""
        # The heading goes with the first block: a cut never leaves it alone.
        yield f"\n### {code(image['name'])}: {image['status']}{flag}\n\n{body[0]}"
        yield from body[1:]


def _noise(image: dict[str, Any]) -> Iterator[str]:
    found = causes.noise(image)
    if found:
        said = f"noise: {causes.noise_in_words(found)}, {causes.grades_in_words(found)}"
        yield _folded(said, "\n".join(_cause(cause, []) for cause in found[:_NOISE]))


def _builds(image: dict[str, Any]) -> Iterator[str]:
    builds = words.builds(image)
    if len(builds) > 1:
        rows = [
            f"| {b['label']} | {'built' if b['ok'] else 'failed'} | {b['seconds']:.1f} "
            f"| {code(b['reason'])} |"
            for b in builds
        ]
        table = ["| Build | Result | Seconds | Why |", "| :-- | :-- | --: | :-- |", *rows]
        yield _folded(words.counted(len(builds), "build"), "\n".join(table))


def _cause(cause: dict[str, Any], elsewhere: list[str]) -> str:
    origin = f"**{cause['origin']}** " if cause["origin"] else ""
    moved = f", {code(words.move(cause))}" if words.move(cause) else ""
    lines = [
        f"- {origin}{words.kind(cause)} {code(cause['subject'])}{moved}",
        f"  - {words.volume(cause)}, {cause['grade']}",
    ]
    if cause["risk"]:
        lines.append("  - risk: " + ", ".join(code(risk) for risk in cause["risk"][:10]))
    if causes.acceptance(cause):
        lines.append(f"  - {code(causes.acceptance(cause))}")
    if elsewhere:
        lines.append("  - also in " + ", ".join(map(code, elsewhere[:20])))
    if cause["instruction"]:
        lines.append(f"  - {_instruction(cause['instruction'])}")
    lines += [f"  - {code(fact)}" for fact in cause["evidence"][:20]]
    return "\n".join(lines)


def _instruction(instruction: dict[str, Any]) -> str:
    text = instruction["text"]
    return f"line {instruction['line']}" + (f": {code(text)}" if text else "")


def _packages(image: dict[str, Any]) -> Iterator[str]:
    packages = image["packages"]
    changes = [*packages["changed"], *packages["added"], *packages["removed"]]
    for ecosystem, reason in packages["unknown"].items():
        yield f"- packages of {code(ecosystem)} unknown: {code(reason)}"
    if changes:
        rows = [
            f"| {code(c['purl'])} | {_version(c['before'])} | {_version(c['after'])} |"
            for c in changes[:_PACKAGES]
        ]
        more = len(changes) - _PACKAGES
        rest = [f"\nand {words.counted(more, 'more package')}"] if more > 0 else []
        table = ["| Package | Before | After |", "| :-- | :-- | :-- |", *rows, *rest]
        yield _folded(words.counted(len(changes), "package change"), "\n".join(table))


def _version(version: str | None) -> str:
    return "not there" if version is None else code(version)


def _config(image: dict[str, Any]) -> Iterator[str]:
    for change in image["config"]:
        before, after = words.value(change["before"]), words.value(change["after"])
        yield f"- configuration {code(change['field'])}: {code(before)} → {code(after)}"


def _failure(failure: dict[str, Any]) -> str:
    where = f" at {_instruction(failure['instruction'])}" if failure["instruction"] else ""
    line = f"- the {failure['what']}{where}: {code(failure['message'])}"
    if told := words.told(failure):
        line += f"\n  - {code(told)}"
    if not failure["tail"]:
        return line
    return line + "\n" + _folded("Last lines of its log", fence(failure["tail"][-_TAIL:]))


def _folded(summary: str, body: str) -> str:
    """``summary`` is drift's own; the blank lines let Markdown be read inside the HTML."""
    return f"\n<details><summary>{summary}</summary>\n\n{body}\n\n</details>\n"
