"""What an image's document shows beside its differences: Dockerfile, text diffs, a link."""

from __future__ import annotations

from typing import Any

from drift.attribute.model import Origin
from drift.report.confidential import without_values
from drift.report.diffs import in_order, text_diffs
from drift.report.links import compare_link
from drift.report.results import DiffResult, Exhibits, ImageResult
from drift.snapshot.model import printable_path

DOCKERFILE = 64 << 10  # bytes of a Dockerfile that are shown


def dockerfile_object(exhibits: Exhibits) -> dict[str, Any] | None:
    """The Dockerfile's text, without what must not be shown; ``cut`` where it is longer."""
    if exhibits.dockerfile is None:
        return None
    content = exhibits.dockerfile_content
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")
    shown = without_values(exhibits.mask.text(text))
    return {
        "name": exhibits.mask.text(exhibits.dockerfile),
        "text": shown[:DOCKERFILE],
        "cut": len(shown) > DOCKERFILE,
    }


def compare_url(result: ImageResult) -> str | None:
    """Where the two revisions are compared; None where they are equal or not on a known host."""
    before, after = (
        build.inputs.repo.revision if build and build.inputs else None
        for build in (result.baseline, result.candidate)
    )
    link = compare_link(result.exhibits.remote, before, after)
    return link and result.exhibits.mask.text(link)


def add_diffs(entries: list[dict[str, Any]], result: ImageResult | DiffResult) -> None:
    """Give the entries of small changed text files their ``diff``."""
    exhibits, comparison, reasons = result.exhibits, result.comparison, result.attribution
    if exhibits.texts is None or comparison is None:
        return
    noise = set[str]()
    if reasons is not None:
        noise = {c.id for c in reasons.causes if c.origin is Origin.NONDETERMINISM}
    wanted = in_order(comparison.files, reasons.paths if reasons else {}, noise)
    found = text_diffs(wanted, exhibits.texts, exhibits.mask)
    diffs = {printable_path(path): diff for path, diff in found.items()}
    for entry in entries:
        if entry["path"] in diffs and entry["change"] == "modified":
            entry["diff"] = diffs[entry["path"]]
