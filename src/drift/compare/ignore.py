"""Ignore rules: gitignore-style patterns over paths of the merged tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pathspec import GitIgnoreSpec


def ignore_rules(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test whether the patterns leave a path out; the last pattern that matches decides.

    A directory pattern (``/cache/``) matches the directory as well as what lies below it; a
    file of that name too, as a path's type is not asked for.
    """
    if not patterns:
        return lambda _path: False
    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path: spec.match_file(path[1:]) or spec.match_file(f"{path[1:]}/")
