"""Where a report's files lie: nothing leads away, and nothing meets by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.report import places

NAMES = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*", fullmatch=True).filter(lambda n: len(n) < 64)


@given(NAMES, NAMES)
def test_no_two_images_share_a_page_and_none_takes_the_directorys(one: str, other: str) -> None:
    pages = {places.image_page("run", one), places.image_page("run", other)}
    assert len(pages) == len({one, other})
    assert places.run_page("run") not in pages
    assert places.latest_page() != places.latest_page(one)


def test_an_image_named_index_has_a_page_of_its_own() -> None:
    assert places.image_page("r", "index") == "runs/r/_index.html"
    assert places.history_page("index") == "images/_index.html"


@pytest.mark.parametrize("name", ["", "..", ".x", "a/b", "a\0", "a b", "x" * 129, "ü"])
def test_a_name_that_could_lead_away_has_no_page(name: str) -> None:
    for place in (places.history_page, places.run_page, places.run_document, places.latest_page):
        with pytest.raises(ValueError, match="not a"):
            place(name)


def test_anchors_hold_nothing_that_ends_an_attribute_or_a_url() -> None:
    assert places.path_anchor('/a b"<#?&') == "#path=/a%20b%22%3C%23%3F%26"
    assert places.cause_anchor('c"1') == "#cause-c%221"
    assert places.event_anchor("external", "package", '"\udc80').removeprefix("#event-").isalnum()
