"""Text, GitHub, JSON and JUnit with hostile text in every place that can hold text."""

from __future__ import annotations

import json
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from drift.report import github
from drift.report.formats import FORMATS
from support import report_samples as samples


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_output_steers_a_terminal_or_a_runner(name: str) -> None:
    report = FORMATS[name](samples.hostile_fleet())
    report.encode("utf-8")
    steering = {c for c in report if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert steering <= {"\n"}


@pytest.mark.parametrize("name", ["text", "json", "github", "markdown", "junit"])
def test_what_a_step_prints_holds_no_old_style_command(name: str) -> None:
    assert "##[" not in FORMATS[name](samples.hostile_fleet())


@pytest.mark.parametrize("name", ["text", "json", "markdown", "junit"])
def test_no_line_is_a_workflow_command(name: str) -> None:
    lines = FORMATS[name](samples.hostile_fleet()).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::")]


def test_markdown_renders_to_text_and_code_alone() -> None:
    report = FORMATS["markdown"](samples.hostile_fleet())
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(report)
    html = {line for t in tokens if t.type == "html_block" for line in t.content.splitlines()}
    assert {line for line in html if not line.startswith("<details><summary>")} == {"</details>"}
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {
        *("text", "code_inline", "softbreak", "strong_open", "strong_close"),
    }
    said = " ".join(child.content for child in inline if child.type == "text")
    assert not re.search(r"@|#\d|GH-\d|://|www\.", said)


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
