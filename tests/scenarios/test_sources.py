"""Where a context comes from, and whether last night's can be built again."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from support.conformance import assert_conforms
from support.nights import APP, simple
from support.processes import next_second
from support.project import Project


def test_a_git_url_is_built_at_its_revision(project: Project, small_image: str) -> None:
    upstream = Project(project.root.parent / "upstream", project.host, project.builder)
    upstream.commit(simple(small_image))
    url = f"file://{upstream.root}#main:app"
    project.configure(APP.replace('context = "app"', f'context = "{url}"'))
    first = project.check()
    revision = upstream.git("rev-parse", "HEAD")
    assert first.image()["candidate"]["revision"] == revision
    upstream.commit({"app/config.txt": "colour = red\n"})
    night = project.check()
    assert night.changed() == {"/etc/app/config.txt": "context"}
    assert night.image()["candidate"]["revision"] == upstream.git("rev-parse", "HEAD")
    assert night.image()["candidate"]["revision"] != revision


def test_a_fresh_clone_every_night_gives_the_same_layers(
    project: Project, small_image: str
) -> None:
    upstream = Project(project.root.parent / "upstream", project.host, project.builder)
    upstream.configure(APP)
    # A directory below the root would get the time at which the builder wrote into it.
    dockerfile = f"FROM {small_image}\nCOPY config.txt /\nRUN echo > /etc/built\n"
    upstream.commit({"app/Dockerfile": dockerfile, "app/config.txt": "colour = blue\n"})
    store = f'\n[store]\nurl = "sqlite:///{project.root}/shared.db"\n'
    nights = []
    for number in range(2):
        clone = project.root.parent / f"clone-{number}"
        subprocess.run(["git", "clone", "-q", upstream.root, clone], check=True)
        with (clone / "drift.toml").open("a") as toml:
            toml.write(store)
        tonight = Project(clone, project.host, project.builder, night_of=project.night_of)
        nights.append(tonight.check())
        project.night_of = tonight.night_of
        next_second()
    image = nights[1].image()
    assert (nights[1].code, image["status"]) == (0, "equivalent"), nights[1].stderr
    copied = {layer["index"] for layer in image["layers"]}
    copy_layer = 1
    assert copy_layer not in copied, "COPY gives the same layer from another clone"


def against(project: Project) -> tuple[int, dict[str, Any]]:
    """Compare the tree with the commit before the last: exit code and document."""
    code, out, err = project.drift("check", "--against", "HEAD~1", "--format", "json")
    assert out, err
    document = json.loads(out)
    assert_conforms(document)
    return code, document


def test_against_a_revision_compares_both_tonight(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    project.commit({"app/config.txt": "colour = red\n"})
    code, document = against(project)
    (image,) = document["images"]
    assert (code, image["status"], image["flagged"]) == (0, "drifted", False)
    assert [entry["path"] for entry in image["files"]["entries"]] == ["/etc/app/config.txt"]
    assert image["origins"] == ["repo"]
    assert {build["role"] for build in image["builds"]} == {"nightly", "replay"}
    assert not (project.root / "reports").exists()
    history = project.drift("history")[1]
    assert "No night is stored yet" in history


def test_against_a_revision_that_does_not_build(project: Project, small_image: str) -> None:
    project.configure(APP)
    files = simple(small_image)
    project.commit({**files, "app/Dockerfile": "FROM\n"})
    project.commit(files)
    code, document = against(project)
    image = document["images"][0]
    assert code == 2
    assert image["status"] == "unknown"
    assert "did not build" in image["error"]


def test_against_a_revision_without_the_image(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit({"README": "nothing yet\n"})
    project.commit(simple(small_image))
    code, document = against(project)
    assert (code, document["images"][0]["status"]) == (0, "first")


def test_a_plan_builds_nothing_and_estimates_from_the_last_night(
    project: Project, small_image: str
) -> None:
    project.configure(APP)
    project.commit(simple(small_image))
    assert "app" in project.drift("check", "--plan")[1]
    project.check()
    runs = len(list((project.root / "reports" / "runs").iterdir()))
    code, out, _ = project.drift("check", "--plan")
    assert code == 0
    assert "without cache" in out
    assert len(list((project.root / "reports" / "runs").iterdir())) == runs == 1
