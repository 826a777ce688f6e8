"""What the repository did, alone and on a night on which the world moved too."""

from __future__ import annotations

import random
import shutil

from support.labelled import DIGEST, Cause, Story, drifted, first, quiet, scenario
from support.labelled import digest_of as digest
from support.world import World

BOTH = ("classic", "buildkit")
COPY = "COPY colour.txt /etc/colour.txt"


@scenario("a file of the context was edited", builder=BOTH)
def test_context(world: World) -> Story:
    world.image(f"FROM {world.tools}\n{COPY}\n")
    world.commit(colour__txt="red\n")
    yield first()
    world.commit(colour__txt="blue\n")
    yield drifted(Cause("repo", "context", COPY, *world.revisions(), grade="proven"))


@scenario("an instruction was edited", builder=BOTH)
def test_dockerfile(world: World) -> Story:
    world.image(f"FROM {world.tools}\nRUN echo one > /etc/edited\n")
    world.commit()
    yield first()
    world.commit(f"FROM {world.tools}\nRUN echo two > /etc/edited\n")
    yield drifted(Cause("repo", "dockerfile", "RUN echo two > /etc/edited", *world.revisions()))


@scenario("a build argument in drift.toml changed", builder=BOTH)
def test_build_config(world: World) -> Story:
    text = f"FROM {world.tools}\nARG FLAVOUR\nRUN echo $FLAVOUR > /etc/flavour\n"
    world.image(text, args={"FLAVOUR": "sweet"})
    world.commit()
    yield first()
    world.image(text, args={"FLAVOUR": "sour"})
    world.commit()
    yield drifted(
        Cause("repo", "build-config", "RUN echo $FLAVOUR > /etc/flavour", *world.revisions()),
        paths={"/etc/flavour": "repo"},
    )


@scenario("a host that drift.toml gives the build has another address", builder=BOTH)
def test_extra_hosts(world: World) -> Story:
    run = "RUN grep -w db.internal /etc/hosts > /etc/database"
    text = f"FROM {world.tools}\n{run}\n"
    world.image(text, extra_hosts=["db.internal:10.0.0.2"])
    world.commit()
    yield first()
    world.image(text, extra_hosts=["db.internal:10.0.0.3"])
    world.commit()
    night = yield drifted(
        Cause("repo", "build-config", run, *world.revisions(), grade="proven"),
        builds=("nightly", "replay", "control"),
    )
    assert "the image's extra_hosts in drift.toml changed" in night.image()["causes"][0]["evidence"]


@scenario("a RUN reads a context file that was edited", builder="classic")
def test_derived_from_the_context(world: World) -> Story:
    text = f"FROM {world.tools}\nCOPY parts.txt /srv/\nRUN sha256sum /srv/parts.txt > /etc/sum\n"
    world.image(text)
    world.commit(parts__txt="one\n")
    yield first()
    world.commit(parts__txt="two\n")
    night = yield drifted(
        Cause("repo", "context", "COPY parts.txt /srv/", *world.revisions()),
        Cause("repo", "context", "RUN sha256sum /srv/parts.txt > /etc/sum", *world.revisions()),
        paths={"/srv/parts.txt": "repo", "/etc/sum": "repo"},
    )
    assert [build["role"] for build in night.image()["builds"]][:2] == ["nightly", "replay"]


@scenario("ENV and CMD were edited; no file changed")
def test_settings_alone(world: World) -> Story:
    world.image(f'FROM {world.tools}\nENV MODE=calm\nCMD ["true"]\n')
    world.commit()
    yield first()
    world.commit(f'FROM {world.tools}\nENV MODE=wild\nCMD ["false"]\n')
    night = yield drifted(
        Cause("repo", "dockerfile", "Cmd", "['true']", "['false']"),
        Cause("repo", "dockerfile", "Env.MODE", "calm", "wild"),
    )
    assert {change["field"] for change in night.image()["config"]} == {"Cmd", "Env.MODE"}


