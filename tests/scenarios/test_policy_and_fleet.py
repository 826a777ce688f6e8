"""What the policy flags, which images a run takes, and what stays when nights go by."""

from __future__ import annotations

import json

import docker
import pytest

from support.nights import APP, simple
from support.project import Night, Project

RANDOM = "            RUN head -c 64 /dev/urandom > /etc/app/random\n"


@pytest.fixture
def builder() -> str:
    return "buildkit"


def policy(lines: str) -> str:
    return f"[policy]\n{lines}\n"


def edited(project: Project, small_image: str) -> Night:
    """A first night, and one after an edit of the repository."""
    project.commit(simple(small_image))
    project.check()
    project.commit({"app/config.txt": "colour = red\n"})
    return project.check()


@pytest.mark.parametrize("word", ["repo", "drifted"])
def test_an_origin_and_a_status_flag_where_the_policy_says_so(
    project: Project, small_image: str, word: str
) -> None:
    project.configure(APP, policy(f'fail_on = ["{word}"]'))
    night = edited(project, small_image)
    assert (night.code, night.image()["flagged"]) == (1, True)
    assert night.document["summary"]["flagged"] == 1


def test_a_first_night_flags_where_the_policy_says_so(project: Project, small_image: str) -> None:
    project.configure(APP, policy('fail_on = ["first"]'))
    project.commit(simple(small_image))
    night = project.check()
    assert (night.code, night.image()["status"], night.image()["publish"]) == (1, "first", True)


def test_a_tolerated_kind_is_reported_and_makes_no_drift(
    project: Project, small_image: str
) -> None:
    project.configure(APP + 'control = "never"\n', policy('tolerate = ["file"]'))
    files = simple(small_image)
    files["app/Dockerfile"] += RANDOM
    project.commit(files)
    project.check()
    night = project.check()
    image = night.image()
    assert (night.code, image["status"], image["flagged"]) == (0, "equivalent", False)
    assert (image["publish"], image["files"]["modified"]) == (False, 1)
    assert night.causes() == [("unexplained", "file", "/etc/app/random")]


def test_an_ignored_path_is_in_no_count_but_its_own(project: Project, small_image: str) -> None:
    images = APP + '[[image.ignore]]\npath = "random"\nreason = "a nonce"\n'
    project.configure(images)
    files = simple(small_image)
    files["app/Dockerfile"] += RANDOM
    project.commit(files)
    project.check()
    night = project.check("--full")
    image = night.image()
    assert (night.code, image["status"], image["causes"]) == (0, "equivalent", [])
    assert (image["files"]["ignored"], image["files"]["modified"]) == (1, 0)
    assert "/etc/app/random" not in [entry["path"] for entry in image["files"]["entries"]]
    assert len(image["files"]["entries"]) == image["files"]["metadata_only"] > 0


def test_an_accepted_baseline_stands_until_the_next_one(project: Project, small_image: str) -> None:
    project.configure(APP, policy('baseline = "accepted"'))
    project.commit(simple(small_image))
    first = project.check()
    assert first.image()["status"] == "first"
    assert project.check().image()["status"] == "first", "nothing was accepted yet"
    build = first.image()["candidate"]["build"]
    assert project.drift("accept", "app", build)[0] == 0
    project.commit({"app/config.txt": "colour = red\n"})
    nights = [project.check(), project.check()]
    assert [night.image()["status"] for night in nights] == ["drifted", "drifted"]
    assert {night.image()["baseline"]["build"] for night in nights} == {build}
    assert project.drift("accept", "app")[0] == 0
    assert project.check().image()["status"] in ("identical", "equivalent")


