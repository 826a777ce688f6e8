from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from drift.probe import Limits, probe
from drift.source.model import Probe, Remote, RemoteKind
from support.web import running_web

LIMITS = Limits(timeout=10, files=True)


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "r.git"
    path.mkdir()
    git(path, "init", "-q")
    for number in (1, 2, 3):
        git(path, "commit", "-q", "--allow-empty", "-m", str(number))
    git(path, "tag", "light", "HEAD~1")
    git(path, "tag", "-a", "-m", "x", "annotated", "HEAD~1")
    git(path, "branch", "dev", "HEAD~2")
    git(path, "branch", "other/main", "HEAD~2")
    git(path, "tag", "dev", "HEAD")
    return path


def ask(url: str, *refs: str | None) -> list[Probe]:
    remotes = [Remote(RemoteKind.GIT, url, "0", 2, ref) for ref in refs]
    return list(probe(remotes, LIMITS))


def test_refs_are_told_by_their_commits(repository: Path) -> None:
    refs = (None, "main", "dev", "light", "annotated", "refs/tags/annotated", "refs/heads/dev")
    head, one, two = (git(repository, "rev-parse", name) for name in ("HEAD", "HEAD~1", "HEAD~2"))
    answers = ask(f"file://{repository}", *refs)
    assert [answer.identity for answer in answers] == [head, head, two, one, one, one, two]
    assert not [answer for answer in answers if answer.problem or answer.gone]


def test_a_commit_does_not_move_and_a_ref_may_be_gone(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    whole, short, gone, option = ask(
        f"file://{repository}", head, head[:10], "gone", "--upload-pack=x"
    )
    assert whole.identity == head
    assert (short.identity, short.gone) == (None, False)
    assert (gone.problem, gone.gone) == ("there is no such ref", True)
    assert (option.problem, option.gone) == ("there is no such ref", True)


def test_a_repository_may_be_gone(tmp_path: Path) -> None:
    (answer,) = ask(f"file://{tmp_path}/none", None)
    assert (answer.problem, answer.gone) == ("there is no such repository", True)


def test_a_repository_that_wants_credentials_is_a_problem_of_its_own(repository: Path) -> None:
    with running_web() as web:
        wanted = {"WWW-Authenticate": 'Basic realm="x"'}
        web.pages["/r.git/info/refs"] = (401, wanted, b"")
        (answer,) = ask(f"{web.url}/r.git", "main")
        assert answer.problem == "it wants credentials, which a probe does not use"
        (answer,) = ask(f"{web.url}/none.git", "main")
        assert answer.gone
        git(repository, "update-server-info")
        for name in ("info/refs", "HEAD"):
            web.pages[f"/s.git/{name}"] = (repository / ".git" / name).read_bytes()
        (answer,) = ask(f"{web.url}/s.git", "main")
        assert answer.identity == git(repository, "rev-parse", "main")


def test_all_refs_of_a_repository_are_one_request() -> None:
    with running_web() as web:
        ask(f"{web.url}/r.git", "a", "b", None)
        assert web.asked("/r.git/info/refs?service=git-upload-pack") == 1
