"""No form of a secret gets through, and nothing else is touched."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.masking import Mask


@given(st.text(min_size=4, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_value_is_gone_from_text_and_bytes(value: str, before: str, after: str) -> None:
    mask = Mask([value])
    text = mask.text(before + value + after)
    assert "***" in text
    assert value not in text.replace("***", "") or value in "***" or value in before + after
    assert b"***" in mask.bytes((before + value + after).encode())


@pytest.mark.parametrize(
    "text",
    [
        quote("p@ss/word", safe=""),
        quote("p@ss/word", safe="").lower(),
        base64.b64encode(b"p@ss/word").decode(),
        base64.b64encode(b"user:p@ss/word").decode(),
        base64.b64encode(b"ab:p@ss/word!").decode(),
    ],
)
def test_encoded_forms_are_hidden(text: str) -> None:
    assert "***" in Mask(["p@ss/word"]).text(f"a {text} z")


def test_the_longest_value_wins_and_overlaps_are_hidden_whole() -> None:
    assert Mask(["secret", "secret-longer"]).text("x secret-longer y") == "x *** y"
    assert Mask(["abcd", "cdef"]).text("-abcdef-") == "-***-"
    assert Mask(["abcd", "cdef"]).bytes(b"-abcdef-") == b"-***-"


def test_each_line_of_a_long_value_is_hidden() -> None:
    assert Mask(["first line\nsecond line"]).text("> second line") == "> ***"


def test_short_values_and_other_text_stay() -> None:
    assert Mask(["abc", "", "on"]).text("abc on") == "abc on"
    assert Mask([]).bytes(b"abc") == b"abc"
