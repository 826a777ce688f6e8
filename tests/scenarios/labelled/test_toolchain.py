"""The engine, the builder or the host changed, and the image shows it."""

from __future__ import annotations

from support.labelled import ANYTHING, Cause, Story, drifted, first, quiet, scenario
from support.proxy import smaller_host
from support.world import World


@scenario("BuildKit builds what the classic builder built before", builder="classic")
def test_builder(world: World) -> Story:
    """Only the classic builder's containers have ``/.dockerenv``."""
    world.image(
        f"""\
        FROM {world.tools}
        RUN if [ -e /.dockerenv ]; then echo classic; else echo other; fi > /etc/built-with
        """
    )
    world.commit()
    yield first()
    world.project.builder = "buildkit"
    world.image_args()
    world.project.commit()
    yield drifted(
        Cause("toolchain", "builder", ANYTHING, "classic", "buildkit"),
        paths={"/etc/built-with": "toolchain"},
        flagged=False,
    )
    yield quiet()


@scenario("the engine runs on a host with fewer CPUs", builder="classic")
def test_engine(world: World) -> Story:
    """A proxy before the engine stands for the smaller host: one CPU, said so and given so."""
    world.image(f"FROM {world.tools}\nRUN nproc > /etc/made-for-cpus\n")
    world.commit()
    yield first()
    with smaller_host(world.project.host) as host:
        world.project.host = host
        world.image_args()
        yield drifted(
            Cause("toolchain", "engine", ANYTHING, ANYTHING, ANYTHING),
            paths={"/etc/made-for-cpus": "toolchain"},
            flagged=False,
        )


@scenario("the builder changed; a random file beside it is still noise", builder="classic")
def test_builder_and_noise(world: World) -> Story:
    world.image(
        f"""\
        FROM {world.tools}
        RUN if [ -e /.dockerenv ]; then echo classic; else echo other; fi > /etc/built-with-seed
        RUN head -c 64 /dev/urandom > /etc/seed-built-with
        """
    )
    world.commit()
    yield first()
    world.project.builder = "buildkit"
    world.image_args()
    world.project.commit()
    yield drifted(
        Cause("toolchain", "builder", ANYTHING, "classic", "buildkit"),
        Cause("nondeterminism", "random", "/etc/seed-built-with"),
        flagged=False,
    )
