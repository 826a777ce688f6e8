"""Small rules behind the pages: which step a version took, nights in letters, two stacks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from drift.report.document import assembled
from drift.report.pages.calendar import days, quiet_nights, strip
from drift.report.pages.dockerfile import lines, lines_of_base
from drift.report.pages.stacks import stacks
from drift.report.pages.tree import tree
from drift.report.pages.versions import step
from drift.store.queries import ImageNight
from support import report_samples as samples
from support import showcase
from support.conformance import assert_conforms

NIGHT = date(2026, 11, 23)


def seen(night: date, status: str, *, flagged: bool = False) -> ImageNight:
    return ImageNight("web", night, "a-run", status, (), flagged)


@pytest.mark.parametrize(
    ("purl", "before", "after", "moved"),
    [
        ("pkg:deb/debian/a", "1.2-3", "1:1.2-3", "epoch"),
        ("pkg:deb/debian/a", "1.2-3", "1.3-3", "upstream"),
        ("pkg:deb/debian/a", "1:1.2-3~deb12u1", "1:1.2-3~deb12u2", "revision"),
        ("pkg:deb/debian/a", "0:1.2-3", "1.2-4", "revision"),
        ("pkg:rpm/fedora/a", "1.2-3.fc40", "1.2-4.fc40", "revision"),
        ("pkg:apk/alpine/a", "1.2-r0", "1.2-r1", "revision"),
        ("pkg:apk/alpine/a", "1.2-r0", "1.3-r0", "upstream"),
        ("pkg:npm/a", "1.0.0-rc.1", "1.0.0-rc.2", "upstream"),
        ("pkg:pypi/a", "1!1.0", "2!1.0", "upstream"),
        ("pkg:deb/debian/a", None, "1", "added"),
        ("pkg:deb/debian/a", "1", None, "removed"),
        ("pkg:deb/debian/a", "1", "1", ""),
        ("pkg:npm/a", "1, 2", "1, 3", "several copies"),
    ],
)
def test_which_part_of_a_version_moved(
    purl: str, before: str | None, after: str | None, moved: str
) -> None:
    assert step(purl, before, after) == moved


def test_every_night_has_a_letter() -> None:
    nights = [
        seen(NIGHT, "drifted", flagged=True),
        seen(NIGHT - timedelta(1), "drifted"),
        seen(NIGHT - timedelta(3), "first"),
    ]
    found = strip(nights, days(NIGHT, 5))
    assert found.letters == "–F–dD"
    assert found.said == (
        "5 nights: 1 drifted, flagged; 1 drifted, not flagged; 1 first build; 2 no run"
    )
    assert found.cells.count("<i ") == 5


def test_quiet_nights_are_counted_back_to_the_last_that_was_not() -> None:
    nights = {NIGHT - timedelta(n): n != 3 for n in range(10)}
    assert quiet_nights(nights) == 3
    assert quiet_nights({NIGHT: False}) == 0
    assert quiet_nights({}) == 0


def test_an_instruction_of_several_lines_is_marked_whole() -> None:
    text = "FROM a\nRUN b \\\n && c \\\n && d\nRUN e\n"
    found = lines(text, {2: ["c1"]}, failed={5})
    assert [line.guilty for line in found] == [False, True, True, True, False]
    assert [line.failed for line in found] == [False, False, False, False, True]
    assert found[1].causes == ("c1",)


def test_the_stacks_part_where_the_first_layer_differs() -> None:
    levels = stacks(showcase.web())
    assert [level.same for level in levels] == [True, False, False, False]
    assert [level.parts_here for level in levels] == [False, True, False, False]
    assert levels[0].after_width == 100
    assert all(level.after_width > 0 for level in levels)


def test_a_layer_of_a_base_that_grew_is_not_called_the_instructions_that_was_there() -> None:
    def layer(digest: str, line: int | None) -> dict[str, object]:
        made = None if line is None else {"stage": "0", "line": line, "text": "RUN x"}
        return {"diff_id": digest, "size": 1, "base": line is None, "instruction": made}

    image = {
        "baseline": {"layers": [layer("a", None), layer("b", 2)]},
        "candidate": {"layers": [layer("a", None), layer("c", None), layer("d", 2)]},
    }
    levels = stacks(image)
    assert [level.base for level in levels] == [True, True, False]
    assert [level.instruction and level.instruction["line"] for level in levels] == [None, None, 2]


def test_directories_count_all_that_is_below_them() -> None:
    document = showcase.many()["files"]["entries"]
    markup = tree(document[:1], document)
    assert '<code>opt/app/part00/</code> <span class="count">70</span>' in markup


def test_a_document_with_all_additions_is_one_that_the_schema_describes() -> None:
    run = samples.document_of()["run"]
    assert_conforms(assembled(run, [showcase.web()]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM debian:12\nFROM alpine\nFROM debian:12 AS last", [1, 3]),
        ("ARG BASE=debian:12\nFROM alpine\nFROM ${BASE}", [3]),
        ("ARG TAG=12\nARG OTHER=alpine\nFROM $OTHER AS one\nFROM --platform=linux/amd64 \\\n"
         "  debian:${TAG:-11}", [4]),
        ("ARG BASE=given-otherwise\nFROM $BASE", [2]),
        ("ARG A=one\nARG B=two\nFROM $A\nFROM $B", []),
        ("FROM ${BROKEN", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_lines_that_name_a_base(text: str, found: list[int]) -> None:
    assert lines_of_base(text, "debian:12") == found
