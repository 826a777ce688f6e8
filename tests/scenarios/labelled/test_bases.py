"""Bases that moved, went, or were changed by the repository."""

from __future__ import annotations

from support.labelled import DIGEST, Cause, Story, broken, drifted, first, matching, scenario
from support.world import World

BOTH = ("classic", "buildkit")


@scenario("the base's tag was pushed anew", builder=BOTH)
def test_base_moved(world: World) -> Story:
    base = world.base("moves:stable", "12.1")
    world.image(f"FROM {base}\nRUN echo above > /etc/above\n", pull="always")
    world.commit()
    yield first()
    world.base("moves:stable", "12.2")
    yield drifted(
        Cause("external", "base-image", base, DIGEST, DIGEST, grade="proven"),
        paths={"/etc/release": "external"},
        builds=("nightly",),
    )


@scenario("the base of a builder stage was pushed anew", builder=BOTH)
def test_base_of_a_stage_moved(world: World) -> Story:
    base = world.base("tools:stable", "1")
    world.image(
        f"""\
        FROM {base} AS tools
        RUN cp /etc/release /made-from-release
        FROM {world.tools}
        COPY --from=tools /made-from-release /etc/release /srv/
        """
    )
    world.commit()
    yield first()
    world.base("tools:stable", "2")
    yield drifted(Cause("external", "base-image", base, DIGEST, DIGEST))


@scenario("the base is gone from its registry", builder="classic")
def test_base_gone(world: World) -> Story:
    base = world.base("leaves:stable", "1")
    world.image(f"FROM {base}\nRUN echo above > /etc/above\n", pull="always")
    world.commit()
    yield first()
    world.no_base(base)
    yield broken(Cause("external", "source-unavailable", base, DIGEST))


@scenario("the repository takes another base on the night on which its old one moved", builder=BOTH)
def test_base_named_anew_while_the_old_one_moved(world: World) -> Story:
    old, new = world.base("two:1", "1"), world.base("two:2", "2")
    world.image(f"FROM {old}\nRUN echo above > /etc/above\n", pull="always")
    world.commit()
    yield first()
    world.base("two:1", "1.1")
    world.commit(f"FROM {new}\nRUN echo above > /etc/above\n")
    night = yield drifted(
        Cause(
            "repo",
            "base-image",
            new,
            matching(f"{old}@sha256:[0-9a-f]+"),
            matching(f"{new}@sha256:[0-9a-f]+"),
        ),
        paths={"/etc/release": "repo"},
    )
    (cause,) = night.image()["causes"]
    assert any(line.startswith(f"{old} moved too, to sha256:") for line in cause["evidence"])


@scenario("the base moved, and the repository changed a file of its own", builder="classic")
def test_base_and_repository(world: World) -> Story:
    base = world.base("both:stable", "1")
    world.image(f"FROM {base}\nCOPY colour.txt /etc/colour.txt\n", pull="always")
    world.commit(colour__txt="red\n")
    yield first()
    world.base("both:stable", "2")
    world.commit(colour__txt="blue\n")
    yield drifted(
        Cause("external", "base-image", base, DIGEST, DIGEST),
        Cause(
            "repo", "context", "COPY colour.txt /etc/colour.txt", *world.revisions(), grade="proven"
        ),
        paths={"/etc/release": "external", "/etc/colour.txt": "repo"},
    )


@scenario("a base's ONBUILD trigger is another, and the base holds nothing else", builder=BOTH)
def test_trigger_of_a_base(world: World) -> Story:
    base = world.triggering("trigger:stable", "RUN echo one > /etc/triggered")
    world.image(f"FROM {base}\nRUN echo above > /etc/above-trigger\n", pull="always")
    world.commit()
    yield first()
    world.triggering("trigger:stable", "RUN echo two > /etc/triggered")
    yield drifted(
        Cause("external", "base-image", base, DIGEST, DIGEST, grade="proven"),
        paths={"/etc/triggered": "external"},
    )


@scenario("an image that a RUN mounts was pushed anew")
def test_mounted_image(world: World) -> Story:
    image = world.base("mounted:stable", "1")
    world.image(
        f"""\
        FROM {world.tools}
        RUN --mount=type=bind,from={image},source=/etc,target=/mnt cp /mnt/release /etc/taken
        """
    )
    world.commit()
    yield first()
    world.base("mounted:stable", "2")
    yield drifted(
        Cause("external", "base-image", image, DIGEST, DIGEST),
        paths={"/etc/taken": "external"},
    )
