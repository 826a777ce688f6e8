"""``drift explain``: the causes of an image's newest night, and since when they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drift.cli import output
from drift.cli.opening import configuration, filled_store
from drift.cli.options import DEFAULT_CONFIG, ConfigOption
from drift.errors import StoreError

if TYPE_CHECKING:
    from drift.store.store import Store

NAME = "explain"
EXAMPLES = """\b
Examples:
  drift explain web                             every cause of the newest night
  drift explain web /usr/lib/libssl.so.3        why this path differs
  drift explain web openssl                     why this package differs
"""


def command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image's name in drift.toml.")],
    subject: Annotated[
        str | None,
        typer.Argument(metavar="PATH|PACKAGE", help="A path, a package's name or purl."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say why an image differs, or one path or package of it."""
    from drift.report import sentences

    with filled_store(configuration(config)) as store:
        night, document = _newest(store, image)
        causes = document["causes"]
        told = [f"{image}, night of {night}: {document['status']}: {sentences.headline(document)}"]
        if subject is not None:
            differences = list(differences_of(document, subject))
            told += [said for said, _ in differences] or [
                f"{subject}: {absence(document, subject)}"
            ]
            held = {cause for _, cause in differences}
            causes = [cause for cause in causes if cause["id"] in held]
        else:
            told += _failures(document)
        for cause in causes:
            told += _cause(cause, _since(store, image, cause))
    output.write("".join(f"{output.inert(line)}\n" for line in told))


def _newest(store: Store, image: str) -> tuple[date, dict[str, Any]]:
    """The newest night that holds the image, and what it said of it.

    Raises:
        StoreError: there is none.
    """
    for night in store.history(image, 1):
        run = store.run(night.run)
        if run is not None and image in run.images:
            return night.night, run.images[image]
    raise StoreError(
        f"no finished night holds an image {image!r}", hint="`drift history` lists the images"
    )


def differences_of(document: dict[str, Any], subject: str) -> Iterator[tuple[str, str | None]]:
    """What differs under a path, package or configuration field, each with its cause's id."""
    from drift.report import words

    for entry in document["files"]["entries"]:
        if entry["path"] == subject:
            fields = f" ({', '.join(entry['fields'])})" if entry["fields"] else ""
            change = entry["change"].replace("metadata_only", "nothing but its time differs")
            yield f"{subject}: {change}{fields}", entry["cause"]
    packages = document["packages"]
    for change in (*packages["changed"], *packages["added"], *packages["removed"]):
        if subject in (change["purl"], words.purl_name(change["purl"])):
            yield f"{change['purl']} {words.move(change)}", change["cause"]
    for field in document["config"]:
        if field["field"] == subject:
            moved = f"{words.value(field['before'])} → {words.value(field['after'])}"
            yield f"{subject}: {moved}", field["cause"]


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


def _failures(document: dict[str, Any]) -> Iterator[str]:
    from drift.report import words

    for failure in words.failures(document):
        yield ""
        yield f"{failure['what']}: {failure['message']}"
        yield from _instruction(failure["instruction"])
        yield from (f"  | {line}" for line in failure["tail"])


def _cause(cause: dict[str, Any], since: date | None) -> Iterator[str]:
    from drift.report import words

    origin = f"{cause['origin']} " if cause["origin"] else ""
    yield ""
    yield f"{origin}{words.kind(cause)}: {cause['subject']} {words.move(cause)}".rstrip()
    yield f"  {words.volume(cause)}, {cause['grade']}"
    if since is not None:
        yield f"  first seen in the night of {since}"
    yield from _instruction(cause["instruction"])
    yield from (f"  - {fact}" for fact in cause["evidence"])


def _instruction(instruction: dict[str, Any] | None) -> Iterator[str]:
    if instruction:
        yield f"  line {instruction['line']}: {instruction['text'][:200]}".rstrip(": ")


def _since(store: Store, image: str, cause: dict[str, Any]) -> date | None:
    return store.first_night(image, cause["origin"], cause["kind"], cause["subject"])
