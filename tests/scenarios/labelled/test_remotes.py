"""What was fetched changed: by every route that a Dockerfile knows, and by one that none reads."""

from __future__ import annotations

import pytest

from support.images import file as member
from support.images import tar
from support.labelled import Cause, Story, drifted, first, quiet, scenario
from support.labelled import digest_of as digest
from support.world import World

BOTH = ("classic", "buildkit")


def remote(subject: str, before: bytes | str, after: bytes | str) -> Cause:
    """What a URL served before and after, as its probes saw it."""
    return Cause(
        "external", "remote-content", subject, digest(before), digest(after), grade="proven"
    )


@scenario("an ADD URL serves other bytes under the same ETag", builder=BOTH)
def test_add(world: World) -> Story:
    url = world.web.serve("/rules.json", "one\n")
    world.image(f"FROM scratch\nADD {url} /etc/rules.json\n")
    world.commit()
    yield first()
    yield quiet(builds=("nightly",))
    world.web.serve("/rules.json", "two\n")
    yield drifted(remote(url, "one\n", "two\n"))


@scenario("a curl URL in a RUN serves other bytes", builder=BOTH)
def test_curl(world: World) -> Story:
    url = world.web.serve("/rules", "one\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/rules {url}\n")
    world.commit()
    yield first()
    world.web.serve("/rules", "two\n")
    yield drifted(remote(url, "one\n", "two\n"), builds=("nightly",))


@scenario("a wget URL made of ARG and ENV serves other bytes", builder="classic")
def test_wget_of_variables(world: World) -> Story:
    url = world.web.serve("/v1/tool.txt", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        ARG SITE={world.web.url()}
        ENV RELEASE=v1
        RUN wget -q -O /etc/tool.txt "${{SITE}}/$RELEASE/tool.txt"
        """
    )
    world.commit()
    yield first()
    world.web.serve("/v1/tool.txt", "two\n")
    yield drifted(remote(url, "one\n", "two\n"), builds=("nightly",))


@scenario("a URL put together by the shell serves other bytes: only the experiment can tell")
def test_url_of_the_shell(world: World) -> Story:
    world.web.serve("/v1/tool.txt", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN release=$(echo V1 | tr V v) && \\
            curl -fsSL -o /etc/tool-of-shell.txt "{world.web.url()}/$release/tool.txt"
        """
    )
    world.commit()
    yield first()
    world.web.serve("/v1/tool.txt", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/tool-of-shell.txt"),
        explained=0.0,
        builds=("nightly", "control", "control"),
    )


@scenario("content fetched by a program that no rule reads changed", builder=BOTH)
def test_unread_route(world: World) -> Story:
    world.web.serve("/feed", "one\n")
    host, port = world.web.address.split(":")
    world.image(f"FROM {world.tools}\nRUN fetch {host} {port} /feed > /etc/feed\n")
    world.commit()
    yield first()
    world.web.serve("/feed", "two\n")
    yield drifted(
        Cause("external", "file", "/etc/feed", grade="proven"),
        explained=0.0,
        builds=("nightly", "control", "control"),
    )


def release(number: int) -> bytes:
    """A tarball of a tool, of which one file is another in each release."""
    return tar([member("tool/main", f"release {number}\n"), member("tool/licence", "free\n")])


@scenario("a tarball that curl pipes into tar changed", builder="classic")
def test_tarball_through_a_pipe(world: World) -> Story:
    url = world.web.serve("/tool.tar", release(1))
    world.image(
        f"""\
        FROM {world.tools}
        RUN mkdir -p /opt/piped && curl -fsSL {url} | tar -x -C /opt/piped
        """
    )
    world.commit()
    yield first()
    world.web.serve("/tool.tar", release(2))
    yield drifted(remote(url, release(1), release(2)), paths={"/opt/piped/tool/main": "external"})


