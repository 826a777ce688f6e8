"""What differs although nothing moved, and what moved in the midst of it."""

from __future__ import annotations

from drift.demo.debs import Deb
from support.clock import shifted
from support.labelled import Cause, Story, drifted, first, matching, quiet, scenario
from support.labelled import digest_of as digest
from support.world import World

BOTH = ("classic", "buildkit")
RANDOM = "head -c 64 /dev/urandom"


@scenario("nothing: a file of random bytes", builder=BOTH)
def test_random_content(world: World) -> Story:
    world.image(f"FROM {world.tools}\nRUN {RANDOM} > /etc/seed\n")
    world.commit()
    yield first()
    yield quiet(
        Cause("nondeterminism", "random", "/etc/seed", grade="proven"),
        builds=("nightly", "control"),
    )


@scenario("nothing: a file with a random name", builder=BOTH)
def test_random_name(world: World) -> Story:
    world.image(
        f"FROM {world.tools}\nRUN mkdir -p /srv/session && mktemp -p /srv/session id.XXXXXXXXXX\n"
    )
    world.commit()
    yield first()
    yield quiet(
        Cause("nondeterminism", "random", "/srv/session/**"),
        builds=("nightly", "control"),
    )


@scenario("nothing: a file that holds the time of its build", builder=BOTH)
def test_time_of_the_build(world: World) -> Story:
    world.image(f"FROM {world.tools}\nRUN echo built $(date -u +%FT%TZ) > /etc/built-at\n")
    world.commit()
    yield first()
    yield quiet(Cause("nondeterminism", "timestamp", "/etc/built-at"), builds=("nightly",))


@scenario("nothing: a file that holds the day of its build, on another day", builder="classic")
def test_day_of_the_build(world: World) -> Story:
    """A control of the same night holds the same day, so that it cannot excuse the file.

    A build's clock is the kernel's and cannot be set here: the first night's drift runs with a
    clock of the day before, and what the image says comes by a volatile argument.
    """
    world.image(
        f"""\
        FROM {world.tools}
        ARG WHEN
        RUN date -u -d "$WHEN" +%F > /etc/built-on
        """,
        args={"WHEN": "yesterday"},
        volatile_args=["WHEN"],
    )
    world.commit()
    with shifted(world.project, days=-1):
        yield first()
    world.image_args(WHEN="today")
    night = yield quiet(Cause("nondeterminism", "timestamp", "/etc/built-on"))
    image = night.image()
    assert image["baseline"]["fingerprint"] == image["candidate"]["fingerprint"]


@scenario("a URL serves other bytes; beside it in the layer, random ones", builder="classic")
def test_noise_and_world_in_one_layer(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN curl -fsSL -o /etc/rules {url} && {RANDOM} > /etc/seed-beside-rules
        """
    )
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")),
        Cause("nondeterminism", "random", "/etc/seed-beside-rules"),
    )


@scenario("an unread feed changed; beside it in the layer, random bytes")
def test_noise_and_unread_world_in_one_layer(world: World) -> Story:
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN fetch {host} {port} /feed > /etc/feed && {RANDOM} > /etc/seed-beside-feed
        """
    )
    world.commit()
    yield first()
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/feed"),
        Cause("nondeterminism", "random", "/etc/seed-beside-feed"),
        explained=0.5,
    )


@scenario("an unread feed changed; in the same file, a random line", builder=BOTH)
def test_noise_and_world_in_one_file(world: World) -> Story:
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN (echo "id: $({RANDOM} | sha256sum)"; fetch {host} {port} /feed) > /etc/noisy-feed
        """
    )
    world.commit()
    yield first()
    yield quiet(Cause("nondeterminism", "random", "/etc/noisy-feed"))
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/noisy-feed"),
        explained=0.0,
        paths={"/etc/noisy-feed": "external"},
    )


@scenario("an unread feed changed; in the same small archive, a random file")
def test_noise_and_world_in_one_archive(world: World) -> Story:
    """One chunk holds all of it: what two builds share is a member, and a line of another."""
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN mkdir /srv/pack && cd /srv/pack && {RANDOM} > seed && fetch {host} {port} /feed > fed \
         && tar -czf /srv/pack.tar.gz . && rm -r /srv/pack
        RUN (echo "id: $({RANDOM} | sha256sum)"; fetch {host} {port} /feed) | gzip > /srv/log.gz
        """
    )
    world.commit()
    yield first()
    noise = (
        Cause("nondeterminism", "random", f"/srv/{name}") for name in ("log.gz", "pack.tar.gz")
    )
    yield quiet(*noise)
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/srv/log.gz"),
        Cause("external", "file", "/srv/pack.tar.gz"),
        explained=0.0,
    )


