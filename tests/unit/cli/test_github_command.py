"""``drift github``: what the action calls, from the store and GitHub's variables."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from drift.attribute.model import Status
from drift.report.document import image_document
from drift.report.results import ImageResult
from drift.store.store import Store
from support.command import Drift
from support.github import REPOSITORY, TOKEN, Github, running_github, zipped
from support.report_samples import broken, document_of, drifted, fleet, quiet, unknown
from support.store_samples import NIGHT, NOW, build


@pytest.fixture
def github(tmp_path: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Github]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "."\n')
    monkeypatch.setattr("drift.publish.github.environment.PACE", 0.0)
    with running_github() as github:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        yield github


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/.drift/drift.db")


def save(store: Store, run: str, result: ImageResult, night: date = NIGHT) -> None:
    """A run of one image, as a night saves it."""
    store.begin_run(run, night, NOW, None)
    made = build(run, night=night, ok=result.status is not Status.BROKEN)
    store.save_image(run, "web", image_document(result), [made], {})
    store.finish_run(run, NOW)


def test_what_the_night_found_has_issues(github: Github, drift: Drift, store: Store) -> None:
    save(store, "r1", drifted("web"))
    ran = drift("github", "issues", "--report-url", "https://example.org/r/")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "drift: issues opened: #1, #2, #3, #4\n"
    assert "https://example.org/r/" in github.issues[1]["body"]
    assert drift("github", "issues").err == ""
    assert len(github.issues) == 4


def test_a_break_is_over_when_the_image_builds_again(
    github: Github, drift: Drift, store: Store
) -> None:
    save(store, "r1", broken("web"))
    drift("github", "issues")
    assert github.issues[1]["title"] == "image `web` does not build"
    save(store, "r2", quiet("web"), NIGHT + timedelta(days=1))
    assert drift("github", "issues").err == "drift: issues closed: #1\n"


def test_an_accepted_change_closes_its_issue(github: Github, drift: Drift, store: Store) -> None:
    save(store, "r1", drifted("web"))
    drift("github", "issues")
    store.accept("web", "r1-web", NOW, "known")
    assert drift("github", "issues").err == "drift: issues closed: #1, #2, #3, #4\n"


def test_without_a_token_or_a_night_it_says_so(
    github: Github, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drift("github", "issues").code == 2
    monkeypatch.delenv("GITHUB_TOKEN")
    ran = drift("github", "issues")
    assert ran.code == 2
    assert "GITHUB_TOKEN" in ran.err


def test_a_pull_request_is_commented(
    github: Github, drift: Drift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {
        "id": 77, "event": "pull_request", "head_sha": "a" * 40, "head_branch": "b",
        "head_repository": {"id": 9, "owner": {"login": "m"}}, "html_url": "https://g/77",
    }  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": run}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    assert drift("github", "comment").err.endswith("no comment\n")
    head = {"sha": "a" * 40, "repo": {"id": 9}}
    github.pulls = [{"number": 3, "head": head, "label": "m:b"}]
    assert drift("github", "comment").err.endswith("#3 is not needed\n")
    github.add_artifact(77, zipped({"drift.json": json.dumps(fleet()).encode()}))
    ran = drift("github", "comment")
    assert (ran.code, ran.err) == (0, "drift: the comment on pull request #3 is written\n")
    assert "## What this pull request changes in the images\n" in github.said(3)[0]
    github.artifacts.clear()  # a newer commit that touches no image
    assert drift("github", "comment").err.endswith("#3 is changed\n")
    (said,) = github.said(3)
    assert "left no report" in said


@pytest.mark.parametrize("label", ["a,b", "", "x" * 51])
def test_a_label_that_github_would_not_take_is_said(
    github: Github, drift: Drift, label: str
) -> None:
    assert drift("github", "issues", "--label", label).code == 2
    assert github.requests == []


def outputs(directory: Path) -> dict[str, str]:
    """What a step gave, read as GitHub's runner does."""
    lines = iter((directory / "outputs").read_text().splitlines())
    found = {}
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        while (part := next(lines)) != end:
            value.append(part)
        found[name] = "\n".join(value)
    return found


@pytest.fixture
def step(github: Github, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path


def test_a_step_says_what_the_report_says(drift: Drift, step: Path) -> None:
    (step / "drift.json").write_text(json.dumps(fleet()))
    ran = drift("github", "step", "drift.json", "--set", "code=1", "--set", "json=/x=y")
    assert ran.code == 0
    assert "::error file=Dockerfile,line=6,title=web" in ran.out
    assert (step / "summary.md").read_text().startswith("## drift report")
    assert outputs(step) == {
        "status": "flagged",
        "flagged": '["web", "worker"]',
        "publish": '["web", "batch"]',
        "report-url": "",
        "code": "1",
        "json": "/x=y",
    }


def test_a_step_whose_check_could_not_be_done_publishes_nothing(drift: Drift, step: Path) -> None:
    ran = drift("github", "step", "drift.json", "--set", "code=2")
    assert (ran.code, ran.out) == (0, "")
    assert outputs(step) == {
        "status": "error", "flagged": "[]", "publish": "[]", "report-url": "", "code": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("results", "status"),
    [([quiet()], "ok"), ([unknown(), quiet()], "unknown"), ([unknown(), drifted()], "flagged")],
)
def test_the_status_of_a_night(
    drift: Drift, step: Path, results: list[ImageResult], status: str
) -> None:
    (step / "drift.json").write_text(json.dumps(document_of(*results)))
    drift("github", "step", "drift.json")
    assert outputs(step)["status"] == status


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("web", "api"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "shared.Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text(
        '[[image]]\nname = "web"\ncontext = "web"\n'
        '[[image]]\nname = "api"\ncontext = "api"\n'
        '[[image]]\nname = "shared"\ncontext = "api"\ndockerfile = "../shared.Dockerfile"\n'
        '[[image]]\nname = "far"\ncontext = "https://git.example/far.git"\n'
    )
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        ("web/app.py", "web\n"),
        ("api/deep/ü\n.txt", "api\nshared\n"),
        ("shared.Dockerfile", "shared\n"),
        ("docs/api/x.md", ""),
        ("webs", ""),
        ("drift.toml", "web\napi\nshared\n"),
    ],
)
def test_the_images_that_a_pull_request_touches(
    drift: Drift, repository: Path, path: str, touched: str
) -> None:
    file = repository / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text((file.read_text() if file.exists() else "") + "# changed\n")
    commit(repository)
    ran = drift("github", "touched", "--against", "HEAD^")
    assert (ran.code, ran.out) == (0, touched)


def test_a_file_that_leaves_a_context_touches_it(drift: Drift, repository: Path) -> None:
    (repository / "web" / "big").write_text("the same\n" * 50)
    commit(repository)
    (repository / "web" / "big").rename(repository / "big")
    commit(repository)
    assert drift("github", "touched", "--against", "HEAD^").out == "web\n"


def test_a_revision_that_is_not_there_is_said(drift: Drift, repository: Path) -> None:
    ran = drift("github", "touched", "--against", "--output=x")
    assert ran.code == 2
    assert ran.out == ""


def git(directory: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


def commit(directory: Path) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "a change")
