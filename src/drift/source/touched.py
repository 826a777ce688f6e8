"""What differs between a revision and the tree: which contexts a pull request touches."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from drift.source.checkout import commit_at
from drift.source.git import run_git


def changed_paths(directory: Path, revision: str) -> frozenset[Path]:
    """The tracked files, absolute, that differ between a revision and the tree.

    A file that moved is both its old and its new path.

    Raises:
        GitError: the directory is in no repository, or the repository has no such revision.
    """
    root = Path(run_git(directory, "rev-parse", "--show-toplevel"))
    commit = commit_at(root, revision)
    names = run_git(
        root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--"
    )
    return frozenset(root / name for name in names.split("\0") if name)


def touches(changed: Iterable[Path], context: Path, dockerfile: str) -> bool:
    """Whether any of the paths is in a context, or is its Dockerfile."""
    inside = context.resolve()
    file = Path(os.path.normpath(inside / dockerfile))
    return any(path == file or path.is_relative_to(inside) for path in changed)