@scenario("two URLs of one RUN moved, one unpacked and one read through a pipe", builder="classic")
def test_two_urls_of_one_run(world: World) -> Story:
    one = world.web.serve("/tool.tar", release(1))
    two = world.web.serve("/list", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN mkdir -p /opt/two && curl {one} | tar -x -C /opt/two \
         && curl {two} | sort | sha256sum > /etc/list-sum
        """
    )
    world.commit()
    yield first()
    world.web.serve("/tool.tar", release(2))
    world.web.serve("/list", "two\n")
    yield drifted(
        remote(one, release(1), release(2)),
        Cause("external", "remote-content", two, digest("one\n"), digest("two\n"), "inferred"),
        paths={"/opt/two/tool/main": "external", "/etc/list-sum": "external"},
    )


@scenario("a cloned git branch moved", builder=BOTH)
def test_git_clone(world: World) -> Story:
    old = world.upstream.commit({"plugin": "one\n"})
    url = world.upstream.url
    world.image(
        f"""\
        FROM {world.git}
        RUN git clone -q --depth 1 -b main {url} /opt/plugin && rm -rf /opt/plugin/.git
        """
    )
    world.commit()
    yield first()
    new = world.upstream.commit({"plugin": "two\n"})
    yield drifted(Cause("external", "git-remote", f"{url}#main", old, new))


@scenario("the URL that a builder stage downloads from serves other bytes", builder=BOTH)
def test_url_of_a_stage(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    world.image(
        f"""\
        FROM {world.tools} AS build
        RUN curl -fsSL -o /tool-of-stage {url}
        FROM scratch
        COPY --from=build /tool-of-stage /usr/bin/tool
        """
    )
    world.commit()
    yield first()
    world.web.serve("/tool", "two\n")
    yield drifted(remote(url, "one\n", "two\n"))


@scenario("the URL that a nameless builder stage downloads from serves other bytes")
def test_url_of_a_nameless_stage(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN curl -fsSL -o /tool-of-nameless {url}
        FROM scratch
        COPY --from=0 /tool-of-nameless /usr/bin/tool
        """
    )
    world.commit()
    yield first()
    world.web.serve("/tool", "two\n")
    yield drifted(remote(url, "one\n", "two\n"))


@scenario("content moved between tonight's build and its control", builder="classic")
def test_moved_during_the_run(world: World) -> Story:
    """A URL that only the shell knows: a control is due, and gets what came meanwhile."""
    host, port = world.web.address.split(":")
    world.web.serve("/during", "first feed\n")
    url = world.web.serve("/named", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN fetch {host} {port} /during > /etc/during
        RUN curl -o /etc/named {url}
        """
    )
    world.commit()
    yield first()
    world.web.serve("/during", "second feed\n")
    world.web.serve("/named", lambda seen: b"two\n" if seen < 1 else b"three\n")
    night = yield drifted(
        Cause("external", "file", "/etc/during"),
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")),
        explained=0.5,
    )
    assert "control" in {build["role"] for build in night.image()["builds"]}


@scenario("content that no rule reads moved between tonight's build and its control",
    undecided="two builds of the same inputs differ, and nothing names a source: from one night "
    "alone this is noise; the next night shows that it stays",
)  # fmt: skip
def test_unread_route_moved_during_the_run(world: World) -> Story:
    host, port = world.web.address.split(":")
    world.web.serve("/during", "one\n")
    world.image(f"FROM {world.tools}\nRUN fetch {host} {port} /during > /etc/during-the-run\n")
    world.commit()
    yield first()
    world.web.serve("/during", lambda seen: b"two\n" if seen < 1 else b"three\n")
    yield quiet(Cause("nondeterminism", "random", "/etc/during-the-run"))


@scenario("a generated file holds what was fetched and what it was made with", builder="buildkit")
def test_transformed(world: World) -> Story:
    url = world.web.serve("/source.txt", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        COPY key.txt /key.txt
        RUN curl -fsSL {url} | cat - /key.txt | sha256sum > /etc/fetched-and-signed
        """
    )
    world.commit(key__txt="secret\n")
    yield first()
    world.web.serve("/source.txt", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n")),
        paths={"/etc/fetched-and-signed": "external"},
    )


pytestmark = pytest.mark.engine


@scenario("an ADD URL serves other bytes, of which a later RUN makes a file", builder=BOTH)
def test_made_of_a_download(world: World) -> Story:
    url = world.web.serve("/source", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        ADD {url} /srv/source
        RUN tr a-z A-Z < /srv/source > /usr/bin/made && rm /srv/source
        """
    )
    world.commit()
    yield first()
    world.web.serve("/source", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n"), "derived"),
        paths={"/usr/bin/made": "external"},
    )


@scenario("the URL of a stage serves other bytes, and a RUN that mounts the stage uses them")
def test_url_of_a_mounted_stage(world: World) -> Story:
    url = world.web.serve("/source", "one\n")
    world.image(
        f"""\
        FROM {world.tools} AS fetched
        RUN curl -fsSL -o /srv/source {url}
        FROM {world.tools}
        RUN --mount=type=bind,from=fetched,source=/srv,target=/mnt sha256sum /mnt/source > /etc/sum
        """
    )
    world.commit()
    yield first()
    world.web.serve("/source", "two\n")
    yield drifted(
        Cause("external", "remote-content", url, digest("one\n"), digest("two\n"), "derived"),
        paths={"/etc/sum": "external"},
    )
