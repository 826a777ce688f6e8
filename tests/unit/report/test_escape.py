"""Untrusted text made inert."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.report.escape import inert_line, storable, visible, visible_json

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 🎉", "plain é 漢字 🎉"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\r\t", "a\\nb\\r\\t"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egpj", "\\u202egpj"),
        ("\u2066\u2069\u200e\u200f", "\\u2066\\u2069\\u200e\\u200f"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY_TEXT)
def test_nothing_invisible_is_left(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not any(unicodedata.bidirectional(c) in _BIDI for c in shown)


_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_json_keeps_its_meaning(value: dict[str, str]) -> None:
    clean = storable(value)
    text = json.dumps(clean, ensure_ascii=False, indent=2)
    shown = visible_json(text)
    assert json.loads(shown) == clean
    assert visible(shown.replace("\n", "")) == shown.replace("\n", "")
    assert "##[" not in shown


@pytest.mark.parametrize(
    ("line", "inert"),
    [
        ("::error::x", "\\::error::x"),
        ("   ::stop-commands::x", "   \\::stop-commands::x"),
        ("std::string", "std::string"),
        ("text ##[add-mask]x", "text #\\#[add-mask]x"),
    ],
)
def test_a_line_is_no_workflow_command(line: str, inert: str) -> None:
    assert inert_line(line) == inert


def test_storable_keeps_what_json_can_carry() -> None:
    value = {"a": [1, 2.5, None, True, "é"], "b": (float("inf"), "\ud800", "\udcff")}
    assert storable(value) == {
        "a": [1, 2.5, None, True, "é"],
        "b": ["inf", "\\ud800", "\\xff"],
    }
