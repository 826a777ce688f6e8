"""A report's document said in words: shared by every format that people read.

What comes back may hold untrusted text; the format that shows it makes it inert.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from drift.attribute.model import Origin, Status

Part = dict[str, Any]

_HEADLINE = 200  # characters

#: Causes that need a reader most come first.
_URGENCY = (
    Origin.EXTERNAL.value,
    None,
    Origin.UNEXPLAINED.value,
    Origin.TOOLCHAIN.value,
    Origin.REPO.value,
    Origin.NONDETERMINISM.value,
)


def size(count: int) -> str:
    """Bytes in decimal units: ``999 B``, ``1.5 kB``, ``34.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.95 or unit == "GB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(value: str) -> str:
    """A sha256 digest by its first twelve characters; anything else as it is."""
    algorithm, colon, encoded = value.partition(":")
    return f"{algorithm}:{encoded[:12]}" if colon and algorithm == "sha256" else value


def kind(part: Part) -> str:
    """``base image``, ``package republished``: a kind as people say it."""
    return str(part["kind"]).replace("-", " ")


def move(part: Part) -> str:
    """``before → after`` with digests shortened; empty where neither is known."""
    before, after = part["before"], part["after"]
    if before is None and after is None:
        return ""
    return f"{short(before) if before else '(none)'} → {short(after) if after else '(none)'}"


def purl_name(subject: str) -> str:
    """A package's short name, ``openssl`` for ``pkg:deb/debian/openssl``; else the subject."""
    return subject.rpartition("/")[2] if subject.startswith("pkg:") else subject


def by_urgency(causes: list[Part]) -> list[Part]:
    """Causes in the order in which they need a reader: by origin, then by weight."""
    return sorted(
        causes, key=lambda cause: (_URGENCY.index(cause["origin"]), -cause["files"]["changed"])
    )


def volume(part: Part) -> str:
    """``41 files, 10.5 MB`` of a cause."""
    files = part["files"]
    if not files["changed"]:
        return "no files"
    return f"{counted(files['changed'], 'file')}, {size(files['bytes'])}"


def failures(image: Part) -> list[Part]:
    """The failures of this run's builds, each with its ``role``; the same twice is one."""
    failed = (build for build in image["builds"] if build["failure"])
    found = {
        (build["role"], build["failure"]["message"]): {**build["failure"], "role": build["role"]}
        for build in failed
    }
    return list(found.values())


def headline(image: Part) -> str:
    """What there is to say of an image in one line, cut where it grows absurd."""
    said = _headline(image)
    return said if len(said) <= _HEADLINE else f"{said[:_HEADLINE]}…"


def _headline(image: Part) -> str:
    status = image["status"]
    if status in (Status.BROKEN, Status.UNKNOWN):
        return image["error"] or next((f["message"] for f in failures(image)), "no reason given")
    if status == Status.FIRST:
        return "first build: nothing to compare with yet"
    if status == Status.IDENTICAL:
        return "same layers and configuration"
    only = "only " if status == Status.EQUIVALENT else ""
    return only + (_causes_in_words(image) or _without_causes(image))


def _causes_in_words(image: Part) -> str:
    causes = by_urgency(image["causes"])
    named = [_cause_in_words(cause) for cause in causes[:2]]
    more = [f"{len(causes) - 2} more"] if len(causes) > 2 else []
    return "; ".join(named + more)


def _cause_in_words(cause: Part) -> str:
    if cause["kind"] == "package":
        return f"{purl_name(cause['subject'])} {move(cause)}".rstrip()
    return f"{kind(cause)} {cause['subject']}"


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
    said = [counted(number, noun) for noun, number in counts.items() if number]
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
    yield f"image {short(side['image_id'])}" if side["image_id"] else "no image"


def verdict(document: Part) -> str:
    """The whole report in one sentence or two."""
    images = document["images"]
    if document["run"] is None and len(images) == 1:
        return f"The images are {_PAIR.get(images[0]['status'], images[0]['status'])}."
    flagged = [image["name"] for image in images if image["flagged"]]
    unknown = [
        image["name"]
        for image in images
        if image["status"] == Status.UNKNOWN and not image["flagged"]
    ]
    if flagged:
        first = f"{len(flagged)} of {counted(len(images), 'image')} flagged: {_some(flagged)}."
    else:
        first = f"Nothing flagged in {counted(len(images), 'image')}."
    return first + (f" Could not be checked: {_some(unknown)}." if unknown else "")


_PAIR = {Status.DRIFTED.value: "different", Status.UNKNOWN.value: "not comparable"}


def _some(names: list[str]) -> str:
    rest = [f"{len(names) - 8} more"] if len(names) > 8 else []
    return ", ".join([*names[:8], *rest])


def title(document: Part) -> str:
    """``drift report for the night of 2026-11-23``."""
    run = document["run"]
    return f"drift report for the night of {run['night']}" if run else "drift: two images compared"


def about(document: Part) -> str:
    """The run's id, engine and duration in one line; empty for two images alone."""
    run = document["run"]
    if run is None:
        return ""
    engine = run["engine"]
    parts = [f"run {run['id']}"]
    if engine:
        parts.append(f"{engine['name']} {engine['version']}, {engine['builder']}")
        parts.append(engine["platform"])
    return " · ".join([*parts, f"drift {document['drift_version']}"])


def value(configured: Any) -> str:
    """A configuration's value on one line: text as it is, anything else as JSON."""
    if configured is None:
        return "(none)"
    return configured if isinstance(configured, str) else json.dumps(configured, ensure_ascii=False)
