"""What every report promises, whatever it tells: asserted of each document a test meets."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import jsonschema

from drift.attribute.model import Kind, Origin
from drift.report.schema import report_schema


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(report_schema(closed=True))


def assert_conforms(document: dict[str, Any]) -> None:
    """The document is valid by its published schema, and its parts agree with each other.

    The closed form of the schema is used, so that a key which nobody published fails too.
    """
    _validator().validate(document)
    for image in document["images"]:
        _assert_counts(image)
        _assert_causes(image)
        assert image["publish"] is (image["status"] in ("drifted", "first"))
    _assert_summary(document)
    _assert_events(document)


def _assert_counts(image: dict[str, Any]) -> None:
    files = image["files"]
    changed = files["added"] + files["removed"] + files["modified"]
    assert sum(cause["files"]["changed"] for cause in image["causes"]) == changed
    listed = Counter(entry["change"] for entry in files["entries"])
    for change in ("added", "removed", "modified"):
        assert listed[change] == files[change]
    assert listed["metadata_only"] in (0, files["metadata_only"])
    if not changed:
        assert image["explained"] == {"files": 1.0, "bytes": 1.0}


def _assert_causes(image: dict[str, Any]) -> None:
    causes = {cause["id"]: cause for cause in image["causes"]}
    assert len(causes) == len(image["causes"])
    packages = (
        change for kind in ("added", "removed", "changed") for change in _packages(image, kind)
    )
    for difference in (*_changed(image), *packages, *image["config"]):
        assert difference["cause"] in causes
    owned = Counter(entry["cause"] for entry in _changed(image))
    assert all(owned[key] == cause["files"]["changed"] for key, cause in causes.items())
    named = sum(owned[key] for key, cause in causes.items() if _names_a_source(cause))
    if owned:
        assert image["explained"]["files"] == named / owned.total()
    told = {cause["origin"] for cause in image["causes"]} - {None}
    assert image["origins"] == [origin for origin in Origin if origin in told]


def _changed(image: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in image["files"]["entries"] if entry["change"] != "metadata_only"]


def _packages(image: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = image["packages"][kind]
    return found


def _names_a_source(cause: dict[str, Any]) -> bool:
    """As the contract defines it: neither origin unexplained nor kind file."""
    return not (cause["origin"] == Origin.UNEXPLAINED or cause["kind"] == Kind.FILE)


def _assert_summary(document: dict[str, Any]) -> None:
    images, summary = document["images"], document["summary"]
    assert summary["images"] == len(images)
    assert summary["status"] == Counter(image["status"] for image in images)
    assert summary["origins"] == Counter(origin for i in images for origin in i["origins"])
    assert summary["flagged"] == sum(image["flagged"] for image in images)


def _assert_events(document: dict[str, Any]) -> None:
    """One for each origin, kind and subject, with every image that has such a cause."""
    known = [(event["origin"], event["kind"], event["subject"]) for event in document["events"]]
    assert len(known) == len(set(known))
    for event in document["events"]:
        for image in document["images"]:
            keys = {(c["origin"], c["kind"], c["subject"]) for c in image["causes"]}
            told = (event["origin"], event["kind"], event["subject"]) in keys
            assert not told or image["name"] in event["images"]
    assert document["run"] is not None or not document["events"]
