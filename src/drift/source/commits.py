"""What was committed between two revisions, as far as it touched a build."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from drift.source.checkout import Checkout
from drift.source.git import GitError, run_git

LISTED = 10  # commits
SUBJECT = 100  # characters
AUTHOR = 40
_MOST = 100_000  # that are counted


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; subject and author are whatever their author made them, cut where long."""

    id: str
    subject: str
    author: str


@dataclass(frozen=True, slots=True)
class Commits:
    """The newest commits, and how many there are in all."""

    listed: tuple[Commit, ...] = ()
    number: int = 0


def commits_between(checkout: Checkout, dockerfile: str, before: str, after: str) -> Commits:
    """The commits after one revision up to another that touch the context or the Dockerfile.

    ``dockerfile`` is relative to the context. There are none where git cannot tell: one of the
    revisions is not in the repository, or it went back.
    """
    if checkout.repository is None:
        return Commits()
    # No configuration of the user's decides what is printed, or runs a program.
    log = ("-c", "log.showSignature=false", "-c", "color.ui=false", "log", "--no-merges")
    form = ("--format=%an%n%s%n%h", "--abbrev=12", f"--max-count={LISTED}")
    meant = ("--end-of-options", f"{before}..{after}", "--", *_paths(checkout, dockerfile))
    try:
        listed = tuple(_parsed(run_git(checkout.repository, *log, *form, *meant)))
        if len(listed) < LISTED:
            return Commits(listed, len(listed))
        counted = ("rev-list", "--count", "--no-merges", f"--max-count={_MOST}")
        return Commits(listed, int(run_git(checkout.repository, *counted, *meant)))
    except (GitError, ValueError):
        return Commits()


def _paths(checkout: Checkout, dockerfile: str) -> Iterator[str]:
    """The context and the Dockerfile as git's paths; none where the context is the whole tree."""
    if not checkout.subdirectory:
        return
    for path in (checkout.subdirectory, posixpath.join(checkout.subdirectory, dockerfile)):
        whole = posixpath.normpath(path)
        if not whole.startswith(("../", "/")):
            yield f":(top,literal){whole}"


def _parsed(printed: str) -> Iterator[Commit]:
    """Three lines a commit: git lets none of them hold another one."""
    lines = iter(printed.split("\n"))
    for author, subject, commit in zip(lines, lines, lines, strict=False):
        yield Commit(commit, _cut(subject, SUBJECT), _cut(author, AUTHOR))


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}…"
