"""The commits between two revisions, whatever their authors wrote into them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from drift.source.checkout import Checkout, open_source
from drift.source.commits import AUTHOR, LISTED, SUBJECT, Commits, commits_between
from drift.source.git import NO_COMMIT

HOSTILE = "<script>alert(1)</script> \x1b[31m \u202e @everyone fixes #1 ::error::x"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def git(work: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=Jane Doe", "-c", "user.email=jane@example.org")
    command = ["git", *settings, *arguments]
    return subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout


def commit(work: Path, path: str, message: str, *more: str) -> str:
    file = work / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(message)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", message, *more)
    return git(work, "rev-parse", "HEAD").strip()


def between(context: Path, before: str, after: str, dockerfile: str = "Dockerfile") -> Commits:
    with open_source(str(context), context, None, context, dockerfile=dockerfile) as checkout:
        return commits_between(checkout, dockerfile, before, after)


def test_the_newest_come_first_with_subject_and_author(work: Path) -> None:
    first = commit(work, "Dockerfile", "begin")
    commit(work, "a", "one\nline and the next\n\nand a body")
    last = commit(work, "b", "two", "--author=John <john@example.org>")
    found = between(work, first, last)
    assert [(c.subject, c.author) for c in found.listed] == [
        ("two", "John"),
        ("one line and the next", "Jane Doe"),
    ]
    assert found.listed[0].id == last[:12]
    assert found.number == 2


def test_what_touches_neither_context_nor_dockerfile_is_left_out(work: Path) -> None:
    first = commit(work, "services/web/Dockerfile", "begin")
    commit(work, "services/api/a", "another service")
    commit(work, "docker/web", "its Dockerfile")
    last = commit(work, "services/web/a*b", "the service")
    context = work / "services" / "web"
    assert [c.subject for c in between(context, first, last).listed] == ["the service"]
    found = between(context, first, last, "../../docker/web")
    assert [c.subject for c in found.listed] == ["the service", "its Dockerfile"]


def test_many_are_counted(work: Path) -> None:
    first = commit(work, "Dockerfile", "begin")
    last = first
    for number in range(LISTED + 3):
        last = commit(work, "a", f"change {number}")
    found = between(work, first, last)
    assert (len(found.listed), found.number) == (LISTED, LISTED + 3)
    assert found.listed[0].subject == f"change {LISTED + 2}"


def test_hostile_messages_are_one_bounded_line_each(work: Path) -> None:
    first = commit(work, "Dockerfile", "begin")
    commit(work, "a", HOSTILE, f"--author={HOSTILE.replace('<', '').replace('>', '')} <x@y>")
    last = commit(work, "b", "long " * 100, f"--author={'x' * 200} <x@y>")
    long, hostile = between(work, first, last).listed
    assert hostile.subject == HOSTILE
    assert (len(long.subject), len(long.author)) == (SUBJECT + 1, AUTHOR + 1)
    made = subprocess.run(
        ["git", "-c", "user.name=J", "-c", "user.email=j@x", "commit-tree", f"{last}^{{tree}}",
         "-p", last], cwd=work, input=b"caf\xe9 \r\x85 end\n", check=True, capture_output=True,
    ).stdout.decode().strip()  # fmt: skip
    (broken,) = between(work, last, made).listed
    assert broken.subject.startswith("caf")
    assert broken.subject.endswith(" end")
    assert not set(broken.subject) & set("\r\n\x85")


def test_where_git_cannot_tell_there_are_none(work: Path, tmp_path: Path) -> None:
    first = commit(work, "Dockerfile", "begin")
    last = commit(work, "a", "next")
    assert between(work, last, first) == Commits(), "it went back"
    assert between(work, "ab" * 20, last) == Commits()
    assert between(work, NO_COMMIT, last) == Commits()
    assert between(work, "--output=x", last) == Commits()
    assert not (work / "x..").exists()
    outside = Checkout(tmp_path)
    assert commits_between(replace(outside, repository=None), "Dockerfile", first, last).number == 0


def test_no_setting_of_the_user_decides_what_is_printed(work: Path) -> None:
    first = commit(work, "Dockerfile", "begin")
    last = commit(work, "a", "next")
    for name, value in (("log.showSignature", "true"), ("color.ui", "always"),
                        ("format.pretty", "fuller"), ("log.decorate", "full")):  # fmt: skip
        git(work, "config", name, value)
    assert [c.subject for c in between(work, first, last).listed] == ["next"]


def test_of_a_clone_without_a_tree_too(work: Path, tmp_path: Path) -> None:
    first = commit(work, "web/Dockerfile", "begin")
    commit(work, "api/a", "another")
    last = commit(work, "web/a", "next")
    git(work, "clone", "-q", "--bare", str(work), str(tmp_path / "bare.git"))
    checkout = Checkout(tmp_path / "tree", tmp_path / "bare.git", last, subdirectory="web")
    found = commits_between(checkout, "Dockerfile", first, last)
    assert [c.subject for c in found.listed] == ["next"]
