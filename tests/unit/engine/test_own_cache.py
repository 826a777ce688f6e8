from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drift.engine.leavings import CacheRecord, own_cache

START = datetime(2026, 11, 23, 20, tzinfo=UTC)
WINDOW = (START, START + timedelta(minutes=5))
STEPS = ["[2/3] RUN --mount=type=cache,target=/c echo  ours", "[3/3] COPY a /a"]


def _record(key: str, description: str, minutes: float = 1, in_use: bool = False) -> CacheRecord:
    return CacheRecord(key, description, START + timedelta(minutes=minutes), in_use)


def _own(*records: CacheRecord, before: tuple[str, ...] = ()) -> tuple[str, ...]:
    return own_cache(before, {record.id: record for record in records}, [WINDOW], STEPS)


RUN = _record("run", "mount / from exec /bin/sh -c echo ours")
COPY = _record("copy", "fileop target")
STRANGER = _record("stranger", "mount / from exec /bin/sh -c make theirs")


def test_new_records_of_our_steps_are_ours() -> None:
    assert _own(RUN, COPY) == ("copy", "run")


def test_what_was_there_before_is_not() -> None:
    assert _own(RUN, COPY, before=("run", "copy")) == ()


def test_what_was_made_outside_our_builds_is_not() -> None:
    assert _own(_record("late", COPY.description, 6), _record("early", COPY.description, -1)) == ()


def test_what_is_used_is_left() -> None:
    assert _own(_record("used", "fileop target", in_use=True)) == ()


def test_beside_someone_elses_build_only_commands_of_ours_are_taken() -> None:
    assert _own(RUN, COPY, STRANGER) == ("run",)


def test_a_record_without_a_time_is_left() -> None:
    assert _own(CacheRecord("x", "fileop target", None, False)) == ()