@scenario("the source of a binary with a random build id moved")
def test_noisy_binary_whose_source_moved(world: World) -> Story:
    """The bytes stay the same but for the id and the source's part, far from each other."""
    source = {word: (word + " ") * 40_000 for word in ("one", "two")}
    url = world.web.serve("/source", source["one"])
    world.image(
        f"""\
        FROM {world.tools}
        RUN ({RANDOM}; head -c 300000 /dev/zero | tr '\\0' 'x'; curl -fsSL {url}) > /usr/bin/made
        """
    )
    world.commit()
    yield first()
    yield quiet(Cause("nondeterminism", "random", "/usr/bin/made"))
    world.web.serve("/source", source["two"])
    yield drifted(
        Cause("external", "remote-content", url, digest(source["one"]), digest(source["two"])),
        paths={"/usr/bin/made": "external"},
    )


@scenario("a commit takes a random file away", builder="classic")
def test_noise_that_a_commit_removes(world: World) -> Story:
    text = f"FROM {world.tools}\nRUN echo kept > /etc/kept\n"
    world.image(f"{text}RUN {RANDOM} > /etc/seed-to-go\n")
    world.commit()
    yield first()
    world.commit(text)
    yield drifted(
        Cause("repo", "dockerfile", f"RUN {RANDOM} > /etc/seed-to-go", *world.revisions()),
        paths={"/etc/seed-to-go": "repo"},
    )


@scenario("a commit brings a random file")
def test_noise_that_a_commit_brings(world: World) -> Story:
    text = f"FROM {world.tools}\nRUN echo kept > /etc/kept-beside-noise\n"
    world.image(text)
    world.commit()
    yield first()
    world.commit(f"{text}RUN {RANDOM} > /etc/seed-that-came\n")
    yield drifted(
        Cause("repo", "dockerfile", f"RUN {RANDOM} > /etc/seed-that-came", *world.revisions()),
        paths={"/etc/seed-that-came": "repo"},
    )
    yield quiet(Cause("nondeterminism", "random", "/etc/seed-that-came"))


@scenario("nothing: a file that takes one of two values, and was seen with both")
def test_a_coin(world: World) -> Story:
    """The server tosses: one value in the first build, the other in the second, and so on."""
    host, port = world.web.address.split(":")
    world.web.serve("/coin", lambda seen: (b"heads\n", b"tails\n")[seen % 2])
    world.image(f"FROM {world.tools}\nRUN fetch {host} {port} /coin > /etc/coin\n")
    world.commit()
    yield first()
    yield quiet(Cause("nondeterminism", "random", "/etc/coin"), builds=("nightly", "control"))


@scenario("nothing: apt's, dpkg's and the loader's own files", builder=BOTH)
def test_quiet_apt(world: World) -> Story:
    url = world.debs(Deb("greeting", "1.0", {"/usr/bin/greeting": b"#!/bin/sh\necho hello\n"}))
    world.image(
        f"""\
        FROM {world.debian}
        RUN rm -rf /etc/apt/sources.list.d \\
         && echo 'deb [trusted=yes] {url} ./' > /etc/apt/sources.list
        RUN apt-get update && apt-get install -y greeting && ldconfig
        """
    )
    world.commit()
    yield first()
    # Its times and inode numbers are those of the layers below, which some builds share.
    loader = Cause("nondeterminism", "cache", "/var/cache/ldconfig/aux-cache")
    night = yield quiet(*APT_NOISE, builds=("nightly",), maybe=(loader,))
    assert night.image()["explained"] == {"files": 1.0, "bytes": 1.0}


APT_NOISE = (
    # srcpkgcache.bin, its neighbour, does not differ each time.
    Cause("nondeterminism", "cache", matching(r"/var/cache/apt/(\*\*|pkgcache\.bin)")),
    Cause("nondeterminism", "log", "/var/log/apt/history.log", grade="proven"),
    Cause("nondeterminism", "log", "/var/log/apt/term.log"),
    Cause("nondeterminism", "log", "/var/log/dpkg.log", grade="proven"),
)
