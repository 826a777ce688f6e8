"""The JUnit format: one test case an image, for CI systems that show test results.

Flagged is a failure. Not flagged, yet ``broken`` or ``unknown``, is an error: the check of
that image did not come to an end.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from drift.attribute.model import Status
from drift.report import causes, sentences, words
from drift.report.escape import inert_line, visible

_UNDONE = (Status.BROKEN, Status.UNKNOWN)


def render(document: dict[str, Any]) -> str:
    """The report as JUnit XML (the Jenkins dialect), valid XML 1.0 whatever it quotes."""
    images = document["images"]
    counts = {
        "tests": len(images),
        "failures": sum(_outcome(image) == "failure" for image in images),
        "errors": sum(_outcome(image) == "error" for image in images),
    }
    totals = {key: str(number) for key, number in counts.items()}
    root = ET.Element("testsuites", {"name": "drift", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": "drift", **totals, "skipped": "0"})
    if document["run"]:
        suite.set("timestamp", document["run"]["started_at"].rstrip("Z"))
    for image in images:
        _case(suite, image)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _outcome(image: dict[str, Any]) -> str | None:
    if image["flagged"]:
        return "failure"
    return "error" if image["status"] in _UNDONE else None


def _case(suite: ET.Element, image: dict[str, Any]) -> None:
    seconds = sum(build["seconds"] for build in image["builds"])
    case = ET.SubElement(
        suite, "testcase", classname="drift", name=visible(image["name"]), time=f"{seconds:.1f}"
    )
    outcome = _outcome(image)
    if outcome:
        message = inert_line(visible(f"{image['status']}: {sentences.headline(image)}"))
        element = ET.SubElement(case, outcome, type=image["status"], message=message)
        element.text = "\n".join(inert_line(visible(line)) for line in _lines(image))


def _lines(image: dict[str, Any]) -> Iterator[str]:
    for cause in causes.told(image):
        origin = f"{cause['origin']} " if cause["origin"] else ""
        yield f"{origin}{words.kind(cause)} {cause['subject']} {words.move(cause)}".rstrip()
        yield f"  {words.volume(cause)}, {cause['grade']}"
        yield from (f"  risk: {risk}" for risk in cause["risk"])
        if causes.acceptance(cause):
            yield f"  {causes.acceptance(cause)}"
        yield from (f"  - {fact}" for fact in cause["evidence"])
    noise = causes.noise(image)
    if noise:
        yield f"noise: {causes.noise_in_words(noise)}, {causes.grades_in_words(noise)}"
    for failure in words.failures(image):
        yield f"{failure['what']}: {failure['message']}"
        yield from filter(None, [words.told(failure)])
        yield from (f"| {line}" for line in failure["tail"])
