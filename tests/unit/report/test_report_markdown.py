"""Markdown: code spans that hold, and a cut that never breaks the page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.report import markdown
from support import report_samples as samples


@given(st.text(st.sampled_from("`|\\ab @<\n"), max_size=40))
def test_a_code_span_ends_where_it_should(text: str) -> None:
    span = markdown.code(text)
    assert "\n" not in span
    assert "|" not in span
    fence = re.match("`+", span)
    if fence is not None:
        inside = span[len(fence[0]) : -len(fence[0])]
        assert span.endswith(fence[0])
        assert len(fence[0]) not in {len(run) for run in re.findall("`+", inside)}


def outside_code(report: str) -> str:
    """The Markdown without fenced blocks and code spans: what GitHub would interpret."""
    without_fences = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", report)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", without_fences)


def test_nothing_untrusted_stands_outside_of_code() -> None:
    seen = outside_code(markdown.render(samples.hostile_fleet()))
    assert re.findall(r"<(\S+?)[\s>]", seen) == [
        *(3 * ("details", "summary", "/summary", "/details")),
    ]
    assert not re.search(r"[@\[\]`!]|http|www|::|octocat", seen)


@pytest.mark.parametrize("limit", [700, 2500, 65_000])
def test_a_cut_report_is_whole_markdown(limit: int) -> None:
    document = samples.document_of(
        *(make(f"image{n}") for n in range(60) for make in (samples.drifted, samples.broken))
    )
    report = markdown.render(document, limit=limit)
    assert len(report) < limit
    assert re.search(r"cut here: \d+ parts are missing", report)
    assert report.count("<details>") == report.count("</details>")
    assert report.count("```") % 2 == 0


def test_a_report_that_fits_is_not_cut() -> None:
    assert "cut here" not in markdown.render(samples.fleet())
