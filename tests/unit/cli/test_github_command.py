"""``drift github``: what the action calls, from the store and GitHub's variables."""

from __future__ import annotations

import json
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
from support.report_samples import broken, drifted, fleet, quiet
from support.store_samples import NIGHT, NOW, build


@pytest.fixture
def github(tmp_path: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Github]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "."\n')
    monkeypatch.setattr("drift.publish.github.client.PACE", 0.0)
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
    github.add_artifact(77, zipped({"drift.json": json.dumps(fleet()).encode()}))
    ran = drift("github", "comment")
    assert (ran.code, ran.err) == (0, "drift: the comment on pull request #3 is written\n")
    assert "## drift report" in github.said(3)[0]


def test_outputs_of_a_report(drift: Drift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "drift.json"
    report.write_text(json.dumps(fleet()))
    ran = drift("github", "outputs", report, "--set", "json=/x/drift.json")
    assert ran.out == (
        'status=flagged\nflagged=["web", "worker"]\npublish=["web", "batch"]\njson=/x/drift.json\n'
    )
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    drift("github", "outputs", report)
    first, value, last, *_ = outputs.read_text().splitlines()
    name, mark, end = first.partition("<<")
    assert (name, mark, value, last) == ("status", "<<", "flagged", end)


def test_outputs_of_a_check_that_could_not_be_done(drift: Drift, tmp_path: Path) -> None:
    ran = drift("github", "outputs", tmp_path / "absent.json")
    assert (ran.code, ran.out) == (0, "status=error\nflagged=[]\npublish=[]\n")


@pytest.mark.parametrize(
    ("statuses", "status"),
    [(["identical"], "ok"), (["unknown", "identical"], "unknown"), ([], "ok")],
)
def test_the_status_of_a_night(
    drift: Drift, tmp_path: Path, statuses: list[str], status: str
) -> None:
    images = [
        {"name": f"i{n}", "status": s, "flagged": False, "publish": False}
        for n, s in enumerate(statuses)
    ]
    (tmp_path / "drift.json").write_text(json.dumps({"images": images}))
    ran = drift("github", "outputs", tmp_path / "drift.json")
    assert ran.out.startswith(f"status={status}\n")
