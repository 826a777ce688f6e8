"""Which issues are opened, changed and closed: what holds of any nights."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drift.publish.github import marker, texts
from drift.publish.github.marker import Marker
from drift.publish.github.model import BODY, TITLE, Change, Issue, issue_of
from drift.publish.github.plan import NEW, doubles, plan
from drift.publish.github.world import key_of
from support.github import BOT
from support.report_samples import HOSTILE, RUN, hostile_fleet
from support.standing_samples import FLEET, NIGHT, event, world

SUBJECTS = [f"pkg:deb/debian/p{n}" for n in range(16)]


@dataclass
class Issues:
    """Issues as GitHub would have them after each night's changes."""

    there: dict[int, Issue] = field(default_factory=dict)

    def apply(self, changes: list[Change]) -> None:
        for change in changes:
            number = change.number or len(self.there) + 1
            known = self.there.get(number)
            body = change.body or (known.body if known else "")
            is_open = change.open if change.open is not None else (known.open if known else True)
            mark = marker.read(body)
            assert mark is not None
            self.there[number] = Issue(number, is_open, mark, body)

    def close(self, number: int) -> None:
        if number in self.there:
            self.there[number] = replace(self.there[number], open=False)

    def held(self) -> list[str]:
        """What open issues stand for: their own event, or those that they collect."""
        found: list[str] = []
        for issue in self.there.values():
            if issue.open:
                own = issue.marker.values.get("key")
                found += [own] if own else issue.marker.words("holds")
        return found


nights = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(SUBJECTS), st.integers(0, 2)),
        st.integers(1, 12),  # the issue that a person closes
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(nights)
def test_over_any_nights(told: list[tuple[dict[str, int], int]]) -> None:
    issues = Issues()
    moved: dict[str, tuple[int, date]] = {}
    for offset, (values, closed) in enumerate(told):
        night = NIGHT + timedelta(days=offset)
        for subject, value in values.items():
            if moved.get(subject, (-1, night))[0] != value:
                moved[subject] = (value, night)
        events = [
            event(subject, after=str(value), since=NIGHT, moved=moved[subject][1])
            for subject, value in values.items()
        ]
        tonight = world(*events, night=night)
        changes = plan(tonight, issues.there.values())
        opened = [change for change in changes if change.number is None or change.open]
        assert len(opened) <= NEW + 1
        issues.apply(changes)
        assert plan(tonight, issues.there.values()) == []  # a second run has nothing to do
        assert doubles(FLEET, issues.there.values()) == []
        held = issues.held()
        assert len(held) == len(set(held))  # no event is told twice
        names = {key_of(one.key) for one in events}
        assert set(held) <= names  # nothing is open that does not stand
        fresh = {key_of(one.key) for one in events if one.moved == night}
        assert fresh <= set(held)  # and all that is news is told
        issues.close(closed)


subjects = st.one_of(st.text(max_size=400), st.just(HOSTILE), st.just("`" * 90), st.just("@a #1"))


@given(subjects, subjects, st.booleans())
def test_whatever_an_event_is_named_its_issue_holds_it_as_code(
    subject: str, after: str, is_break: bool
) -> None:
    images = tuple(f"image-{n}" for n in range(100))
    one = event(subject, after=after, images=images, broken=images if is_break else ())
    mark = Marker("event", {"key": key_of(one.key)})
    told = texts.Words("https://example.org/", hostile_fleet())
    body = texts.body(one, mark, told)
    assert 0 < len(texts.title(one)) <= TITLE
    assert len(body) <= BODY
    assert marker.read(body) == mark
    for text in (texts.title(one), body.partition("\n")[2], texts.news(one)):
        outside = without_code(text)
        assert not any(sign in outside for sign in ("@", "#1", "<script", "<img", "](java"))
        assert "evil.example" not in outside
        assert "\x1b" not in text


def test_the_evidence_of_a_hostile_image_is_code() -> None:
    document = hostile_fleet()
    cause = document["images"][0]["causes"][0]
    assert cause["origin"] == "unexplained"
    one = event(cause["subject"], origin="unexplained", images=("evil",))
    body = texts.body(one, Marker("event"), texts.Words(None, document))
    assert "How `evil` shows it (inferred):" in body
    outside = without_code(body.partition("\n")[2])
    assert not any(sign in outside for sign in ("@", "#1", "<", "::error", RUN))


def without_code(text: str) -> str:
    """What is left of a Markdown text without its code spans and fences, as CommonMark has it."""
    kept, fence = [], ""
    for line in text.split("\n"):
        ticks = len(line) - len(line.lstrip("`"))
        if fence:
            fence = "" if line == fence else fence
            continue
        if ticks >= 3 and "`" not in line[ticks:]:
            fence = line[:ticks]
            continue
        kept.append(_without_spans(line))
    return "\n".join(kept)


def _without_spans(line: str) -> str:
    runs = list(re.finditer("`+", line))
    kept, at, index = "", 0, 0
    while index < len(runs):
        same = [n for n in range(index + 1, len(runs)) if len(runs[n][0]) == len(runs[index][0])]
        if same:
            kept += line[at : runs[index].start()]
            at, index = runs[same[0]].end(), same[0] + 1
        else:
            index += 1
    return kept + line[at:]


def test_a_marker_is_a_whole_first_line() -> None:
    mark = Marker("event", {"fleet": FLEET, "key": "a", "images": "web,api"})
    assert marker.read(f"{mark}\ntext") == mark
    assert marker.read(f"{mark}\r\ntext") == mark
    assert mark.words("images") == ("web", "api")
    for text in (f" {mark}", f"text\n{mark}", f"{mark} more", str(mark)[:-1], "", None):
        assert marker.read(text) is None


@given(st.text())
def test_no_text_of_ours_is_a_marker_by_chance(text: str) -> None:
    found = marker.read(f"The package `{text}` moved")
    assert found is None


def test_what_is_not_an_issue_of_ours_is_none() -> None:
    found: dict[str, Any] = {"number": 1, "state": "open", "user": {"login": BOT}, "body": "x"}
    assert issue_of(found, BOT) is None