def test_a_part_of_the_fleet(project: Project, small_image: str) -> None:
    project.configure(APP + APP.replace("app", "api"))
    api = {name.replace("app/", "api/", 1): text for name, text in simple(small_image).items()}
    project.commit({**simple(small_image), **api})
    both = project.check()
    assert [image["name"] for image in both.document["images"]] == ["app", "api"]
    one = project.check("api")
    assert [image["name"] for image in one.document["images"]] == ["api"]
    assert one.document["summary"]["images"] == 1
    assert one.image("api")["baseline"]["night"] == "2026-11-01"
    rest = project.check()
    nights = [rest.image(name)["baseline"]["night"] for name in ("app", "api")]
    assert nights == ["2026-11-01", "2026-11-02"]
    code, out, err = project.drift("check", "app", "apo", "--format", "json")
    assert (code, out) == (2, "")
    assert "'apo'" in err


def test_a_stored_run_is_told_again_to_the_byte(project: Project, small_image: str) -> None:
    project.configure(APP)
    night = edited(project, small_image)
    run = night.document["run"]["id"]
    written = (project.root / "reports" / "runs" / run / "drift.json").read_text()
    for arguments in ([], [run], [night.document["run"]["night"]]):
        assert project.drift("report", "--format", "json", *arguments) == (0, written, "")


def test_own_files_and_git_are_no_part_of_a_context(project: Project, small_image: str) -> None:
    """The context is the repository's root, in which drift keeps its store and its reports."""
    project.configure('[[image]]\nname = "app"\npull = "missing"\n')
    project.commit({"Dockerfile": f"FROM {small_image}\nCOPY . /src/\n"})
    nights = [project.check(), project.check()]
    project.commit()
    nights.append(project.check())
    sides = [night.image()["candidate"] for night in nights]
    assert [side["dirty"] for side in sides] == [False] * 3
    assert sides[0]["fingerprint"] == sides[1]["fingerprint"]
    assert sides[1]["fingerprint"] != sides[2]["fingerprint"], "the commit counts"
    assert nights[1].image()["status"] in ("identical", "equivalent"), nights[1].causes()
    changed = nights[2].changed()
    assert changed
    assert all(path.startswith("/src/.git/") for path in changed)
    assert {cause[0] for cause in nights[2].causes()} == {"repo"}


def test_what_is_kept_in_the_engine_and_in_the_store(
    project: Project, small_image: str, api: docker.APIClient
) -> None:
    project.configure(APP, "[store]\nkeep_nights = 3\nkeep_images = 2\n")
    files = simple(small_image)
    files["app/Dockerfile"] += RANDOM
    project.commit(files)
    nights = [project.check() for _ in range(5)]
    builds = [night.image()["candidate"]["build"] for night in nights]
    tags = [tag for image in api.images() for tag in image["RepoTags"] or ()]
    kept = [build for build in builds if f"drift.local/app:{build}" in tags]
    assert kept == builds[-2:]
    told = json.loads(project.drift("history", "--format", "json")[1])
    stored = {line["night"] for line in told}
    assert {"2026-11-03", "2026-11-04", "2026-11-05"} <= stored
    assert "2026-11-01" not in stored, "no cause stands since then, and its days are over"
    assert "2026-11-02" in stored, "the first night of a cause that still stands"


def test_github_annotations_stand_in_the_repository(project: Project, small_image: str) -> None:
    """drift.toml lies below the root of the repository that a workflow checked out."""
    project.root = project.root / "deploy"
    project.configure(APP + 'control = "never"\n')
    files = simple(small_image)
    files["app/Dockerfile"] += RANDOM
    project.commit(files)
    project.check()
    summary = project.root / "summary.md"
    summary.write_text("an earlier step\n")
    project.environment["GITHUB_STEP_SUMMARY"] = str(summary)
    code, out, _ = project.drift("check", "--format", "github", "--as-of", "2026-11-02")
    assert code == 1
    first, *_, last = out.splitlines()
    assert first.startswith("::error file=deploy/app/Dockerfile,line=5,title=app")
    assert not last.startswith("::")
    assert summary.read_text().startswith("an earlier step\n## drift report")