@scenario("the tree was edited and not committed, twice", builder="classic")
def test_dirty_trees(world: World) -> Story:
    """The second night's baseline is in no commit: its context is the stored one."""
    world.image(f"FROM {world.tools}\n{COPY}\nRUN cat /etc/colour.txt > /etc/copied-dirty\n")
    world.commit(colour__txt="red\n")
    yield first()
    world.write(colour__txt="green\n")
    copied = "RUN cat /etc/colour.txt > /etc/copied-dirty"
    edits = (
        Cause("repo", "context", COPY, DIGEST, DIGEST),
        Cause("repo", "context", copied, DIGEST, DIGEST),
    )
    yield drifted(*edits)
    world.write(colour__txt="blue\n")
    night = yield drifted(
        *edits,
        paths={"/etc/colour.txt": "repo", "/etc/copied-dirty": "repo"},
    )
    assert "replay" in {build["role"] for build in night.image()["builds"]}


@scenario("the repository changed, and the baseline's is neither in git nor in the store")
def test_no_replay(world: World) -> Story:
    text = f"FROM {world.tools}\n{COPY}\nRUN cat /etc/colour.txt > /etc/copied-unreplayed\n"
    world.image(text, more='[store]\nkeep_contexts = "1k"\n')
    world.write(colour__txt="red\n", large__txt=random.Random(1).randbytes(4096).hex())
    yield first()
    world.write(colour__txt="blue\n")
    night = yield drifted(
        Cause("repo", "context", COPY, DIGEST, DIGEST),
        Cause("unexplained", "file", "/etc/copied-unreplayed", grade="inferred"),
        explained=0.5,
    )
    image = night.image()
    assert "replay" not in {build["role"] for build in image["builds"]}
    said = [*image["notes"], *(line for cause in image["causes"] for line in cause["evidence"])]
    assert any("replay" in line or "built again" in line for line in said)


@scenario("a context file was edited, and a URL serves other bytes", builder=BOTH)
def test_repository_and_world(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    world.image(f"FROM {world.tools}\n{COPY}\nRUN curl -fsSL -o /etc/rules {url}\n")
    world.commit(colour__txt="red\n")
    yield first()
    world.commit(colour__txt="blue\n")
    world.web.serve("/rules", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")),
        Cause("repo", "context", COPY, *world.revisions()),
        paths={"/etc/colour.txt": "repo", "/etc/rules": "external"},
    )


@scenario("a context file was edited, and an unread feed changed", builder="classic")
def test_repository_and_unread_world(world: World) -> Story:
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"FROM {world.tools}\n{COPY}\n"
        f"RUN fetch {host} {port} /feed > /etc/feed && cat /etc/colour.txt > /etc/copied\n"
    )
    world.commit(colour__txt="red\n")
    yield first()
    world.commit(colour__txt="blue\n")
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/feed"),
        Cause("repo", "context", COPY, *world.revisions()),
        Cause(
            "repo",
            "context",
            f"RUN fetch {host} {port} /feed > /etc/feed && cat /etc/colour.txt > /etc/copied",
            *world.revisions(),
        ),
        explained=2 / 3,
        paths={"/etc/colour.txt": "repo", "/etc/copied": "repo", "/etc/feed": "external"},
    )


@scenario("one file holds an edited context file and an unread feed that changed", builder=BOTH)
def test_repository_and_unread_world_in_one_file(world: World) -> Story:
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"FROM {world.tools}\n{COPY}\n"
        f"RUN (fetch {host} {port} /feed; cat /etc/colour.txt) | sha256sum > /etc/mixed\n"
    )
    world.commit(colour__txt="red\n")
    yield first()
    world.commit(colour__txt="blue\n")
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/mixed"),
        Cause("repo", "context", COPY, *world.revisions()),
        explained=0.5,
        paths={"/etc/colour.txt": "repo", "/etc/mixed": "external"},
    )


