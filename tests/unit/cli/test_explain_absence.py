"""What `drift explain` says of a subject that no difference names: never more than was seen."""

from __future__ import annotations

from typing import Any

import pytest

from drift.cli.subjects import absence, differences_of
from support import report_samples as samples


def _image(result: Any) -> dict[str, Any]:
    found: dict[str, Any] = samples.document_of(result)["images"][0]
    return found


@pytest.mark.parametrize("subject", ["/etc/passwd", "openssl", "pkg:deb/debian/openssl"])
def test_without_a_comparison_nothing_is_called_equal(subject: str) -> None:
    assert absence(_image(samples.broken()), subject) == "unknown, as the image is broken"
    assert absence(_image(samples.unknown()), subject) == "unknown, as the image is unknown"
    assert absence(_image(samples.first()), subject) == "nothing to compare with yet"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("/etc/passwd", "no difference"),
        ("pkg:pypi/flask", "no difference"),
        ("pkg:deb/debian/bash", "no difference was seen, but deb packages are unknown: damaged"),
        ("bash", "no difference was seen, but deb packages are unknown: damaged"),
    ],
)
def test_a_package_whose_database_was_not_read_is_not_called_equal(subject: str, said: str) -> None:
    image = _image(samples.drifted())
    image["files"]["ignored"] = 0
    image["packages"]["unknown"] = {"deb": "damaged"}
    assert absence(image, subject) == said


def test_a_path_may_have_been_ignored() -> None:
    image = _image(samples.drifted())
    image["files"]["ignored"] = 3
    assert absence(image, "/var/log/x") == "no difference that is not ignored"


def test_a_path_is_found_by_its_end_and_a_directory_with_what_is_below() -> None:
    image = _image(samples.drifted())
    entries = image["files"]["entries"]
    whole = next(one["path"] for one in entries if one["path"].count("/") > 2)
    found = differences_of(image, whole)
    assert found
    assert differences_of(image, whole[1:]) == found
    assert found[0] in differences_of(image, whole.rpartition("/")[2])
    directory, _, _ = whole.rpartition("/")
    entries.append(
        {"path": directory, "change": "metadata_only", "fields": ["mtime"], "cause": None}
    )
    told = [line for line, _ in differences_of(image, directory)]
    assert told[0] == f"{directory}: nothing but its time differs (mtime)"
    assert told[1].startswith(f"{directory}/: ")
