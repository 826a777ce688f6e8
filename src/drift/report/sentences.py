"""Whole sentences about a report's document: what an image and a night come to.

What comes back may hold untrusted text; the format that shows it makes it inert.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drift.attribute.model import Status
from drift.report import causes, verdicts, words

Part = dict[str, Any]

_HEADLINE = 200  # characters
_PAIR = {Status.DRIFTED.value: "different", Status.UNKNOWN.value: "not comparable"}


def headline(image: Part) -> str:
    """What there is to say of an image in one line, cut where it grows absurd."""
    return words.cut(_headline(image), _HEADLINE)


def _headline(image: Part) -> str:
    status = image["status"]
    if status in (Status.BROKEN, Status.UNKNOWN):
        return image["error"] or next(
            (f["message"] for f in words.failures(image)), "no reason given"
        )
    if status == Status.FIRST:
        return "nothing to compare with yet"  # other builds may be there, if none was accepted
    if status == Status.IDENTICAL:
        return "same layers and configuration"
    only = "only " if status == Status.EQUIVALENT else ""
    return only + (_causes_in_words(image) or _without_causes(image))


def _causes_in_words(image: Part) -> str:
    """The first two causes and how many more; noise only where there is little else to say."""
    told = causes.told(image)
    named = [cause_in_words(cause) for cause in told[:2]]
    more = [f"{len(told) - 2} more"] if len(told) > 2 else []
    noise = causes.noise_in_words(causes.noise(image))
    quiet = not told or image["status"] == Status.EQUIVALENT
    return "; ".join([*named, *more, *([f"noise: {noise}"] if noise and quiet else [])])


def cause_in_words(cause: Part) -> str:
    """``openssl 3.0.17-1 → 3.0.17-2``: a cause in a few words."""
    accepted = " (accepted)" if causes.acceptance(cause) else ""
    if cause["kind"] == "package":
        return f"{words.purl_name(cause['subject'])} {words.move(cause)}".rstrip() + accepted
    return f"{words.kind(cause)} {cause['subject']}{accepted}"


def _without_causes(image: Part) -> str:
    files = image["files"]
    counts = {
        "changed path": files["added"] + files["removed"] + files["modified"],
        "package": sum(len(image["packages"][key]) for key in ("added", "removed", "changed")),
        "setting": len(image["config"]),
        "modification time": files["metadata_only"],
        "ignored path": files["ignored"],
        "shadowed path": files["shadowed"],
        "layer": len(image["layers"]),
    }
    said = [words.counted(number, noun) for noun, number in counts.items() if number]
    return ", ".join(said[:3]) or "differences that do not count"


def sides(image: Part) -> list[str]:
    """``baseline: night 2026-11-22, revision 1a2b3c4d5e6f, image sha256:…``; one line a side."""
    known = ((name, image[name]) for name in ("baseline", "candidate"))
    return [f"{name}: {', '.join(_side(side))}" for name, side in known if side]


def _side(side: Part) -> Iterator[str]:
    if side.get("reference"):
        yield str(side["reference"])
    if side["night"]:
        yield f"night {side['night']}"
    if side["revision"]:
        changes = " with uncommitted changes" if side["dirty"] else ""
        yield f"revision {side['revision'][:12]}{changes}"
    yield f"image {words.short(side['image_id'])}" if side["image_id"] else "no image"


def verdict(document: Part, quiet: int | None = None) -> str:
    """The whole report in one sentence or two; ``quiet`` counts quiet nights up to this."""
    images = document["images"]
    if document["run"] is None and len(images) == 1:
        return f"The images are {_PAIR.get(images[0]['status'], images[0]['status'])}."
    return verdicts.verdict(document, quiet)


def title(document: Part) -> str:
    """``drift report for the night of 2026-11-23``."""
    run = document["run"]
    return f"drift report for the night of {run['night']}" if run else "drift: two images compared"


def about(document: Part) -> str:
    """The run's id and engine, and drift's version, in one line; empty for two images alone."""
    run = document["run"]
    if run is None:
        return ""
    engine = run["engine"]
    parts = [f"run {run['id']}"]
    if engine:
        parts.append(f"{engine['name']} {engine['version']}, {engine['builder']}")
        parts.append(engine["platform"])
    return " · ".join([*parts, f"drift {document['drift_version']}"])
