"""Several images in one run, and what a policy makes of causes."""

from __future__ import annotations

from typing import Any

from support.labelled import (
    ANYTHING,
    Cause,
    Expected,
    Fleet,
    Story,
    drifted,
    first,
    quiet,
    scenario,
)
from support.labelled import digest_of as digest
from support.world import APP, World

FIRST_STEP = "RUN head -c 64 /dev/urandom > /etc/shared-first-step"


@scenario("nothing: images with one first step, which is random, two built at once")
def test_shared_first_step(world: World) -> Story:
    names = ("one", "two", "three")
    world.fleet(*({**APP, "name": name, "context": name} for name in names))
    world.project.write(
        {
            f"{name}/Dockerfile": f"FROM {world.tools}\n{FIRST_STEP}\nRUN echo {name} > /etc/name\n"
            for name in names
        }
    )
    world.project.commit()
    yield Fleet(tuple(first(name) for name in names))
    seed = Cause("nondeterminism", "random", "/etc/shared-first-step")
    yield Fleet(tuple(quiet(seed, image=name) for name in names))


@scenario("one URL moved that two of three images fetch: one event", builder="classic")
def test_one_event(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    names = ("one", "two", "three")
    world.fleet(*({**APP, "name": name, "context": name} for name in names))
    fetch = {"one": f"curl -o /etc/rules {url}", "two": f"wget -O /srv/rules {url}"}
    world.project.write(
        {
            f"{name}/Dockerfile": f"FROM {world.tools}\nRUN {fetch.get(name, 'true')}\n"
            for name in names
        }
    )
    world.project.commit()
    yield Fleet(tuple(first(name) for name in names))
    world.web.serve("/rules", "two\n")
    moved = Cause("external", "remote-content", url, digest("one\n"), digest("two\n"))
    third = Expected(("identical", "equivalent"), 1, False, image="three")
    night = yield Fleet((drifted(moved, image="one"), drifted(moved, image="two"), third))
    (event,) = night.document["events"]
    assert event["images"] == ["one", "two"]
    assert world.web.probed["/rules"] == 2, "one request a URL a night for the whole fleet"


def feed(world: World, **keys: Any) -> str:
    """An image with an unread feed that is about to change; gives the changed path."""
    more = keys.pop("more", "")
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"FROM {world.tools}\nRUN fetch {host} {port} /feed > /etc/fed\n", more=more, **keys
    )
    world.commit()
    return "/etc/fed"


@scenario("control = never: an unread feed changed", builder="classic")
def test_control_never(world: World) -> Story:
    path = feed(world, control="never")
    yield first()
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("unexplained", "file", path, grade="inferred"), explained=0.0, builds=("nightly",)
    )


@scenario("control = always: nothing moved", builder="classic")
def test_control_always(world: World) -> Story:
    feed(world, control="always")
    yield first_with_control()
    yield quiet(builds=("nightly", "control"))


def first_with_control() -> Expected:
    return Expected(("first",), 0, False)


@scenario("a URL serves other bytes, and its kind is tolerated", builder="classic")
def test_tolerated(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    text = f"FROM {world.tools}\nRUN curl -o /etc/rules-tolerated {url}\n"
    world.image(text, more='[policy]\ntolerate = ["remote-content"]\n')
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    yield quiet(Cause("external", "remote-content", url, digest("one\n"), digest("two\n")))


@scenario("a URL serves the bytes that [[accept]] names, and then others")
def test_accepted_change(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    accept = (
        f'[[accept]]\nsubject = "{url}"\nafter = "{digest("two" + chr(10))}"\n'
        'until = 2026-12-31\nreason = "reviewed"\n'
    )
    world.image(f"FROM {world.tools}\nRUN curl -o /etc/rules-accepted {url}\n", more=accept)
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")), flagged=False
    )
    world.web.serve("/rules", "three\n")
    yield drifted(Cause("external", "remote-content", url, digest("two\n"), digest("three\n")))


@scenario("a URL serves other bytes; the baseline is the accepted one until `drift accept`")
def test_accepted_baseline(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    text = f"FROM {world.tools}\nRUN curl -o /etc/rules-of-baseline {url}\n"
    world.image(text, more='[policy]\nbaseline = "accepted"\n')
    world.commit()
    yield first()
    assert world.project.drift("accept", "app")[0] == 0
    world.web.serve("/rules", "two\n")
    moved = Cause("external", "remote-content", url, digest("one\n"), digest("two\n"))
    yield drifted(moved)
    yield drifted(moved)
    assert world.project.drift("accept", "app")[0] == 0
    yield quiet()


@scenario("a URL serves other bytes; probing is turned off: the experiment tells all the same")
def test_without_probes(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    text = f"FROM {world.tools}\nRUN curl -o /etc/rules-unprobed {url}\n"
    world.image(text, more="[probe]\nenabled = false\n")
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    yield drifted(
        Cause("external", ANYTHING, ANYTHING),
        explained=None,
        paths={"/etc/rules-unprobed": "external"},
    )
    assert not world.web.probed.get("/rules")
