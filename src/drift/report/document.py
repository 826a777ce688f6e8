"""The document model: drift.json, as docs and the published schema describe it.

Pure functions from results to plain JSON values. The order of keys is fixed and nothing
depends on clocks, hash order or the machine: the same results give the same document.
Keys that the contract does not name (``compared``, ``notes``, ``failure`` and a few more)
are additions; none of the contract's is ever missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from drift import __version__
from drift.attribute.model import Origin, Status
from drift.report.builds import build_objects, diff_side_object, side_object
from drift.report.confidential import without_secrets
from drift.report.escape import storable
from drift.report.events import events_of
from drift.report.exhibits import add_diffs, compare_url, dockerfile_object
from drift.report.results import DiffResult, ImageResult, RunResult
from drift.report.sections import comparison_sections
from drift.store.queries import StoredRun

Document = dict[str, Any]

SCHEMA_VERSION = 1
_PUBLISHED = (Status.DRIFTED, Status.FIRST)


def image_document(result: ImageResult) -> Document:
    """The document of one image, metadata-only entries included (see :func:`trim`).

    Raises:
        ReportError: a changed path has no cause; the counts could not be trusted.
    """
    document = {
        "name": result.name,
        "status": result.status.value,
        "origins": [],
        "flagged": result.flagged,
        "publish": result.status in _PUBLISHED,
        "baseline": side_object(result.baseline),
        "candidate": side_object(result.candidate),
        "compared": result.comparison is not None,
        **comparison_sections(result.comparison, result.attribution),
        "builds": build_objects(result.builds),
        "error": result.error,
        "notes": list(result.notes),
        "dockerfile": dockerfile_object(result.exhibits),
        "compare": compare_url(result),
    }
    if result.comparison is not None:
        add_diffs(document["files"]["entries"], result)
    return _finished(document)


def run_document(run: RunResult, image_documents: Sequence[Document]) -> Document:
    """The whole report; ``image_documents`` in the order of the configuration."""
    engine = run.engine
    about = {
        "id": run.id,
        "night": run.night.isoformat(),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at) if run.finished_at else None,
        "engine": engine
        and {
            "name": engine.name,
            "version": engine.version,
            "api_version": engine.api_version,
            "builder": engine.builder,
            "platform": engine.platform,
            "kernel": engine.kernel,
            "cpus": engine.cpus,
            "storage_driver": engine.storage_driver,
        },
    }
    return assembled(storable(about), image_documents)


def stored_document(stored: StoredRun) -> Document:
    """The report of a run that is in the store, the same that it was when it ended."""
    about = (stored.id, stored.night, stored.started_at, stored.finished_at, stored.engine)
    return run_document(RunResult(*about), list(stored.images.values()))


def diff_document(result: DiffResult) -> Document:
    """The report of ``drift diff``: no run, one image, and no origin but nondeterminism."""
    image = {
        "name": result.candidate.reference,
        "status": result.status.value,
        "origins": [],
        "flagged": result.status is Status.DRIFTED,
        "publish": result.status in _PUBLISHED,
        "baseline": diff_side_object(result.baseline),
        "candidate": diff_side_object(result.candidate),
        "compared": True,
        **comparison_sections(result.comparison, result.attribution),
        "builds": [],
        "error": None,
        "notes": list(result.notes),
        "dockerfile": None,
        "compare": None,
    }
    add_diffs(image["files"]["entries"], result)
    for cause in image["causes"]:
        if cause["origin"] != Origin.NONDETERMINISM:
            cause["origin"] = None
    return {**assembled(None, [_finished(image)]), "events": []}


def narrowed(document: Document, names: Collection[str]) -> Document:
    """The document with some of its images only, and what it says of them all."""
    images = [image for image in document["images"] if image["name"] in names]
    if len(images) == len(document["images"]):
        return document
    told = {"summary": _summary(images), "events": events_of(images), "images": images}
    return {**document, **told}


def trim(document: Document, *, full: bool = False) -> Document:
    """The document without the entries of paths that differ in nothing but mtime.

    With ``full`` it is the document itself. The counts stay; the argument is not changed.
    """
    if full:
        return document
    return {**document, "images": [_trimmed(image) for image in document["images"]]}


def _trimmed(image: Document) -> Document:
    files = image["files"]
    entries = [entry for entry in files["entries"] if entry["change"] != "metadata_only"]
    return {**image, "files": {**files, "entries": entries}}


def assembled(run: Document | None, images: Sequence[Document]) -> Document:
    """A report of images' documents: counted, and with the events that they tell of."""
    return {
        "schema_version": SCHEMA_VERSION,
        "drift_version": __version__,
        "run": run,
        "summary": _summary(images),
        "events": events_of(images),
        "images": list(images),
    }


def _summary(images: Sequence[Document]) -> Document:
    statuses = Counter(image["status"] for image in images)
    origins = Counter(origin for image in images for origin in image["origins"])
    return {
        "images": len(images),
        "status": _in_order(statuses, Status),
        "origins": _in_order(origins, Origin),
        "flagged": sum(image["flagged"] for image in images),
    }


def _in_order(counts: Mapping[str, int], words: Iterable[str]) -> dict[str, int]:
    return {str(word): counts[word] for word in words if counts.get(word)}


def _finished(image: Document) -> Document:
    """The origins are those of the causes; every string is one that JSON can carry."""
    found = {cause["origin"] for cause in image["causes"]}
    image["origins"] = [origin.value for origin in Origin if origin in found]
    finished: Document = storable(without_secrets(image))
    return finished


def _time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
