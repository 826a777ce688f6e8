"""Two nights that differ in one thing, and what the report must say of it.

Each scenario runs ``drift check`` as a user does, on a real engine, once with each builder.
"""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
import requests

from drift.demo.debs import Deb, write_archive
from drift.demo.servers import free_port, web_server
from support.contexts import tar_context
from support.nights import APP, simple
from support.project import Bases, Project
from support.registry import push, registry_digest


def test_first_night_then_a_quiet_one(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    first = project.check()
    assert (first.code, first.image()["status"], first.image()["publish"]) == (0, "first", True)
    quiet = project.check()
    assert quiet.code == 0, quiet.stderr
    image = quiet.image()
    assert image["status"] in ("identical", "equivalent")
    assert (image["causes"], image["files"]["modified"], image["origins"]) == ([], 0, [])
    assert image["baseline"]["fingerprint"] == image["candidate"]["fingerprint"]
    assert image["explained"] == {"files": 1.0, "bytes": 1.0}


def test_a_base_that_moved(project: Project, bases: Bases) -> None:
    base = bases.publish("moved", "12.1")
    project.configure(APP.replace("missing", "always"))
    project.commit(simple(base))
    before = project.check()
    bases.publish("moved", "12.2")
    night = project.check()
    assert before.code == 0
    assert night.code == 1
    assert night.causes() == [("external", "base-image", base)]
    cause = night.image()["causes"][0]
    assert cause["grade"] == "proven"
    assert cause["before"].startswith("sha256:")
    assert cause["before"] != cause["after"]
    assert night.changed() == {"/etc/release": "base-image"}
    assert night.image()["explained"] == {"files": 1.0, "bytes": 1.0}
    assert night.document["events"][0]["images"] == ["app"]


def test_the_base_of_an_earlier_stage_moved(
    project: Project, bases: Bases, small_image: str
) -> None:
    base = bases.publish("tools", "1")
    project.configure(APP.replace("missing", "always" if False else "missing"))
    project.commit(
        {
            "app/Dockerfile": f"""\
                FROM {base} AS tools
                RUN cp /etc/release /made
                FROM {small_image}
                COPY --from=tools /made /app/made
            """
        }
    )
    project.configure(APP.replace('pull = "missing"', 'pull = "missing"'))
    project.check()
    bases.publish("tools", "2")
    night = project.check()
    assert night.code == 1
    assert night.causes() == [("external", "base-image", base)]
    assert night.changed() == {"/app/made": "base-image"}


def test_a_base_named_by_an_argument(project: Project, bases: Bases) -> None:
    base = bases.publish("by-arg", "1")
    name, _, tag = base.rpartition(":")
    project.configure(APP.replace("missing", "always") + 'args = { TAG = "stable" }\n')
    files = simple(base)
    files["app/Dockerfile"] = f"""\
        ARG TAG=none
        FROM {name}:${{TAG:-x}}
        COPY config.txt /etc/app/config.txt
    """
    project.commit(files)
    project.check()
    bases.publish("by-arg", "2")
    night = project.check()
    assert night.code == 1
    assert tag == "stable"
    assert night.causes() == [("external", "base-image", base)]


def test_a_repository_edit(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    before = project.check()
    project.commit({"app/config.txt": "colour = red\n"})
    night = project.check()
    assert night.code == 0, "the repository's own changes are not flagged by default"
    assert night.image()["status"] == "drifted"
    assert [cause[:2] for cause in night.causes()] == [("repo", "context")]
    assert night.changed() == {"/etc/app/config.txt": "context"}
    assert night.image()["causes"][0]["instruction"]["line"] == 2
    revisions = [night.image()[side]["revision"] for side in ("baseline", "candidate")]
    assert revisions == [before.image()["candidate"]["revision"], project.git("rev-parse", "HEAD")]


def test_an_edit_that_dockerignore_leaves_out(project: Project, small_image: str) -> None:
    project.configure(APP)
    files = simple(small_image)
    files["app/Dockerfile"] = f"FROM {small_image}\nCOPY . /app/\n"
    project.commit({**files, "app/.dockerignore": "*.md\n", "app/notes.md": "one\n"})
    project.check()
    project.commit({"app/notes.md": "two\n"})
    night = project.check()
    assert night.code == 0
    image = night.image()
    assert image["status"] in ("identical", "equivalent")
    assert image["baseline"]["fingerprint"] == image["candidate"]["fingerprint"]
    assert image["baseline"]["revision"] != image["candidate"]["revision"]


def test_an_edit_that_is_not_committed(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    project.check()
    project.write({"app/config.txt": "colour = green\n"})
    night = project.check()
    image = night.image()
    assert image["status"] == "drifted"
    assert [cause[:2] for cause in night.causes()] == [("repo", "context")]
    assert image["baseline"]["revision"] == image["candidate"]["revision"]
    assert image["candidate"]["dirty"] is True


def test_a_dockerfile_edit(project: Project, small_image: str) -> None:
    project.configure(APP)
    files = simple(small_image)
    project.commit(files)
    project.check()
    edited = files["app/Dockerfile"].replace("echo built", "echo rebuilt")
    project.commit({"app/Dockerfile": edited.replace('config.txt"]', 'built"]')})
    night = project.check()
    assert night.code == 0
    assert night.image()["status"] == "drifted"
    assert {cause[:2] for cause in night.causes()} == {("repo", "dockerfile")}
    assert night.changed() == {"/etc/app/built": "dockerfile"}
    assert [change["field"] for change in night.image()["config"]] == ["Cmd"]


def test_random_content_is_noise_as_a_second_build_shows(
    project: Project, small_image: str
) -> None:
    project.configure(APP)
    files = simple(small_image)
    files["app/Dockerfile"] += "            RUN head -c 64 /dev/urandom > /etc/app/random\n"
    project.commit(files)
    project.check()
    night = project.check()
    assert (night.code, night.image()["status"]) == (0, "equivalent")
    assert night.causes() == [("nondeterminism", "random", "/etc/app/random")]
    cause = night.image()["causes"][0]
    assert (cause["instruction"]["line"], cause["grade"]) == (5, "proven")
    assert [build["role"] for build in night.image()["builds"]] == ["nightly", "control"]


def test_without_a_control_nobody_can_explain_it(project: Project, small_image: str) -> None:
    project.configure(APP + 'control = "never"\n')
    files = simple(small_image)
    files["app/Dockerfile"] += "            RUN head -c 64 /dev/urandom > /etc/app/random\n"
    project.commit(files)
    project.check()
    night = project.check()
    assert night.code == 1
    assert night.causes() == [("unexplained", "file", "/etc/app/random")]
    assert night.image()["explained"] == {"files": 0.0, "bytes": 0.0}
    assert [build["role"] for build in night.image()["builds"]] == ["nightly"]


def test_a_build_that_fails_does_not_keep_the_others(project: Project, small_image: str) -> None:
    project.configure(APP + APP.replace("app", "bad"))
    files = simple(small_image)
    bad = {
        "bad/Dockerfile": f"FROM {small_image}\nRUN echo before && \\\n  false\n",
    }
    project.commit({**files, **bad})
    night = project.check()
    assert night.code == 1
    assert night.image("app")["status"] == "first"
    broken = night.image("bad")
    assert (broken["status"], broken["flagged"], broken["publish"]) == ("broken", True, False)
    failure = broken["builds"][0]["failure"]
    assert failure["instruction"]["line"] == 2
    assert any("before" in line for line in failure["tail"])
    log = project.root / "reports" / broken["builds"][0]["log"]
    assert "before" in log.read_text()


def test_the_night_after_a_broken_one(project: Project, small_image: str) -> None:
    project.configure(APP)
    files = simple(small_image)
    project.commit(files)
    good = project.check()
    project.commit({"app/Dockerfile": f"FROM {small_image}\nRUN false\n"})
    assert project.check().image()["status"] == "broken"
    project.commit(files)
    night = project.check()
    image = night.image()
    assert image["status"] in ("identical", "equivalent")
    assert image["baseline"]["build"] == good.image()["candidate"]["build"]


def test_a_rerun_in_the_same_night_replaces_the_first(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    first = project.check()
    project.commit({"app/config.txt": "colour = red\n"})
    second = project.check()
    project.night_of = project.night_of.replace(day=project.night_of.day - 1)
    project.commit({"app/config.txt": "colour = pink\n"})
    again = project.check()
    assert again.document["run"]["night"] == second.document["run"]["night"]
    assert again.image()["baseline"]["build"] == first.image()["candidate"]["build"]
    code, out, _ = project.drift("history", "--format", "json")
    assert code == 0
    assert second.document["run"]["id"] not in out
    assert again.document["run"]["id"] in out
    after = project.check()
    assert after.image()["baseline"]["build"] == again.image()["candidate"]["build"]


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_an_engine_that_is_away(project: Project, small_image: str, host: str) -> None:
    project.host = host
    project.configure(APP)
    project.commit(simple(small_image))
    night = project.check()
    assert night.code == 2
    assert night.document == {}
    assert "engine" in night.stderr.lower()
    assert "Traceback" not in night.stderr


def package_image(base: str, url: str) -> dict[str, str]:
    """An image that installs a package from an archive of the test's own."""
    return {
        "app/Dockerfile": f"""\
            FROM {base}
            RUN rm -rf /etc/apt/sources.list.d && \\
                echo 'deb [trusted=yes] {url} ./' > /etc/apt/sources.list && \\
                apt-get update && apt-get install -y greeting && \\
                rm -rf /var/lib/apt/lists/*
        """
    }


def test_a_package_that_moved(project: Project, base_image: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    old = Deb("greeting", "1.4.2", {"/usr/bin/greeting": b"#!/bin/sh\necho hello\n"})
    new = Deb(
        "greeting",
        "1.4.3",
        {"/usr/bin/greeting": b"#!/bin/sh\necho hi\n", "/usr/share/greeting/new": b"new\n"},
    )
    write_archive(archive, [old])
    project.configure(
        APP + 'network = "host"\n',
        """
        [[ignore]]
        path = "/var/log/**"
        [[ignore]]
        path = "/var/cache/**"
        """,
    )
    with web_server(archive, free_port(0)) as url:
        project.commit(package_image(base_image, url))
        project.check()
        quiet = project.check()
        write_archive(archive, [new])
        night = project.check()
    assert (quiet.code, quiet.image()["status"]) == (0, "equivalent"), quiet.causes()
    assert night.code == 1
    assert night.causes() == [("external", "package", "pkg:deb/debian/greeting")]
    cause = night.image()["causes"][0]
    assert (cause["before"], cause["after"], cause["grade"]) == ("1.4.2", "1.4.3", "owned")
    assert cause["instruction"]["line"] == 2
    assert night.image()["packages"]["changed"] == [
        {
            "purl": "pkg:deb/debian/greeting",
            "before": "1.4.2",
            "after": "1.4.3",
            "cause": cause["id"],
        }
    ]
    changed = night.changed()
    assert {"/usr/bin/greeting", "/usr/share/greeting/new", "/var/lib/dpkg/status"} <= set(changed)
    assert set(changed.values()) == {"package"}
    assert night.image()["explained"] == {"files": 1.0, "bytes": 1.0}


def test_a_base_that_is_gone(project: Project, bases: Bases, registry: str) -> None:
    base = bases.publish("leaving", "1")
    project.configure(APP.replace("missing", "always"))
    project.commit(simple(base))
    assert project.check().image()["status"] == "first"
    name, _, tag = base.rpartition(":")
    url = f"http://{registry}/v2/{name.partition('/')[2]}/manifests/{registry_digest(base)}"
    requests.delete(url, timeout=10).raise_for_status()
    night = project.check()
    image = night.image()
    assert tag == "stable"
    assert (night.code, image["status"], image["flagged"]) == (1, "broken", True)
    assert base in image["error"]
    assert image["builds"][0]["failure"]["kind"] == "source-unavailable"
    assert image["baseline"]["night"] == "2026-11-01"
    event = night.document["events"][0]
    assert (event["origin"], event["kind"]) == ("external", "source-unavailable")


def test_a_registry_that_does_not_answer_is_unknown(project: Project, bases: Bases) -> None:
    base = bases.publish("there", "1")
    project.configure(APP.replace("missing", "always"))
    project.commit(simple(base))
    assert project.check().image()["status"] == "first"
    project.commit(simple(base.replace(base.partition("/")[0], "127.0.0.1:9")))
    night = project.check()
    assert (night.code, night.image()["status"], night.image()["flagged"]) == (2, "unknown", False)


def test_a_base_that_no_registry_has_is_used_as_it_is(
    project: Project, api: docker.APIClient, registry: str, small_image: str
) -> None:
    local = f"{registry}/never-pushed:1"
    api.tag(small_image, local.removesuffix(":1"), "1")
    project.configure(APP.replace("missing", "always"))
    project.commit(simple(local))
    first = project.check()
    assert first.image()["status"] == "first", first.image()["error"]
    night = project.check()
    assert (night.code, night.image()["status"]) == (0, "equivalent")
    assert any(local in note for note in night.image()["notes"])


# Older BuildKits take the image of an ONBUILD COPY --from for an empty stage.
@pytest.mark.parametrize("builder", ["classic"])
def test_a_base_that_a_trigger_of_another_base_names(
    project: Project, bases: Bases, api: docker.APIClient
) -> None:
    tools = bases.publish("tools-of-a-trigger", "1")
    onbuild = bases.publish("onbuild", "1")
    dockerfile = f"FROM {onbuild}\nONBUILD COPY --from={tools} /etc/release /tools-release\n"
    context = tar_context({"Dockerfile": dockerfile})()
    for line in api.build(fileobj=context, custom_context=True, tag=onbuild, decode=True, rm=True):
        assert "error" not in line, line
    push(api, onbuild, onbuild)
    project.configure(APP.replace("missing", "always"))
    project.commit({"app/Dockerfile": f"FROM {onbuild}\nRUN true\n"})
    first = project.check()
    assert first.image()["status"] == "first", first.image()["error"]
    bases.publish("tools-of-a-trigger", "2")
    night = project.check()
    assert night.code == 1
    assert ("external", "base-image", tools) in night.causes()


def test_a_dockerfile_that_is_gone_from_a_git_url(project: Project, small_image: str) -> None:
    upstream = Project(project.root.parent / "upstream", project.host, project.builder)
    upstream.commit(simple(small_image))
    project.configure(
        APP.replace('context = "app"', f'context = "file://{upstream.root}#main:app"')
    )
    assert project.check().image()["status"] == "first"
    upstream.git("rm", "-q", "app/Dockerfile")
    upstream.commit()
    image = project.check().image()
    assert image["status"] == "broken"
    assert "no Dockerfile" in image["error"]
