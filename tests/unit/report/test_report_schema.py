"""The published schema accepts drift's documents, and its strict form nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from drift.attribute.model import Kind, Origin, Status
from drift.report.document import trim
from drift.report.schema import report_schema
from support import report_samples as samples

Edit = Callable[[dict[str, Any]], None]


def validator(*, closed: bool) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(report_schema(closed=closed))


def test_the_schema_is_a_schema() -> None:
    for closed in (False, True):
        jsonschema.Draft202012Validator.check_schema(report_schema(closed=closed))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("make", [samples.fleet, samples.hostile_fleet, samples.diff])
def test_documents_conform(make: Callable[[], dict[str, Any]], closed: bool) -> None:
    validator(closed=closed).validate(make())
    validator(closed=closed).validate(trim(make()))


def test_added_keys_are_allowed_to_consumers_and_caught_in_our_own_output() -> None:
    document = samples.fleet()
    document["images"][0]["causes"][0]["subjct"] = "a typo"
    assert validator(closed=False).is_valid(document)
    assert not validator(closed=True).is_valid(document)


def test_enumerations_are_those_of_the_types() -> None:
    image = report_schema()["properties"]["images"]["items"]["properties"]
    assert image["status"]["enum"] == [status.value for status in Status]
    assert image["origins"]["items"]["enum"] == [origin.value for origin in Origin]
    assert image["causes"]["items"]["properties"]["kind"]["enum"] == [kind.value for kind in Kind]


EDITS: dict[str, Edit] = {
    "a status of its own": lambda d: d["images"][0].update(status="fine"),
    "a missing key": lambda d: d["images"][0].pop("files"),
    "a decimal mode": lambda d: d["images"][0]["files"]["entries"][0]["after"].update(mode="420"),
    "a share above one": lambda d: d["images"][0]["explained"].update(files=1.5),
    "an unknown grade": lambda d: d["images"][0]["causes"][0].update(grade="sure"),
    "a truncated night": lambda d: d["run"].update(night="2026-11"),
    "an unknown origin counted": lambda d: d["summary"]["origins"].update(elsewhere=1),
}


@pytest.mark.parametrize("name", EDITS)
def test_mistakes_are_refused(name: str) -> None:
    document = copy.deepcopy(samples.fleet())
    EDITS[name](document)
    assert not validator(closed=False).is_valid(document)
