"""How a document's causes are told: what comes first, and what is folded into one line.

What comes back may hold untrusted text; the format that shows it makes it inert.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from drift.attribute.model import Grade, Origin
from drift.report import words

Part = dict[str, Any]

#: Causes that need a reader most come first.
_URGENCY = (
    Origin.EXTERNAL.value,
    None,
    Origin.UNEXPLAINED.value,
    Origin.TOOLCHAIN.value,
    Origin.REPO.value,
    Origin.NONDETERMINISM.value,
)


def by_urgency(causes: Iterable[Part]) -> list[Part]:
    """Causes in the order in which they need a reader.

    Noise comes last and what is accepted before it; then it goes by origin, by risk, and by
    weight.
    """
    return sorted(causes, key=_urgency)


def _urgency(cause: Part) -> tuple[bool, bool, int, bool, int]:
    origin = _URGENCY.index(cause["origin"])
    accepted = bool(cause.get("accepted"))
    return is_noise(cause), accepted, origin, not cause["risk"], -cause["files"]["changed"]


def is_noise(cause: Part) -> bool:
    """Whether a cause is folded away: nondeterminism, unless there is a risk in it."""
    return cause["origin"] == Origin.NONDETERMINISM and not cause["risk"]


def told(image: Part) -> list[Part]:
    """The causes of an image that are told one by one, the most urgent first."""
    return [cause for cause in by_urgency(image["causes"]) if not is_noise(cause)]


def noise(image: Part) -> list[Part]:
    """The causes of an image that are told together, in one line."""
    return [cause for cause in by_urgency(image["causes"]) if is_noise(cause)]


def noise_in_words(causes: Iterable[Part]) -> str:
    """``14 files (log, timestamp)``: all noise of an image, in words; empty without any."""
    found = list(causes)
    if not found:
        return ""
    files = sum(cause["files"]["changed"] for cause in found)
    kinds = ", ".join(dict.fromkeys(words.kind(cause) for cause in found))
    return f"{words.counted(files, 'file')} ({kinds})" if files else kinds


def grades_in_words(causes: Iterable[Part]) -> str:
    """``proven``, or of each grade how many files have it."""
    files: Counter[str] = Counter()
    for cause in causes:
        files[cause["grade"]] += cause["files"]["changed"]
    if len(files) == 1:
        return next(iter(files))
    return ", ".join(f"{files[grade]:,} {grade.value}" for grade in Grade if files[grade])


def acceptance(cause: Part) -> str:
    """``accepted until 2026-12-31: reviewed``; empty where it is not."""
    accepted = cause.get("accepted")  # a stored night may be older than the key
    if not accepted:
        return ""
    reason = f": {accepted['reason']}" if accepted["reason"] else ""
    return f"accepted until {accepted['until']}{reason}"


def elsewhere(document: Part, image: Part, cause: Part) -> list[str]:
    """The other images of a document in which the same event is seen."""
    key = (cause["origin"], cause["kind"], cause["subject"])
    for event in document["events"]:
        if (event["origin"], event["kind"], event["subject"]) == key:
            return [name for name in event["images"] if name != image["name"]]
    return []
