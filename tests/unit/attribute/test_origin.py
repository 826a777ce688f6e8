"""The table over Y, C, T and A: every pattern of equality, with and without a named source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drift.attribute.model import Grade, Need, Origin
from drift.attribute.origin import Case, Value, origin_of

SHAPE = ("file", 0o644)


def value(content: str, *parts: int) -> Value:
    return Value(SHAPE, content, frozenset(parts) if parts else None)


def patterns() -> Iterator[str]:
    """The 15 ways in which four values can be equal, as words over Y, C, T and A."""
    for y in "a":
        for c in "ab":
            for t in "abc"[: len({y, c}) + 1]:
                for a in "abcd"[: len({y, c, t}) + 1]:
                    yield y + c + t + a


# Y C T A: the origin by the contract's six lines; None is no difference. A second replay that
# agrees with the first, and one that does not, stand apart below.
EXPECTED = {
    "aaaa": None,
    "aaab": None,
    "abaa": None,
    "abab": None,
    "abac": None,
    "aaba": Origin.NONDETERMINISM,
    "aabb": Origin.REPO,
    "aabc": Origin.NONDETERMINISM,
    "abba": Origin.NONDETERMINISM,
    "abbb": Origin.EXTERNAL,
    "abbc": Origin.NONDETERMINISM,
    "abca": Origin.NONDETERMINISM,
    "abcb": Origin.NONDETERMINISM,
    "abcc": Origin.UNEXPLAINED,
    "abcd": Origin.NONDETERMINISM,
}


def case(pattern: str, **more: Any) -> Case:
    y, c, t, a = map(value, pattern)
    return Case(y, t, replays=(c,), controls=(a,), **more)


def test_there_are_fifteen_patterns() -> None:
    assert sorted(patterns()) == sorted(EXPECTED)


@pytest.mark.parametrize("pattern", sorted(EXPECTED))
def test_a_pattern_without_a_named_source(pattern: str) -> None:
    assert origin_of(case(pattern)).origin is EXPECTED[pattern]


@pytest.mark.parametrize("pattern", sorted(EXPECTED))
@pytest.mark.parametrize("named", [Origin.EXTERNAL, Origin.REPO])
def test_a_named_source_decides_wherever_there_is_a_difference(pattern: str, named: Origin) -> None:
    answer = origin_of(case(pattern, named=named))
    assert answer.origin is (None if EXPECTED[pattern] is None else named)
    assert answer.needs is None


def test_all_differ_and_a_second_replay_decides() -> None:
    y, c, t = map(value, "abc")
    open_ = origin_of(Case(y, t, replays=(c,), controls=(t,)))
    assert (open_.origin, open_.needs) == (Origin.UNEXPLAINED, Need.SECOND_REPLAY)
    agree = origin_of(Case(y, t, replays=(c, c), controls=(t,)))
    assert (agree.origin, agree.needs) == (Origin.EXTERNAL, None)
    assert any("repository" in fact for fact in agree.evidence)
    differ = origin_of(Case(y, t, replays=(c, value("d")), controls=(t,)))
    assert (differ.origin, differ.grade) == (Origin.REPO, Grade.PROVEN)
    assert any("noise" in fact for fact in differ.evidence)


def test_controls_make_a_change_from_outside_sure_one_by_one() -> None:
    y, t = value("a"), value("b")
    none = origin_of(Case(y, t, same_side=True))
    assert (none.origin, none.needs) == (Origin.UNEXPLAINED, Need.CONTROL)
    one = origin_of(Case(y, t, controls=(t,), same_side=True))
    assert (one.origin, one.grade) == (Origin.EXTERNAL, Grade.INFERRED)
    assert one.needs is Need.SECOND_CONTROL
    two = origin_of(Case(y, t, controls=(t, t), same_side=True))
    assert (two.origin, two.grade, two.needs) == (Origin.EXTERNAL, Grade.PROVEN, None)
    other = origin_of(Case(y, t, controls=(t, y), same_side=True))
    assert other.origin is Origin.NONDETERMINISM


def test_the_toolchain_is_named_where_it_moved_and_only_there() -> None:
    y, t = value("a"), value("b")
    moved = origin_of(Case(y, t, controls=(t,), same_side=True, toolchain=True))
    assert (moved.origin, moved.needs) == (Origin.TOOLCHAIN, None)
    assert origin_of(case("aabb", toolchain=True)).origin is Origin.REPO


def test_without_a_replay_nobody_is_blamed() -> None:
    answer = origin_of(Case(value("a"), value("b"), controls=(value("b"),)))
    assert (answer.origin, answer.needs) == (Origin.UNEXPLAINED, Need.REPLAY)


def test_a_value_that_flapped_before_is_noise_though_a_control_agrees() -> None:
    y, t = value("heads"), value("tails")
    coin = Case(y, t, controls=(t,), same_side=True)
    assert origin_of(coin).origin is Origin.EXTERNAL
    assert origin_of(Case(y, t, controls=(t,), same_side=True, flapped=True)).origin is (
        Origin.NONDETERMINISM
    )


class TestShared:
    """A noisy file in which something else moved: lines 1.. are steady, 100.. are random."""

    def told(self, y: Value, t: Value, a: Value, **more: Any) -> Origin | None:
        return origin_of(Case(y, t, controls=(a,), **more)).origin

    def test_noise_alone(self) -> None:
        y, t, a = value("y", 1, 100), value("t", 1, 101), value("a", 1, 102)
        assert self.told(y, t, a, same_side=True) is Origin.NONDETERMINISM

    def test_the_world_moved_a_line(self) -> None:
        y, t, a = value("y", 1, 100), value("t", 2, 101), value("a", 2, 102)
        assert self.told(y, t, a, same_side=True) is Origin.EXTERNAL

    def test_the_world_took_a_line_away_as_the_earlier_control_shows(self) -> None:
        y, t, a = value("y", 1, 2, 100), value("t", 1, 101), value("a", 1, 102)
        assert self.told(y, t, a, same_side=True) is Origin.NONDETERMINISM
        y_controls = (value("z", 1, 2, 103),)
        told = self.told(y, t, a, same_side=True, y_controls=y_controls)
        assert told is Origin.EXTERNAL

    def test_the_repository_moved_a_line(self) -> None:
        y, t, a = value("y", 1, 100), value("t", 2, 101), value("a", 2, 102)
        replay = value("c", 1, 104)
        assert self.told(y, t, a, replays=(replay,)) is Origin.REPO

    def test_world_and_repository_both_moved_lines(self) -> None:
        y, t, a = value("y", 1, 100), value("t", 2, 3, 101), value("a", 2, 3, 102)
        replay = value("c", 2, 1, 104)
        open_ = origin_of(Case(y, t, replays=(replay,), controls=(a,)))
        assert open_.needs is Need.SECOND_REPLAY
        again = value("d", 2, 1, 105)
        assert self.told(y, t, a, replays=(replay, again)) is Origin.EXTERNAL

    def test_a_noisy_file_that_became_setuid(self) -> None:
        setuid = ("file", 0o4755)
        t, a = Value(setuid, "t"), Value(setuid, "a")
        assert self.told(value("y"), t, a, same_side=True) is Origin.EXTERNAL

    def test_a_noisy_file_that_the_repository_added(self) -> None:
        absent = Value(None, None, frozenset())
        told = self.told(absent, value("t", 101), value("a", 102), replays=(absent,))
        assert told is Origin.REPO

    def test_parts_that_are_not_known_excuse_and_accuse_nobody(self) -> None:
        y, t, a = value("y"), value("t", 2, 101), value("a", 2, 102)
        assert self.told(y, t, a, same_side=True) is Origin.NONDETERMINISM

    def test_the_world_moved_below_the_old_noise_that_a_commit_leaves(self) -> None:
        y, t = value("y", 1, 100), value("t", 2, 50, 100)
        replays = (value("c", 2, 100), value("d", 2, 101))
        assert self.told(y, t, t, replays=replays) is Origin.EXTERNAL
        noise = (value("c", 1, 102), value("d", 1, 101))
        assert self.told(y, t, t, replays=noise) is Origin.REPO
