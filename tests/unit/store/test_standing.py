"""Which events stand, since when; and that what the store forgets does not change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from drift.store import migrate
from drift.store.database import Database
from drift.store.sightings import Sighting, sightings_of
from drift.store.standing import Seen, forgettable, standing
from drift.store.store import Store
from support.store_samples import ENGINE, NIGHT, NOW, build

OPENSSL = ("external", "package", "pkg:deb/debian/openssl")
GONE = ("external", "source-unavailable", "https://example.org/tool")


def night(days: int) -> date:
    return NIGHT + timedelta(days)


def seen(days: int, *events: Sighting, image: str = "web", status: str = "drifted") -> Seen:
    return Seen(image, night(days), status, status in ("drifted", "broken"), events)


def test_an_event_stands_though_the_nights_that_follow_are_quiet() -> None:
    moved = Sighting(*OPENSSL, "1", "2")
    found = standing(
        [seen(0, moved), seen(1, status="identical"), seen(2, status="equivalent")], {}
    )
    (event,) = found.events
    assert (event.since, event.moved, event.seen) == (night(0), night(0), night(0))
    assert (event.before, event.after, event.images, event.flagged) == (
        "1",
        "2",
        ("web",),
        ("web",),
    )


def test_an_event_that_moves_on_keeps_its_first_night_and_its_first_value() -> None:
    nights = [seen(0, Sighting(*OPENSSL, "1", "2")), seen(1, Sighting(*OPENSSL, "2", "3"))]
    (event,) = standing(nights, {}).events
    assert (event.since, event.moved, event.before, event.after) == (night(0), night(1), "1", "3")
    again = standing([*nights, seen(2, Sighting(*OPENSSL, "1", "3"))], {}).events[0]
    assert (again.moved, again.seen) == (night(1), night(2))


def test_one_event_touches_several_images() -> None:
    nights = [
        seen(0, Sighting(*OPENSSL, "1", "2")),
        seen(0, Sighting(*OPENSSL, "1", "2"), image="api"),
        seen(1, Sighting(*OPENSSL, "2", "3"), image="api", status="equivalent"),
    ]
    (event,) = standing(nights, {}).events
    assert (event.images, event.flagged) == (("api", "web"), ("web",))
    assert (event.since, event.moved, event.after) == (night(0), night(1), "3, 2")


@pytest.mark.parametrize("status", ["identical", "drifted", "equivalent", "first"])
def test_a_source_is_back_when_the_image_builds_again(status: str) -> None:
    broken = seen(0, Sighting(*GONE), status="broken")
    unknown = seen(1, status="unknown")
    still = standing([broken, unknown], {})
    assert [event.key for event in still.events] == [GONE]
    assert (still.down, still.recovered) == ({"web": night(0)}, {})
    back = standing([broken, unknown, seen(2, status=status)], {})
    assert (back.events, back.down, back.recovered) == ((), {}, {"web": night(2)})


def test_what_broke_an_image_is_over_when_it_builds_whatever_its_kind() -> None:
    by_repo = Sighting("repo", "dockerfile", "Dockerfile", "1", "2")
    nights = [seen(0, Sighting(*OPENSSL), by_repo, status="broken"), seen(1, status="identical")]
    assert standing(nights, {}).events == ()


def test_what_broke_an_image_is_not_what_it_saw_on_the_nights_before() -> None:
    moved = Sighting(*OPENSSL, "1", "2")
    nights = [
        seen(0, moved),
        seen(0, moved, image="api"),
        seen(1, Sighting(*GONE), status="broken"),
    ]
    for later in ([], [seen(2, status="unknown")]):
        found = {event.key: event for event in standing([*nights, *later], {}).events}
        assert (found[OPENSSL].broken, found[OPENSSL].is_break) == ((), False)
        assert (found[GONE].broken, found[GONE].is_break) == (("web",), True)
    (event,) = standing([seen(0, moved, status="broken"), seen(0, moved, image="api")], {}).events
    assert (event.images, event.broken) == (("api", "web"), ("web",))


def test_a_source_that_is_gone_again_stands_since_then() -> None:
    nights = [seen(0, Sighting(*GONE), status="broken"), seen(1, status="identical")]
    (event,) = standing([*nights, seen(5, Sighting(*GONE), status="broken")], {}).events
    assert event.since == night(5)


def test_what_was_accepted_is_over_until_it_is_seen_again() -> None:
    nights = [seen(n, Sighting(*OPENSSL, "1", "2")) for n in range(3)]
    other = seen(2, Sighting(*OPENSSL, "1", "2"), image="api")
    assert standing(nights, {"web": night(2)}).events == ()
    assert standing([*nights, other], {"web": night(2)}).events[0].images == ("api",)
    (event,) = standing([*nights, seen(3, Sighting(*OPENSSL, "2", "3"))], {"web": night(2)}).events
    assert (event.since, event.before) == (night(3), "2")


_events = st.lists(
    st.builds(Sighting, *map(st.just, OPENSSL), st.just("1"), st.sampled_from("234"))
    | st.builds(Sighting, *map(st.just, GONE)),
    max_size=2,
    unique_by=lambda sighting: sighting.key,
)
_statuses = st.sampled_from(["identical", "drifted", "broken", "unknown"])


@given(
    st.lists(st.tuples(st.sampled_from(["web", "api"]), _statuses, _events), max_size=30),
    st.dictionaries(st.sampled_from(["web", "api"]), st.integers(0, 30).map(night)),
    st.integers(0, 35).map(night),
)
def test_what_may_be_forgotten_is_not_needed(
    found: list[tuple[str, str, list[Sighting]]], accepted: dict[str, date], oldest: date
) -> None:
    nights = [
        Seen(image, night(n), status, False, tuple(events) if status != "unknown" else ())
        for n, (image, status, events) in enumerate(found)
    ]
    old = set(forgettable(nights, accepted, oldest))
    kept = [
        replace(s, events=tuple(e for e in s.events if (s.image, s.night, e.key) not in old))
        for s in nights
    ]
    # Of old nights the documents are forgotten: only their events tell that they were.
    left = [s for s in kept if s.events or s.night >= oldest]
    assert {e.key: e for e in standing(left, accepted).events} == {
        e.key: e for e in standing(nights, accepted).events
    }


def cause(key: tuple[str, str, str], before: str | None, after: str | None) -> dict[str, Any]:
    return {"origin": key[0], "kind": key[1], "subject": key[2], "before": before, "after": after}


def keep(store: Store, days: int, *causes: dict[str, Any], status: str = "drifted") -> None:
    run = f"r{days:02}"
    document = {"status": status, "flagged": True, "causes": list(causes)}
    made = build(run, night=night(days), ok=status != "broken")
    store.begin_run(run, night(days), NOW, ENGINE)
    store.save_image(run, "web", document, [made], {})
    store.finish_run(run, NOW)


def test_the_store_tells_what_stands_and_remembers_beyond_its_documents(store: Store) -> None:
    keep(store, 0, cause(OPENSSL, "1", "2"))
    keep(store, 1, cause(OPENSSL, "2", "3\0"))
    for days in range(2, 40):
        keep(store, days, cause(GONE, None, None), status="broken")
    store.prune(night(39), 5, 0)
    for_web = {event.key: event for event in store.standing().events}
    assert for_web[OPENSSL].since == night(0)
    assert (for_web[OPENSSL].moved, for_web[OPENSSL].after) == (night(1), "3\0")
    assert for_web[GONE].since == night(2)
    assert [event.key for event in store.standing(night(1)).events] == [OPENSSL]
    keep(store, 40, status="identical")
    assert GONE not in {event.key for event in store.standing().events}
    assert store.standing().recovered == {"web": night(40)}


def test_a_second_run_of_a_night_replaces_what_the_first_saw(store: Store) -> None:
    keep(store, 0, cause(OPENSSL, "1", "2"))
    store.begin_run("again", night(0), NOW, ENGINE)
    store.save_image("again", "web", {"status": "identical", "causes": []}, [], {})
    assert store.standing().events, "a run that is under way replaces nothing"
    store.finish_run("again", NOW)
    assert store.standing().events == ()


def test_a_run_that_was_killed_saw_nothing(store: Store) -> None:
    store.begin_run("killed", night(0), NOW, ENGINE)
    document = {"status": "drifted", "causes": [cause(OPENSSL, "1", "2")]}
    store.save_image("killed", "web", document, [], {})
    assert store.standing().events == ()


def test_nights_of_an_older_store_are_remembered_too(store: Store, url: str) -> None:
    keep(store, 0, cause(OPENSSL, "1", "2"))
    keep(store, 1, status="identical")
    before = store.standing()
    database = Database(url)
    with database.write() as connection:
        command.downgrade(migrate.configuration(connection), "0004")
        assert not sa.inspect(connection).has_table("events")
    database.close()
    with Store.open(url) as opened:
        assert opened.standing() == before
    assert before.events


def test_a_break_that_nobody_attributed_is_an_event_of_the_image() -> None:
    assert list(sightings_of("web", {"status": "broken"})) == [
        Sighting("unexplained", "broken", "web")
    ]
    failure = {"kind": "source-unavailable", "instruction": None, "subject": "https://x.example/"}
    document = {"status": "broken", "causes": [], "builds": [{"failure": failure}]}
    assert list(sightings_of("web", document)) == [
        Sighting("external", "source-unavailable", "https://x.example/")
    ]
