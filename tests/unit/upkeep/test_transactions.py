"""What is upgraded together, and in which order."""

from __future__ import annotations

from drift.upkeep.model import Container
from drift.upkeep.mounting import Mounting
from drift.upkeep.reading import standing_on
from drift.upkeep.running import Running, State
from drift.upkeep.subtraction import Carried
from drift.upkeep.upgrading import Next, Upgrade, transactions


def container(name: str, *stands_on: str) -> Container:
    return Container(
        f"{name}-id".ljust(64, "0"), name, "sha256:old", f"{name}:1", "running", None, None, "no",
        False, {}, stands_on, (), 0, None, stands_on,
    )  # fmt: skip


def made(one: Container, image: str = "sha256:new") -> Next:
    return Next(one, {}, one.image, image, Carried({}, {}, ()), Mounting((), (), ()))


def upgrade(one: Container, *joined: Container, refused: str = "") -> Upgrade:
    running = Running(one, one.image, State.NEWER, "newer")
    with_it = tuple(made(other, "sha256:old") for other in joined)
    return Upgrade(running, "name", (refused,) if refused else (), "", made(one), with_it)


WEB, DB = container("web"), container("db")
SIDE = container("side", WEB.id, "db")
PROBE = container("probe", "side")


def names(found: list[list[Next]]) -> list[list[str]]:
    return [[one.container.name for one in members] for members in found]


def test_each_alone_where_nothing_joins_them() -> None:
    assert names(transactions([upgrade(WEB), upgrade(DB)])) == [["web"], ["db"]]


def test_what_is_refused_is_left_out() -> None:
    assert names(transactions([upgrade(WEB, SIDE, refused="no"), upgrade(DB)])) == [["db"]]


def test_those_that_stand_on_it_come_after_it() -> None:
    assert names(transactions([upgrade(WEB, PROBE, SIDE)])) == [["web", "side", "probe"]]


def test_two_that_one_stands_on_are_one_transaction() -> None:
    (found,) = transactions([upgrade(DB, SIDE, PROBE), upgrade(WEB, SIDE, PROBE)])
    assert [one.container.name for one in found[2:]] == ["side", "probe"]
    assert {one.container.name for one in found[:2]} == {"web", "db"}


def test_one_that_is_newer_itself_is_made_anew_once_on_its_newer_image() -> None:
    (found,) = transactions([upgrade(WEB, SIDE), upgrade(SIDE)])
    assert [one.image_id for one in found] == ["sha256:new", "sha256:new"]
    (found,) = transactions([upgrade(SIDE), upgrade(WEB, SIDE)])
    assert [one.image_id for one in found] == ["sha256:new", "sha256:new"]


def test_who_stands_on_a_container_nearest_first() -> None:
    everyone = [PROBE, SIDE, DB, WEB]
    assert [one.name for one in standing_on(WEB, everyone)] == ["side", "probe"]
    assert [one.name for one in standing_on(DB, everyone)] == ["side", "probe"]
    assert standing_on(PROBE, everyone) == []
