"""Issues on GitHub: one for each standing event, kept by a hidden marker, and never twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from drift.publish.github.issues import Done, keep
from drift.publish.github.texts import Words
from drift.publish.github.world import World
from drift.store.standing import Standing
from support.github import BOT, SECONDARY, Fault, Github, client_of, running_github
from support.report_samples import fleet
from support.standing_samples import NIGHT, event, world

LATER = NIGHT + timedelta(days=1)


@pytest.fixture
def github() -> Iterator[Github]:
    with running_github() as github:
        yield github


def run(github: Github, tonight: World) -> Done:
    return keep(client_of(github), tonight, login=BOT, label="drift")


def test_an_event_has_one_issue_however_often_it_is_run(github: Github) -> None:
    tonight = world(event())
    assert run(github, tonight).opened == [1]
    assert run(github, tonight) == Done()
    assert run(github, replace(tonight, night=LATER)) == Done()
    (issue,) = github.open_issues()
    assert issue["title"] == "package `pkg:deb/debian/openssl` moved"
    assert issue["labels"] == [{"name": "drift"}]
    assert "`1 → 2`" in issue["body"]
    assert github.labels == {"drift"}


def test_a_label_may_hold_what_an_address_may_not(github: Github) -> None:
    for _ in range(2):
        keep(client_of(github), world(event()), login=BOT, label="ci/drift #1?")
    assert github.labels == {"ci/drift #1?"}
    assert len(github.issues) == 1


def test_an_event_that_flags_nothing_opens_none(github: Github) -> None:
    assert run(github, world(event(flagged=()))) == Done()
    assert github.writes() == []


def test_an_issue_is_changed_where_there_is_news_and_says_it_to_those_who_follow(
    github: Github,
) -> None:
    run(github, world(event()))
    moved = event(after="3", moved=LATER, images=("web", "api"))
    assert run(github, world(moved, night=LATER)).changed == [1]
    assert "`1 → 3`" in github.issues[1]["body"]
    assert "`api`" in github.issues[1]["body"]
    assert github.said(1) == [f"The night of {LATER}: it moved: `1 → 3`."]
    more = event(after="3", moved=LATER, images=("web", "api", "db"))
    run(github, world(more, night=LATER))
    assert github.said(1)[1:] == ["It touches more images now: `db`."]


def test_an_issue_is_closed_when_its_event_stands_no_more(github: Github) -> None:
    broken = event(
        "web", origin="unexplained", kind="broken", before=None, after=None, broken=("web",)
    )
    openssl = event(images=("api",))
    run(github, world(broken, openssl))
    assert [issue["title"] for issue in github.issues.values()] == [
        "image `web` does not build",
        "package `pkg:deb/debian/openssl` moved",
    ]
    assert run(github, world(openssl, night=LATER)).closed == [1]
    assert github.issues[1]["state_reason"] == "completed"
    assert "build again" in github.said(1)[0]
    assert github.issues[2]["state"] == "open"
    assert run(github, world(openssl, night=LATER)) == Done()


def test_an_edit_that_broke_a_build_says_so(github: Github) -> None:
    edit = event("COPY app /app", origin="repo", kind="context", broken=("web",))
    run(github, world(edit))
    assert github.issues[1]["title"] == "build broken: context `COPY app /app` changed"
    assert "The build is broken: the context" in github.issues[1]["body"]


def test_a_step_that_fails_has_not_changed(github: Github) -> None:
    failed = event("RUN make", kind="file", before=None, after=None, broken=("web",))
    run(github, world(failed))
    assert github.issues[1]["title"] == "build broken: `RUN make` fails"


def test_a_store_that_was_lost_closes_nothing(github: Github) -> None:
    run(github, world(event()))
    assert run(github, world(over=False)) == Done()
    assert len(github.open_issues()) == 1


def test_what_drift_closed_is_opened_again_when_it_stands_again(github: Github) -> None:
    run(github, world(event()))
    run(github, world())
    assert github.open_issues() == []
    assert run(github, world(event())).changed == [1]
    assert github.issues[1]["state_reason"] == "reopened"
    assert run(github, world(event())) == Done()


def test_what_a_person_closed_stays_closed_until_it_moves_again(github: Github) -> None:
    run(github, world(event()))
    github.issues[1]["state"] = "closed"
    assert run(github, world(event(images=("web", "api")), night=LATER)) == Done()
    assert run(github, world(event(after="3", moved=LATER), night=LATER)).changed == [1]
    assert len(github.open_issues()) == 1
    assert len(github.issues) == 1


def test_ten_a_night_the_most_urgent_first_and_one_that_collects(github: Github) -> None:
    events = [event(f"pkg:deb/debian/p{n:02}") for n in range(14)]
    wide = event("debian:bookworm", kind="base-image", images=("web", "api"))
    broken = event("db", origin="unexplained", kind="broken", images=("db",), broken=("db",))
    tonight = world(*events, wide, broken)
    assert len(run(github, tonight).opened) == 11
    assert run(github, tonight) == Done()  # the budget is the night's, not the run's
    titles = [issue["title"] for issue in github.issues.values()]
    assert titles[:2] == ["image `db` does not build", "base image `debian:bookworm` moved"]
    assert "more events than issues" in titles[10]
    assert sum(line.startswith("- package") for line in github.issues[11]["body"].split("\n")) == 6
    assert run(github, replace(tonight, night=LATER)) == Done()  # they stay where they are
    assert sorted(run(github, world(*events[:8], wide, night=LATER)).closed) == [1, 11]


def test_a_collection_that_a_person_closed_dismisses_what_it_held(github: Github) -> None:
    events = [event(f"pkg:deb/debian/p{n:02}") for n in range(12)]
    run(github, world(*events))
    github.issues[11]["state"] = "closed"
    assert run(github, world(*events, night=LATER)) == Done()
    again = replace(events[11], after="3", moved=LATER)
    assert len(run(github, world(*events[:11], again, night=LATER)).opened) == 1
    assert "p11" in github.issues[12]["title"]


def test_a_collection_grows_and_says_so(github: Github) -> None:
    events = [event(f"pkg:deb/debian/p{n:02}") for n in range(13)]
    run(github, world(*events[:12]))
    run(github, world(*events))
    assert github.said(11) == [f"1 more in the night of {NIGHT}."]
    assert "p12" in github.issues[11]["body"]


def test_thousands_of_events_fit_into_one_issue(github: Github) -> None:
    events = [event(f"pkg:deb/debian/{'x' * 200}{n:04}") for n in range(3000)]
    run(github, world(*events))
    assert len(github.issues) == 11
    assert re.search(r"- and \d+ more\n", github.issues[11]["body"])
    assert run(github, world(*events)) == Done()


def test_only_what_drift_wrote_is_its_own(github: Github) -> None:
    run(github, world(event()))
    body = github.issues[1]["body"]
    title = github.issues[1]["title"]
    github.issues.clear()
    github.add_issue(title, body, user={"login": "mallory"})  # a copy of the marker
    github.add_issue(title, f"quoted:\n{body}")  # not on the first line
    github.add_issue(title, None)
    github.add_issue(title, body, user=None)  # a deleted account
    github.add_issue(title, body, pull_request={})
    github.add_issue(title, body, labels=[{"name": "other"}])
    before = {number: dict(issue) for number, issue in github.issues.items()}
    assert run(github, world(event())).opened == [7]
    assert run(github, world()).closed == [7]
    assert {number: github.issues[number] for number in before} == before


def test_a_title_that_a_person_changed_stays(github: Github) -> None:
    run(github, world(event()))
    github.issues[1]["title"] = "OpenSSL, see the wiki"
    run(github, world(event(after="3", moved=LATER), night=LATER))
    assert github.issues[1]["title"] == "OpenSSL, see the wiki"


def test_fleets_of_one_repository_leave_each_other_alone(github: Github) -> None:
    run(github, world(event()))
    other = replace(world(event()), fleet="fedcba9876543210")
    assert run(github, other).opened == [2]
    assert run(github, replace(world(), fleet="fedcba9876543210")).closed == [2]
    assert github.issues[1]["state"] == "open"


def test_two_runs_at_once_leave_one_issue(github: Github) -> None:
    once = [True]

    def other_run(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/issues") and once:
            once.clear()
            run(github, world(event()))  # between this run's look and its issue

    github.before = other_run
    run(github, world(event()))
    assert len(github.issues) == 2
    (left,) = github.open_issues()
    assert left["number"] == 1
    assert github.said(2) == ["The same as #1: two runs opened an issue at once."]
    assert run(github, world(event())) == Done()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(502, method="POST", done=True),
        Fault(0, method="POST", lost=True, done=True),
        Fault(502, method="POST"),
        Fault(403, {"Retry-After": "9"}, SECONDARY, "POST"),
    ],
)
def test_an_answer_that_is_lost_makes_no_double(github: Github, fault: Fault) -> None:
    github.labels.add("drift")
    github.faults = [fault]
    assert run(github, world(event())).opened == [1]
    assert len(github.issues) == 1


def test_one_issue_that_fails_does_not_keep_the_others(github: Github) -> None:
    github.labels.add("drift")
    github.faults = [Fault(422, message="no", method="POST")]
    done = run(github, world(event("a"), event("b")))
    assert done.opened == [1]
    assert len(done.failed) == 1
    assert run(github, world(event("a"), event("b"))).opened == [2]


def test_an_issue_that_was_deleted_meanwhile_is_said(github: Github) -> None:
    run(github, world(event()))
    deleted = github.issues[1]

    def delete(method: str, _path: str) -> None:
        if method == "PATCH":
            github.issues.pop(1, None)

    github.before = delete
    done = run(github, world(event(after="3", moved=LATER)))
    assert len(done.failed) == 1
    assert deleted["number"] == 1


def test_breaks_and_changes_say_until_when_they_stand(github: Github) -> None:
    broken = event(
        "web", origin="unexplained", kind="broken", before=None, after=None, broken=("web",)
    )
    run(github, world(broken, event()))
    assert "until the images build again" in github.issues[1]["body"]
    assert "until a person closes it" in github.issues[2]["body"]


def test_an_issue_says_what_to_do(github: Github) -> None:
    told = Words("https://example.org/", fleet())
    openssl = event(after="3.0.17-1~deb12u3")
    run(github, world(openssl, told=told))
    body = github.issues[1]["body"]
    assert "openssl=3.0.17-1~deb12u3" in body
    assert 'subject = "pkg:deb/debian/openssl"' in body
    assert f"until = {NIGHT + timedelta(days=30)}" in body
    assert "/causes/package/)" in body
    assert "[the report](https://example.org/)" in body


def test_events_that_stood_before_the_first_issue_have_one(github: Github) -> None:
    old = event(since=date(2026, 10, 1), seen=date(2026, 10, 1))
    assert run(github, world(old)).opened == [1]
    assert "since the night of 2026-10-01" in github.issues[1]["body"]


def test_nothing_that_stands_asks_for_no_more_than_two_lists(github: Github) -> None:
    run(github, World(NIGHT, "f" * 16, Standing(), lambda _break, _images: True))
    assert [method for method, _ in github.requests] == ["GET", "GET"]
