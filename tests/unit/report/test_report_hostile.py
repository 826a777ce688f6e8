"""Text, GitHub, JSON and JUnit with hostile text in every place that can hold text."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET

import pytest

from drift.report import github
from drift.report.formats import FORMATS
from support import report_samples as samples


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_output_steers_a_terminal_or_a_runner(name: str) -> None:
    report = FORMATS[name](samples.hostile_fleet())
    report.encode("utf-8")
    steering = {c for c in report if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert steering <= {"\n"}


@pytest.mark.parametrize("name", ["text", "json", "github"])
def test_what_a_step_prints_holds_no_old_style_command(name: str) -> None:
    assert "##[" not in FORMATS[name](samples.hostile_fleet())


def test_text_holds_no_workflow_command() -> None:
    lines = FORMATS["text"](samples.hostile_fleet()).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::")]


def test_annotations_are_as_many_as_for_a_harmless_image() -> None:
    report = github.render(samples.hostile_fleet(), dockerfiles={"evil": samples.HOSTILE})
    lines = report.splitlines()
    assert [line.split(" ", 1)[0] for line in lines[:-1]] == ["::error"]
    properties = lines[0].removeprefix("::error ").split("::", 1)[0]
    assert [part.split("=", 1)[0] for part in properties.split(",")] == ["file", "line", "title"]


def test_junit_is_xml_that_says_the_same() -> None:
    root = ET.fromstring(FORMATS["junit"](samples.hostile_fleet()).encode())
    assert {element.tag for element in root.iter()} == {
        *("testsuites", "testsuite", "testcase", "failure")
    }
    assert "<script>alert(1)</script>" in (root.findtext(".//failure") or "")


def test_json_reads_back() -> None:
    document = samples.hostile_fleet()
    assert json.loads(FORMATS["json"](document)) == document
