"""What an upgrade writes down in the engine, and what is read of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.upkeep.marks import UPGRADING, Mark, Member, Way, group_of, groups
from drift.upkeep.model import Container

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
OLD_WEB, OLD_SIDE = "a" * 64, "b" * 64
ALWAYS = {"Name": "always", "MaximumRetryCount": 0}
MARK = Mark("m1", AT, (Member(OLD_WEB, "web", ALWAYS), Member(OLD_SIDE, "side", {"Name": "no"})))


def container(name: str, known: str = "", mark: Mark | None = MARK) -> Container:
    labels = mark.label() if mark else {}
    return Container(
        known or f"new-{name}", name, "sha256:1", "web:1", "running", None, None, "no", False,
        labels, (), (), 0,
    )  # fmt: skip


def test_a_new_one_that_never_ran_is_not_done_where_somebody_removed_the_old_one() -> None:
    unstarted = replace(container("web"), state="created")
    (group,) = groups([unstarted, container("side")], lambda _one: {})
    assert group.way is Way.FINISH


def old(name: str) -> Container:
    return container(name, OLD_WEB if name.startswith("web") else OLD_SIDE, None)


@pytest.mark.parametrize(
    ("names", "way"),
    [
        ("web side +web.drift-new", Way.BACK),
        ("web side +web.drift-new +side.drift-new", Way.BACK),
        ("web.drift-old side +web.drift-new +side.drift-new", Way.BACK),
        ("web.drift-old side +web +side.drift-new", Way.BACK),
        ("web.drift-old side.drift-old +web +side", Way.FORWARD),
        ("web.drift-old +web +side", Way.FINISH),
        ("web.drift-held side.drift-old +web +side", Way.FINISH),
        ("web.drift-held side.drift-held +web +side", Way.HELD),
        ("web.drift-held side.drift-held +web.drift-new +side", Way.BACK),
        ("+web +side", Way.DONE),
        ("+web +side +web.drift-backup", Way.FINISH),
        ("web side +web.drift-backup", Way.BACK),
        ("web.drift-held side.drift-held +web.drift-backup", Way.HELD),
        ("web.drift-held side.drift-held +web +side +web.drift-backup", Way.HELD),
    ],
)
def test_the_names_say_where_an_upgrade_stands(names: str, way: Way) -> None:
    """``+`` is a container with the label, the others are the old ones."""
    everyone = [
        container(name[1:]) if name.startswith("+") else old(name) for name in names.split()
    ]
    (group,) = groups(everyone, lambda _one: {})
    assert group.way is way
    assert group.name == "web"


def test_an_image_that_brings_the_label_says_nothing() -> None:
    forged = container("web")
    assert groups([forged, old("web.drift-old")], lambda one: one.labels) == []


def test_a_container_of_an_image_that_was_committed_is_not_the_new_one() -> None:
    """Its label is the new one's own, word for word, and so is its name."""
    forged = container("web")
    everyone = [forged, old("web.drift-held"), container("web.drift-backup")]
    (group,) = groups(everyone, lambda one: one.labels if one is forged else {})
    assert group.pairs[0].new is None
    assert group.pairs[0].backup is not None


def test_a_label_on_a_container_of_another_name_says_nothing() -> None:
    assert groups([container("other"), old("web.drift-old")], lambda _one: {}) == []


def test_an_old_one_that_somebody_renamed_is_left_alone() -> None:
    (group,) = groups([container("web"), container("x", OLD_WEB, None)], lambda _one: {})
    assert [pair.old for pair in group.pairs] == [None, None]


def test_what_is_there_is_found_without_any_label_left() -> None:
    group = group_of(MARK, [old("web.drift-old"), old("side")])
    assert [pair.old.name if pair.old else None for pair in group.pairs] == [
        "web.drift-old",
        "side",
    ]
    assert group.way is Way.BACK


@given(
    known=st.text(),
    hold=st.booleans(),
    named=st.none() | st.tuples(st.text(), st.text()),
    policy=st.dictionaries(st.text(), st.integers() | st.text()),
)
def test_a_label_is_read_as_it_was_written(
    known: str, hold: bool, named: tuple[str, str] | None, policy: dict[str, object]
) -> None:
    mark = Mark(known, AT, (Member(OLD_WEB, "web", policy, named),), hold)
    assert Mark.parse(mark.label()[UPGRADING]) == mark


@given(st.text() | st.sampled_from(["{}", "[]", "null", '{"id":1}', '{"at":"2026"}']))
def test_anything_else_is_no_mark(text: str) -> None:
    assert Mark.parse(text) is None


def test_more_than_what_is_written_is_no_mark() -> None:
    text = MARK.label()[UPGRADING]
    assert Mark.parse(text + " ") is None
    assert Mark.parse(text.replace("{", '{"more":1,', 1)) is None
    assert Mark.parse(replace(MARK, id="m2").label()[UPGRADING]) is not None
