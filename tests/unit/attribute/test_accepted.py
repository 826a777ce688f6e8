"""`[[accept]]`: one known change flags nothing until its day, and everything else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.attribute.accepted import accept_known, ended_rules
from drift.attribute.model import Accepted, Attribution, Cause, Grade, Kind, Origin, Status
from drift.attribute.verdict import is_flagged
from drift.config.model import Accept

NIGHT = date(2026, 11, 23)
FAIL_ON = ("external", "unexplained", "broken")
OPENSSL = Cause(
    "c1", Origin.EXTERNAL, Kind.PACKAGE, "pkg:deb/debian/openssl", Grade.OWNED, "1", "2"
)
BASE = Cause(
    "c2",
    Origin.EXTERNAL,
    Kind.BASE_IMAGE,
    "debian:bookworm",
    Grade.PROVEN,
    "sha256:" + "a" * 64,
    "sha256:" + "b" * 64,
)
GONE = Cause("c3", Origin.EXTERNAL, Kind.PACKAGE, "pkg:deb/debian/curl", Grade.OWNED, "1", None)


def rule(subject: str, after: str | None = None, until: date = NIGHT, reason: str = "") -> Accept:
    return Accept(subject, after, until, reason)


def marked(cause: Cause, *rules: Accept, night: date = NIGHT) -> Accepted | None:
    (found,) = accept_known(Attribution(causes=(cause,)), rules, night).causes
    assert replace(found, accepted=None) == cause
    return found.accepted


@pytest.mark.parametrize(
    ("cause", "one", "accepted"),
    [
        (OPENSSL, rule("pkg:deb/debian/openssl"), True),
        (OPENSSL, rule("pkg:deb/debian/openssl", "2"), True),
        (OPENSSL, rule("pkg:deb/debian/openssl", "3"), False),
        (OPENSSL, rule("pkg:deb/debian/openssl", "1"), False),
        (OPENSSL, rule("pkg:deb/*"), True),
        (OPENSSL, rule("PKG:deb/*"), False),
        (OPENSSL, rule("openssl"), False),
        (BASE, rule("debian:*", "sha256:" + "b" * 64), True),
        (BASE, rule("debian:*", "sha256:" + "b" * 12), True),
        (BASE, rule("debian:*", "sha256:" + "b" * 11), False),
        (BASE, rule("debian:*", "sha256:" + "a" * 12), False),
        (GONE, rule("pkg:deb/debian/curl"), True),
        (GONE, rule("pkg:deb/debian/curl", "1"), False),
    ],
)
def test_which_causes_a_rule_fits(cause: Cause, one: Accept, accepted: bool) -> None:
    assert (marked(cause, one) is not None) is accepted


def test_a_version_is_never_taken_for_a_longer_one() -> None:
    cause = replace(OPENSSL, after="123456789012345")
    assert marked(cause, rule("*", "123456789012")) is None


@given(st.text(min_size=1))
def test_a_subject_is_itself_whatever_it_holds(subject: str) -> None:
    """A URL may hold brackets, which a glob reads as a set of characters."""
    assert marked(replace(OPENSSL, subject=subject), rule(subject)) is not None


def test_a_rule_holds_on_its_day_and_not_on_the_next() -> None:
    one = rule("*", until=NIGHT, reason="reviewed")
    assert marked(OPENSSL, one) == Accepted(NIGHT, "reviewed")
    assert marked(OPENSSL, one, night=date(2026, 11, 24)) is None
    assert list(ended_rules([OPENSSL], [one], NIGHT)) == []
    (said,) = ended_rules([OPENSSL], [one], date(2026, 11, 24))
    assert said == "the accept rule for * ended on 2026-11-23"


def test_an_ended_rule_is_told_only_where_it_would_silence_something() -> None:
    ended = rule("pkg:deb/*", until=date(2026, 1, 1))
    assert list(ended_rules([BASE], [ended], NIGHT)) == []
    renewed = accept_known(Attribution(causes=(OPENSSL,)), [rule("pkg:deb/*")], NIGHT)
    assert list(ended_rules(renewed.causes, [ended], NIGHT)) == []


def test_the_rule_that_holds_longest_is_named() -> None:
    later = date(2027, 1, 1)
    rules = (rule("*", reason="a"), rule("*", until=later, reason="b"), rule("*", reason="c"))
    assert marked(OPENSSL, *rules) == Accepted(later, "b")


def flagged(status: Status, *causes: Cause, fail_on: tuple[str, ...] = FAIL_ON) -> bool:
    return is_flagged(status, causes, fail_on, ("package-index",))


KNOWN = replace(OPENSSL, accepted=Accepted(NIGHT, ""))


def test_an_accepted_cause_flags_nothing_and_excuses_no_other() -> None:
    assert flagged(Status.DRIFTED, OPENSSL)
    assert not flagged(Status.DRIFTED, KNOWN)
    assert flagged(Status.DRIFTED, KNOWN, BASE)


def test_a_status_does_not_flag_where_all_that_it_stands_on_is_accepted() -> None:
    noise = Cause("c4", Origin.NONDETERMINISM, Kind.LOG, "/var/log/x", Grade.PROVEN)
    lists = Cause("c5", Origin.EXTERNAL, Kind.PACKAGE_INDEX, "apt", Grade.PROVEN)
    repo = Cause("c6", Origin.REPO, Kind.CONTEXT, ".", Grade.PROVEN)
    policy = ("drifted", "broken", "unknown")
    assert not flagged(Status.DRIFTED, KNOWN, noise, lists, fail_on=policy)
    assert flagged(Status.DRIFTED, KNOWN, repo, fail_on=policy)
    assert not flagged(Status.BROKEN, KNOWN, fail_on=policy)
    assert flagged(Status.BROKEN, fail_on=policy), "nobody accepted a break without a cause"
    assert flagged(Status.UNKNOWN, KNOWN, fail_on=policy)
