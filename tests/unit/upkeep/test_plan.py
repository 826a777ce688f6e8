"""The plan of ``drift gc`` on engines in memory: who goes, who stays, what is freed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drift.config.model import BuildCache, FreeSpace, Upkeep
from drift.engine.leavings import CacheRecord
from drift.engine.model import DiskSpace
from drift.store.uses import ImageUse
from drift.upkeep.candidates import Asked, Candidate, Kind, Looking
from drift.upkeep.freed import Ledger
from drift.upkeep.keep import kept_by
from drift.upkeep.model import Census, Container, ImageLayer, StoredImage
from drift.upkeep.plan import Plan, make_plan
from drift.upkeep.reading import layer_sizes, named_containers, read_container

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = 86400.0
OFF = Upkeep(
    dangling=False, images_unused=None, keep_tags=None, containers_stopped=None,
    build_cache=None, keep=(), until_free=None, nightly=False, upgrade=(), discard=(),
    watch=60.0, backup=False,
)  # fmt: skip


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def image(
    name: str, tags: Sequence[str] = (), *, tagged: float = 1.0, layers: Mapping[str, int] = {},
    digests: Sequence[str] = (), labels: Mapping[str, str] = {},
) -> StoredImage:  # fmt: skip
    made = tuple(ImageLayer(chain, size) for chain, size in layers.items())
    return StoredImage(
        name, tuple(tags), tuple(digests), datetime(1970, 1, 1, tzinfo=UTC), ago(tagged), labels,
        made,
    )  # fmt: skip


def container(name: str, **more: Any) -> Container:
    plain = Container(
        id=f"{name:0<12}", name=name, image_id="i", image="i:1", state="exited",
        created_at=ago(20), finished_at=ago(10), restart="no", auto_remove=False, labels={},
        names_others=(), mounts=(), size=5,
    )  # fmt: skip
    return replace(plain, **more)


def record(name: str, size: int, used: float, **more: Any) -> CacheRecord:
    return CacheRecord(name, name, ago(used), False, ago(used), size, **more)


def plan(
    census: Census,
    disk: DiskSpace | None = None,
    *,
    uses: Mapping[str, ImageUse] = {},
    has: bool | None = True,
    written: Sequence[str] = (),
    named: Sequence[str] = (),
    **rules: Any,
) -> Plan:
    asked = Asked(lambda _container: written, lambda _reference: has)
    looking = Looking(census, replace(OFF, **rules), uses, NOW, asked, named)
    return make_plan(looking, disk)


def going(found: Plan) -> list[str]:
    return [one.candidate.names[0] if one.candidate.names else one.candidate.id
            for one in found.removals]  # fmt: skip


def why_kept(found: Plan) -> dict[str, str]:
    return {one.names[0]: one.why for one in found.kept}


# Containers


def test_a_container_counts_from_the_later_of_made_and_ended() -> None:
    found = Census("e", (
        container("old"),
        container("fresh", finished_at=ago(3)),
        container("never", state="created", finished_at=None),
        container("new", state="created", finished_at=None, created_at=ago(1)),
        container("running", state="running"),
        container("paused", state="paused"),
        container("restarting", state="restarting"),
    ))  # fmt: skip
    assert going(plan(found, containers_stopped=7 * DAY)) == ["never", "old"]
    assert going(plan(found)) == []


def test_what_keeps_a_container() -> None:
    found = Census("e", (
        container("back", restart="always"),
        container("swarm", labels={"com.docker.swarm.task.id": "1"}),
        container("shared"),
        container("user", names_others=("shared",), state="running"),
        container("by-id"),
        container("user2", names_others=(f"{'by-id':0<12}",), state="running"),
        container("kept"),
        container("labelled", labels={"keep": "yes"}),
    ))  # fmt: skip
    made = plan(found, containers_stopped=DAY, keep=("kep*", "label:keep=y*"))
    assert going(made) == []
    assert why_kept(made) == {
        "back": "its restart policy is always",
        "swarm": "a swarm task: swarm removes it",
        "shared": "user names it",
        "by-id": "user2 names it",
        "kept": "kept by 'kep*'",
        "labelled": "kept by 'label:keep=y*'",
    }
    wrote = plan(Census("e", (container("a"),)), containers_stopped=DAY, written=["/d"])
    assert why_kept(wrote) == {"a": "it wrote outside its volumes: /d"}


def test_whom_a_container_names() -> None:
    host = {
        "VolumesFrom": ["data:ro"], "Links": ["/db:/web/db"], "NetworkMode": "container:net",
        "PidMode": "container:abc", "IpcMode": "shareable",
    }  # fmt: skip
    assert named_containers(host) == ("data", "db", "net", "abc")


def test_a_time_that_did_not_happen() -> None:
    state = {"Status": "created", "FinishedAt": "0001-01-01T00:00:00Z"}
    document = {"Id": "x", "Created": "2026-11-20T01:02:03.123456789Z", "State": state}
    assert read_container(document).stopped_at == datetime(2026, 11, 20, 1, 2, 3, 123456, UTC)


# Images


def test_an_image_that_no_registry_has_stays_unless_it_is_named() -> None:
    found = Census("e", images=(
        image("a", ["a:1"], digests=["a@sha256:1"]), image("b", ["b:1"]),
    ))  # fmt: skip
    uses = {name: ImageUse(ago(40), None) for name in "ab"}
    month: dict[str, Any] = {"uses": uses, "images_unused": 30 * DAY}
    found = replace(found, images=tuple(replace(i, tagged_at=ago(50)) for i in found.images))
    made = plan(found, **month)
    assert (going(made), set(why_kept(made))) == (["a:1"], {"b:1"})
    assert going(plan(found, has=False, **month)) == []
    unasked = plan(found, has=None, **month)
    assert why_kept(unasked)["a:1"] == "whether a registry has it could not be asked"
    assert set(going(plan(found, has=None, named=["?:1"], **month))) == {"a:1", "b:1"}
    twice = replace(found.images[1], tags=("b:1", "other:1"))
    found = replace(found, images=(twice,))
    assert going(plan(found, named=["b:*"], **month)) == [], "its other name was not named"
    assert going(plan(found, named=["b:*", "other:*"], **month)) == ["b:1"]


def test_unused_since_drift_began_to_watch() -> None:
    def unused(seen: ImageUse | None, tagged: float = 99) -> list[str]:
        found = Census("e", images=(image("a", ["a:1"], digests=["a@x"], tagged=tagged),))
        return going(plan(found, uses={"a": seen} if seen else {}, images_unused=30 * DAY))

    assert unused(ImageUse(ago(31), None)) == ["a:1"]
    assert unused(ImageUse(ago(29), None)) == [], "not watched for so long"
    assert unused(ImageUse(ago(90), ago(5))) == []
    assert unused(ImageUse(ago(90), ago(31))) == ["a:1"]
    assert unused(None) == []
    assert unused(ImageUse(ago(90), None), tagged=2) == []


def test_tags_by_their_time_and_not_by_when_a_reproducible_image_was_made() -> None:
    digests: dict[str, Any] = {"digests": ["app@sha256:1"]}
    tagged = {"3": 1.0, "1": 2.0, "2": 3.0}
    images = [image(t, [f"app:{t}"], tagged=days, **digests) for t, days in tagged.items()]
    images.append(image("db", ["db:1"], tagged=90, **digests))
    assert going(plan(Census("e", images=tuple(images)), keep_tags=2)) == ["app:2"]
    two_names = replace(images[2], tags=("app:2", "other:2"))
    made = plan(Census("e", images=(*images[:2], two_names)), keep_tags=2)
    assert [(one.candidate.kind, one.candidate.names) for one in made.removals] == [
        (Kind.TAG, ("app:2",))
    ]


def test_drifts_own_images_and_those_that_stand_under_a_container() -> None:
    own = image("o", ["drift.local/web:b"], tagged=99)
    used = image("i", tagged=99)
    found = Census("e", (container("c", state="running"),), (own, used, image("d")))
    uses = {name: ImageUse(ago(99), None) for name in "oid"}
    made = plan(found, uses=uses, dangling=True, images_unused=DAY)
    assert going(made) == ["d"]
    assert {one.id: one.why for one in made.kept} == {
        "o": "drift's own: see keep_images",
        "i": "a container stands on it",
    }


def test_names_and_labels_that_keep() -> None:
    postgres = ["postgres:16"]
    assert kept_by(["postgres:*"], postgres, {}) == "postgres:*"
    assert kept_by(["docker.io/library/postgres:1?"], postgres, {})
    assert kept_by(["postgres"], postgres, {})
    assert kept_by(["post"], postgres, {}) is None
    assert kept_by(["label:a"], postgres, {"a": ""}) == "label:a"
    assert kept_by(["label:a=x*"], postgres, {"a": "yx"}) is None


# The build cache


def test_cache_by_age_and_size_and_never_from_under_what_stays() -> None:
    cache = {one.id: one for one in (
        record("parent", 10, 9.0),
        record("child", 10, 2.0, parents=("parent",)),
        record("old", 10, 8.0),
        record("young", 10, 1.0),
    )}  # fmt: skip
    found = Census("e", cache=cache)
    assert going(plan(found, build_cache=BuildCache(7 * DAY, None))) == ["old"]
    assert going(plan(found, build_cache=BuildCache(DAY * 1.5, None))) == ["old", "child", "parent"]
    made = plan(found, build_cache=BuildCache(None, 15))
    assert going(made) == ["old", "child", "parent"]
    assert made.frees == 30


# What is freed


def test_a_shared_layer_is_freed_once_and_with_its_last_holder() -> None:
    a = image("a", layers={"base": 100, "a": 1}, tagged=3)
    b = image("b", layers={"base": 100, "b": 2}, tagged=2)
    c = image("c", ["c:1"], layers={"base": 100, "c": 3})
    made = plan(Census("e", images=(a, b, c)), dangling=True)
    assert [one.frees.now for one in made.removals] == [1, 2]
    made = plan(Census("e", images=(a, b)), dangling=True)
    assert [one.frees.now for one in made.removals] == [1, 102]


def test_a_layer_that_a_record_shares_is_freed_with_the_later_of_the_two() -> None:
    a = image("a", layers={"x": 70, "y": 5})
    cache = {"r": record("r", 70, 3.0, shared=True)}
    found = Census("e", images=(a,), cache=cache)
    (one,) = plan(found, dangling=True).removals
    assert (one.frees.now, one.frees.with_cache, one.frees.records) == (5, 70, ("r",))
    both = plan(found, dangling=True, build_cache=BuildCache(DAY, None))
    assert [r.frees.now for r in both.removals] == [5, 70]
    alone = plan(found, build_cache=BuildCache(DAY, None))
    assert [r.frees.now for r in alone.removals] == [0]


SIZES = st.dictionaries(st.sampled_from("pqrst"), st.integers(1, 9), min_size=1)


@given(st.lists(SIZES, min_size=1, max_size=5), st.randoms())
def test_all_removals_free_every_layer_once(stacks: list[dict[str, int]], order: Any) -> None:
    size = {chain: (stack[chain]) for stack in stacks for chain in stack}
    images = [
        image(str(n), layers={chain: size[chain] for chain in stack})
        for n, stack in enumerate(stacks)
    ]
    order.shuffle(images)
    ledger = Ledger(Census("e", images=tuple(images)))
    freed = [ledger.strike(Candidate(Kind.IMAGE, one.id, (), "", NOW)).now for one in images]
    assert sum(freed) == sum(size.values())


def test_layers_sizes_from_a_history() -> None:
    def line(size: int, by: str) -> dict[str, Any]:
        return {"Size": size, "CreatedBy": by}

    newest_first = [line(0, 'CMD ["sh"]'), line(7, "RUN x"), line(0, "WORKDIR /"), line(3, "")]
    assert layer_sizes(newest_first, 2) == [3, 7]
    assert layer_sizes(newest_first, 3) == [3, 0, 7]
    assert layer_sizes(newest_first, 4) == [None] * 4


# Until there is room


def test_until_free_goes_by_staleness() -> None:
    images = [image(str(n), layers={str(n): 10}, tagged=float(n)) for n in range(1, 6)]
    found = Census("e", images=tuple(images))
    made = plan(found, DiskSpace(5, 100), dangling=True, until_free=FreeSpace(percent=20.0))
    assert [one.candidate.id for one in made.removals] == ["5", "4", "3", "2", "1"]
    assert [one.expected for one in made.removals] == [True, True, False, False, False]
    enough = plan(found, DiskSpace(50, 100), dangling=True, until_free=FreeSpace(bytes=20))
    assert not any(one.expected for one in enough.removals)


def test_room_that_cannot_be_seen_is_not_guessed() -> None:
    made = plan(Census("e", images=(image("a"),)), dangling=True, until_free=FreeSpace(bytes=1))
    assert made.blocked
    assert not any(one.expected for one in made.removals)
