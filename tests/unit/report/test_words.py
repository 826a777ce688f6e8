"""Words that every format shares."""

from __future__ import annotations

import pytest

from drift.report import words


@pytest.mark.parametrize(
    ("share", "shown"), [(0, 0), (0.5, 50), (0.99999, 99.9), (1, 100), (1.0, 100)]
)
def test_only_all_of_it_is_a_hundred_per_cent(share: float, shown: float) -> None:
    assert words.percent(share) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert words.cut("abc", 3) == "abc"
    assert words.cut("abcd", 3) == "abc…"


def test_names_are_listed_and_the_rest_is_counted() -> None:
    assert words.some([], 2) == ""
    assert words.some(["a", "b"], 2) == "a, b"
    assert words.some(["a", "b", "c"], 2) == "a, b and 1 more"
