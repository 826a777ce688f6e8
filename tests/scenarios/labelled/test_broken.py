"""Images that did not build: whose doing it is."""

from __future__ import annotations

from support.images import file as member
from support.images import tar
from support.labelled import (
    ANYTHING,
    DIGEST,
    Cause,
    Story,
    broken,
    drifted,
    first,
    quiet,
    scenario,
    unknown,
)
from support.world import World

BOTH = ("classic", "buildkit")


@scenario("a URL is gone, and the repository is as it was", builder=BOTH)
def test_url_gone(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/tool-to-go {url}\n")
    world.commit()
    yield first()
    world.web.remove("/tool")
    night = yield broken(Cause("external", "source-unavailable", url, ANYTHING, ANYTHING))
    failure = night.image()["builds"][0]["failure"]
    assert failure["instruction"]["line"] == 2


@scenario("the URL of an ADD is gone, and then serves other bytes", builder="buildkit")
def test_add_gone(world: World) -> Story:
    """The builder fetches it itself, and names no step where that fails."""
    url = world.web.serve("/tool", "one\n")
    world.image(f"FROM {world.tools}\nADD {url} /etc/tool-to-add\n")
    world.commit()
    yield first()
    world.web.remove("/tool")
    yield broken(Cause("external", "source-unavailable", url, DIGEST))
    world.web.serve("/tool", "two\n")
    yield drifted(Cause("external", "remote-content", url, DIGEST, DIGEST, grade="proven"))


@scenario("a URL is gone on the night of an edit elsewhere in the repository", builder="classic")
def test_url_gone_with_an_edit(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    text = f"FROM {world.tools}\nCOPY colour.txt /etc/\nRUN curl -fsSL -o /etc/tool-to-go {url}\n"
    world.image(text)
    world.commit(colour__txt="red\n")
    yield first()
    world.web.remove("/tool")
    world.commit(colour__txt="blue\n")
    night = yield broken(Cause("external", "source-unavailable", url, ANYTHING, ANYTHING))
    assert "replay" in {build["role"] for build in night.image()["builds"]}


@scenario("the repository names a URL that never was", builder="classic")
def test_url_that_never_was(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/tool-of-typo {url}\n")
    world.commit()
    yield first()
    world.commit(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/tool-of-typo {url}l\n")
    night = yield broken(Cause("repo", ANYTHING, ANYTHING, ANYTHING, ANYTHING))
    assert "replay" in {build["role"] for build in night.image()["builds"]}


@scenario("the old repository's URL is gone on the night on which an edit stops using it")
def test_replay_broken(world: World) -> Story:
    url = world.web.serve("/tool", "one\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/tool-replaced {url}\n")
    world.commit()
    yield first()
    world.web.remove("/tool")
    edited = "RUN echo own > /etc/tool-replaced"
    world.commit(f"FROM {world.tools}\n{edited}\n")
    yield drifted(
        Cause("external", "source-unavailable", url, ANYTHING, ANYTHING),
        Cause("repo", "dockerfile", edited, *world.revisions()),
        paths={"/etc/tool-replaced": "repo"},
    )


@scenario("a tarball of a stage came without the file that the image copies", builder="classic")
def test_file_that_a_download_lost(world: World) -> Story:
    url = world.web.serve("/tool.tar", tar([member("tool/main", "1\n")]))
    copy = "COPY --from=fetched /srv/tool/main /usr/bin/main"
    world.image(
        f"""\
        FROM {world.tools} AS fetched
        RUN curl {url} | tar -x -C /srv
        FROM {world.tools}
        {copy}
        """
    )
    world.commit()
    yield first()
    world.web.serve("/tool.tar", tar([member("tool/other", "1\n")]))
    yield broken(
        Cause("external", "file", copy), Cause("external", "remote-content", url, DIGEST, DIGEST)
    )


@scenario("nothing: a download fails the first time of a night, and works the second")
def test_flaky_build(world: World) -> Story:
    url = world.web.serve("/flaky", "one\n")
    world.image(f"FROM {world.tools}\nRUN curl -fsSL -o /etc/flaky {url}\n")
    world.commit()
    yield first()
    world.web.serve("/flaky", lambda seen: 404 if seen == 0 else b"one\n")
    night = yield quiet(builds=("nightly", "nightly"))
    assert [build["ok"] for build in night.image()["builds"]] == [False, True]


@scenario(
    "a typo in the Dockerfile, and the night after it as well; then it is mended", builder=BOTH
)
def test_typo_night_then_an_unchanged_one(world: World) -> Story:
    """The baseline stays the last good night's, so that its repository builds as the replay."""
    good = f"FROM {world.tools}\nRUN echo fine > /etc/fine\n"
    world.image(good)
    world.commit()
    yield first()
    world.commit(good.replace("echo fine", "ecoh fine"))
    night = yield broken(Cause("repo", "dockerfile", ANYTHING, ANYTHING, ANYTHING))
    assert "replay" in {build["role"] for build in night.image()["builds"]}
    yield broken(Cause("repo", "dockerfile", ANYTHING, ANYTHING, ANYTHING))
    world.commit(good)
    yield quiet(builds=("nightly",))


@scenario("a name cannot be resolved: not the world's drift", builder="classic")
def test_no_name_resolution(world: World) -> Story:
    world.image(f"FROM {world.tools}\nRUN true\n")
    world.commit()
    yield first()
    said = "curl: (6) Could not resolve host: example.invalid"
    world.commit(f'FROM {world.tools}\nRUN echo "{said}" >&2; exit 6\n')
    yield unknown()
