"""What a stored document says of one path, package, field or subject of an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

Found = tuple[str, str | None]


def differences_of(document: dict[str, Any], subject: str) -> list[Found]:
    """What differs under a path, package or configuration field, each with its cause's id.

    A directory stands for what differs below it as well; what nothing is called is looked for
    among the causes' subjects and ids, and then as the end of a path.
    """
    exact = [*_paths(document, subject), *_packages(document, subject), *_fields(document, subject)]
    return (
        [*exact, *_below(document, subject)]
        or list(_causes(document, subject))
        or [*_ends(document, subject), *_below(document, f"/{subject}")]
    )


def _paths(document: dict[str, Any], subject: str) -> Iterator[Found]:
    for entry in document["files"]["entries"]:
        if entry["path"] == subject:
            yield _entry(entry)


def _ends(document: dict[str, Any], subject: str) -> Iterator[Found]:
    end = f"/{subject}"
    yield from (_entry(one) for one in document["files"]["entries"] if one["path"].endswith(end))


def _entry(entry: dict[str, Any]) -> Found:
    fields = f" ({', '.join(entry['fields'])})" if entry["fields"] else ""
    change = entry["change"].replace("metadata_only", "nothing but its time differs")
    return f"{entry['path']}: {change}{fields}", entry["cause"]


def _packages(document: dict[str, Any], subject: str) -> Iterator[Found]:
    from drift.report import words

    packages = document["packages"]
    for change in (*packages["changed"], *packages["added"], *packages["removed"]):
        if subject in (change["purl"], words.purl_name(change["purl"])):
            yield f"{change['purl']} {words.move(change)}", change["cause"]


def _fields(document: dict[str, Any], subject: str) -> Iterator[Found]:
    from drift.report import words

    for field in document["config"]:
        if field["field"] == subject:
            moved = f"{words.value(field['before'])} → {words.value(field['after'])}"
            yield f"{subject}: {moved}", field["cause"]


def _below(document: dict[str, Any], subject: str) -> Iterator[Found]:
    from drift.report import words

    if not subject.startswith("/"):
        return
    directory = f"{subject.rstrip('/')}/"
    by_cause = Counter(
        entry["cause"]
        for entry in document["files"]["entries"]
        if entry["path"].startswith(directory) and entry["change"] != "metadata_only"
    )
    for cause, number in sorted(by_cause.items(), key=lambda item: -item[1]):
        yield f"{directory}: {words.counted(number, 'path')} below it", cause


def _causes(document: dict[str, Any], subject: str) -> Iterator[Found]:
    from drift.report import words

    for cause in document["causes"]:
        if subject in (cause["id"], cause["subject"], words.purl_name(cause["subject"])):
            yield f"{subject}: {words.kind(cause)} {words.move(cause)}".rstrip(), cause["id"]


def absence(document: dict[str, Any], subject: str) -> str:
    """What it means that nothing is listed for a subject: no difference, or nobody could look."""
    if document["status"] == "first":
        return "nothing to compare with yet"
    if document["status"] in ("broken", "unknown"):
        return f"unknown, as the image is {document['status']}"
    if subject.startswith("/"):
        ignored = document["files"]["ignored"]
        return "no difference that is not ignored" if ignored else "no difference"
    unread = document["packages"]["unknown"]
    if subject.startswith("pkg:"):
        unread = {kind: why for kind, why in unread.items() if subject.startswith(f"pkg:{kind}/")}
    whys = "; ".join(f"{kind} packages are unknown: {why}" for kind, why in unread.items())
    return f"no difference was seen, but {whys}" if whys else "no difference"