@scenario(
    "the repository changed a fetched file's URL, and the old one moved too",
    builder="classic",
)
def test_other_url_while_the_old_one_moved(world: World) -> Story:
    old, new = world.web.serve("/v1", "one\n"), world.web.serve("/v2", "two\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/versioned {old}\n")
    world.commit()
    yield first()
    world.web.serve("/v1", "one and a half\n")
    world.commit(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/versioned {new}\n")
    yield drifted(
        Cause("repo", "dockerfile", f"RUN curl -fsSL -o /etc/versioned {new}", *world.revisions()),
        paths={"/etc/versioned": "repo"},
    )


@scenario("a COPY of what a stage fetches goes elsewhere, on the night on which the URL moved")
def test_copy_elsewhere_while_the_url_moved(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    fetching = f"FROM {world.tools}\nRUN curl -fsSL -o /srv/rules {url}\nFROM {world.tools}\n"
    world.image(f"{fetching}COPY --from=0 /srv/rules /etc/rules-here\n")
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    copy = "COPY --from=0 /srv/rules /etc/rules-there"
    world.commit(f"{fetching}{copy}\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")),
        Cause("repo", "dockerfile", copy, *world.revisions()),
        paths={"/etc/rules-here": "external", "/etc/rules-there": "repo"},
    )


@scenario("a volatile argument changed, and nothing else")
def test_volatile_argument(world: World) -> Story:
    world.image(
        f"FROM {world.tools}\nARG TICKET\nRUN echo made > /etc/made-with-ticket\n",
        args={"TICKET": "one"},
        volatile_args=["TICKET"],
    )
    world.commit()
    yield first()
    world.image_args(TICKET="two")
    night = yield quiet(builds=("nightly",))
    image = night.image()
    assert image["baseline"]["fingerprint"] == image["candidate"]["fingerprint"]


@scenario("a volatile argument changed, which a RUN writes into a file")
def test_file_of_a_volatile_argument(world: World) -> Story:
    world.image(
        f"FROM {world.tools}\nARG TICKET\nRUN echo $TICKET > /etc/ticket\n",
        args={"TICKET": "one"},
        volatile_args=["TICKET"],
    )
    world.commit()
    yield first()
    world.image_args(TICKET="two")
    yield quiet(
        Cause("nondeterminism", "build-config", "/etc/ticket"), builds=("nightly", "control")
    )


@scenario("a volatile argument changed, which a label holds", builder=("classic", "buildkit"))
def test_label_of_a_volatile_argument(world: World) -> Story:
    world.image(
        f"FROM {world.tools}\nARG BUILD_DATE\nLABEL created=$BUILD_DATE\nRUN echo 1 > /etc/dated\n",
        args={"BUILD_DATE": "2026-11-01T02:00:00Z"},
        volatile_args=["BUILD_DATE"],
    )
    world.commit()
    yield first()
    world.image_args(BUILD_DATE="2026-11-02T02:00:00Z")
    yield quiet(
        Cause(
            "nondeterminism", "build-config", "Labels.created",
            "2026-11-01T02:00:00Z", "2026-11-02T02:00:00Z", grade="proven",
        ),
        builds=("nightly",),
    )  # fmt: skip


@scenario("the mode of a context file was edited")
def test_mode(world: World) -> Story:
    copy = "COPY tool.sh /usr/bin/tool.sh"
    world.image(f"FROM {world.tools}\n{copy}\n")
    world.commit(tool__sh="#!/bin/sh\n")
    yield first()
    (world.project.root / "app" / "tool.sh").chmod(0o755)
    world.commit()
    yield drifted(Cause("repo", "context", copy, *world.revisions()))


@scenario("a git repository that is built by its URL got a commit, and then lost its history")
def test_context_of_a_git_url(world: World) -> Story:
    world.upstream.commit({"Dockerfile": f"FROM {world.tools}\nCOPY word /etc/word\n", "word": "1"})
    world.fleet({"name": "app", "context": world.upstream.url, "revision": "main",
                 "pull": "missing"})  # fmt: skip
    yield first()
    old = world.upstream.git("rev-parse", "HEAD")
    new = world.upstream.commit({"word": "2"})
    yield drifted(Cause("repo", "context", "COPY word /etc/word", old, new))
    shutil.rmtree(world.upstream.root / ".git")
    world.upstream.git("init", "-q", "-b", "main")
    fresh = world.upstream.commit({"word": "3"})
    yield drifted(Cause("repo", "context", "COPY word /etc/word", new, fresh))
