"""Trees come from real repositories; nothing is asked, leaked, injected or left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from drift.errors import SourceError
from drift.source.checkout import (
    Checkout,
    GitUrl,
    checkout_revision,
    deepen,
    open_source,
)
from drift.source.context import digest_of_tar, read_context
from drift.source.git import NO_COMMIT, GitError, GitFailure, run_git, without_credentials
from support.processes import processes, unique_sleep, wait_until


def git(directory: Path, *arguments: str) -> str:
    settings = ("user.name=A", "user.email=a@example.org", "protocol.file.allow=always")
    options = [part for setting in settings for part in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(repository: Path, name: str, text: str) -> str:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", text)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    commit(path, "app/Dockerfile", "FROM scratch")
    commit(path, "app/file", "one")
    return path


def local(path: Path, *leave_out: Path) -> Checkout:
    with open_source(".", path, None, path / "unused", leave_out=leave_out) as checkout:
        return checkout


def test_without_git_a_repository_is_not_taken_for_none(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "git", None)  # as where GitPython finds no program
    with pytest.raises(SourceError, match="git is not found") as raised:
        local(repository)
    assert not isinstance(raised.value, GitError)


@pytest.mark.usefixtures("heeded_signals")
def test_what_ends_drift_ends_the_git_that_it_waits_for(repository: Path) -> None:
    sleep = unique_sleep()

    def interrupt() -> None:
        wait_until(lambda: bool(processes(sleep)))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_git(repository, "-c", f"alias.wait=!{sleep} && touch done", "wait", timeout=100)
    assert time.monotonic() - began < 60
    wait_until(lambda: not processes(sleep), 10)


def test_a_git_that_does_not_end_is_ended_with_what_it_started(repository: Path) -> None:
    sleep = unique_sleep()
    with pytest.raises(GitError, match=r"git wait failed: no end after 1\.5 s") as raised:
        run_git(repository, "-c", f"alias.wait=!{sleep} && touch done", "wait", timeout=1.5)
    assert raised.value.failure is GitFailure.TIMEOUT
    assert raised.value.hint
    wait_until(lambda: not processes(sleep), 10)


def test_a_clean_subdirectory(repository: Path) -> None:
    checkout = local(repository / "app")
    assert checkout.repository == repository
    assert checkout.revision == git(repository, "rev-parse", "HEAD")
    assert checkout.subdirectory == "app"
    assert not checkout.dirty
    assert not checkout.shallow


@pytest.mark.parametrize("change", ["modified", "staged", "untracked", "removed"])
def test_dirt_counts_where_the_context_is(repository: Path, change: str) -> None:
    commit(repository, "other/file", "x")
    for directory, dirty in (("other", False), ("app", True)):
        path = repository / directory / ("new" if change == "untracked" else "file")
        if change == "removed":
            path.unlink()
        else:
            path.write_text("changed")
        if change == "staged":
            git(repository, "add", "-A")
        assert local(repository / "app").dirty is dirty


def test_ignored_and_own_files_are_no_dirt(repository: Path) -> None:
    commit(repository, ".gitignore", "*.log")
    (repository / "app" / "x.log").write_text("")
    (repository / "app" / ".drift").mkdir()
    (repository / "app" / ".drift" / "db").write_text("")
    assert local(repository / "app").dirty
    assert not local(repository / "app", repository / "app" / ".drift").dirty


def test_no_repository_an_empty_one_and_a_bare_one(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert local(tmp_path / "plain") == Checkout(tmp_path / "plain")
    git(tmp_path, "init", "-q", "new")
    assert local(tmp_path / "new").revision is None
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    assert local(tmp_path / "bare.git").repository is None


def test_a_worktree_is_a_repository(tmp_path: Path, repository: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "HEAD~1")
    checkout = local(tmp_path / "linked")
    assert checkout.repository == tmp_path / "linked"
    assert checkout.revision == git(repository, "rev-parse", "HEAD~1")
    with checkout_revision(tmp_path / "linked", "HEAD") as tree:
        assert not (tree / "app" / "file").exists()


def test_an_earlier_commit_has_the_context_of_a_fresh_clone(
    tmp_path: Path, repository: Path
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    before = read_context(repository, "app/Dockerfile")
    assert before.git_commit == first
    assert digest_of_tar(before.open()) == before.digest
    commit(repository, "app/file", "two")
    state = git(repository, "for-each-ref"), git(repository, "worktree", "list")
    with checkout_revision(repository, first) as tree:
        context = read_context(tree, "app/Dockerfile")
        assert (context.digest, context.git_commit) == (before.digest, first)
    assert not tree.exists()
    assert state == (git(repository, "for-each-ref"), git(repository, "worktree", "list"))


def test_an_empty_git_directory_is_not_a_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    assert read_context(tmp_path, "Dockerfile").git_commit == NO_COMMIT
    (tmp_path / ".dockerignore").write_text(".git")
    assert read_context(tmp_path, "Dockerfile").git_commit is None


def test_a_git_url_is_fetched_anew_each_night(tmp_path: Path, repository: Path) -> None:
    url, cache = f"file://{repository}", tmp_path / "cache"
    for text in ("two", "three"):
        revision = commit(repository, "app/file", text)
        with open_source(f"{url}#main:app", None, None, cache) as checkout:
            assert (checkout.path / "file").read_text() == text
            assert checkout.revision == revision
            assert not (checkout.path.parent / ".git").exists()
        assert not checkout.path.exists()
    assert len(list(cache.glob("*.git"))) == 1
    git(repository, "tag", "-a", "-m", "x", "v1", "HEAD~1")
    for name in ("v1", git(repository, "rev-parse", "HEAD~1")):
        with open_source(url, None, name, cache) as checkout:
            assert (checkout.path / "app" / "file").read_text() == "two"


def test_submodules_are_checked_out(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "library").mkdir()
    git(tmp_path / "library", "init", "-q")
    commit(tmp_path / "library", "code", "x")
    git(repository, "submodule", "--quiet", "add", f"file://{tmp_path / 'library'}", "library")
    revision = commit(repository, "app/file", "with a submodule")
    with checkout_revision(repository, revision) as tree:
        assert (tree / "library" / "code").read_text() == "x"
    (repository / "library" / "code").write_text("changed")
    assert local(repository).dirty


def test_a_shallow_clone_is_deepened_or_says_that_it_cannot(
    tmp_path: Path, repository: Path
) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    assert local(shallow).shallow
    with checkout_revision(shallow, "HEAD") as tree:
        assert (tree / "app" / "file").read_text() == "one"
    with pytest.raises(GitError) as missing:
        deepen(repository, "1" * 40)
    assert missing.value.failure is GitFailure.MISSING
    git(shallow, "remote", "set-url", "origin", "file:///nowhere")
    with pytest.raises(GitError, match="shallow clone") as failed:
        deepen(shallow, first)
    assert "fetch-depth: 0" in (failed.value.hint or "")
    git(shallow, "remote", "set-url", "origin", f"file://{repository}")
    deepen(shallow, first)
    with checkout_revision(shallow, first) as tree:
        assert not (tree / "app" / "file").exists()


@pytest.mark.parametrize(
    "context",
    [
        "ext::sh -c touch% /tmp/x .git",
        "--upload-pack=x.git",
        "https://example.org/a.git#--upload-pack=x",
        "https://example.org/a.git#main:../..",
        "https://example.org/a.git#a b",
        "https://example.org/a.git#a..b",
        "https://example.org/a.git#+a:b:c*",
    ],
)
def test_hostile_urls_are_refused_before_git_sees_them(context: str, tmp_path: Path) -> None:
    with pytest.raises(GitError), open_source(context, None, None, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_failures_are_told_apart(tmp_path: Path, repository: Path) -> None:
    cases = (
        (f"file://{repository}#nope", GitFailure.MISSING),
        (f"file://{tmp_path}/none", GitFailure.MISSING),
        ("https://user:hunter2@127.0.0.1:9/x.git", GitFailure.NETWORK),
    )
    for context, failure in cases:
        with pytest.raises(GitError) as caught, open_source(context, None, None, tmp_path / "c"):
            pass
        assert caught.value.failure is failure
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_transports_that_run_programs_are_refused(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(GitError) as caught:
        run_git(tmp_path, "ls-remote", f"ext::touch {marker}")
    assert caught.value.failure is GitFailure.REFUSED
    assert not marker.exists()


def test_credentials_are_taken_out_of_text() -> None:
    assert without_credentials("at https://u:p@x/a and ssh://git@y") == (
        "at https://***@x/a and ssh://***@y"
    )


def test_urls_are_read_as_docker_reads_them() -> None:
    assert GitUrl.parse("git@host:a/b.git#v1:sub") == GitUrl("git@host:a/b.git", "v1", "sub")
    assert GitUrl.parse("github.com/a/b") == GitUrl("https://github.com/a/b")
    assert not GitUrl.matches("services/web")
    assert not GitUrl.matches("https://example.org/context.tar.gz")


def test_the_umask_of_the_repository_is_kept(repository: Path) -> None:
    umask = os.umask(0o077)
    try:
        with checkout_revision(repository, "HEAD") as tree:
            mode = (tree / "app" / "file").stat().st_mode
    finally:
        os.umask(umask)
    assert mode == (repository / "app" / "file").stat().st_mode


def test_a_hook_may_run_drift(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "--bare", "other.git")
    revision = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    assert local(repository / "app").revision == revision


def test_a_tree_of_another_owner_says_what_to_do(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("HOME", str(repository))
    with pytest.raises(GitError) as caught:
        local(repository)
    assert caught.value.failure is GitFailure.REFUSED
    assert caught.value.hint == f"git config --global --add safe.directory {repository}"
