"""What the classic builder cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drift.source.dockerfile import arguments
from drift.source.dockerfile.model import Dockerfile, Stage, Statement
from drift.source.dockerfile.scope import PLATFORM_ARGS

_FLAGS = {
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("link", "parents", "exclude", "chmod"),
    "ADD": ("link", "checksum", "keep-git-dir", "exclude", "chmod", "unpack"),
}
_GIT = re.compile(r"git@|git://|ssh://|https?://[^\s]+\.git(?:[#?]|$)")


def needs_buildkit(dockerfile: Dockerfile) -> str | None:
    """Why only BuildKit can build the file, with the line; None where either builder can.

    A ``# syntax`` line alone is no reason: the classic builder passes over it.
    """
    return next(_reasons(dockerfile), None)


def _reasons(dockerfile: Dockerfile) -> Iterator[str]:
    declared = {
        name
        for statement in dockerfile.global_args
        for name, default in arguments.assignments(statement.value, dockerfile.escape)
        if default is not None
    }
    for stage in dockerfile.stages:
        yield from _of_from(stage, declared)
        for statement in stage.instructions:
            reasons = (*_of(statement.trigger or statement), *_of_arg(statement, dockerfile))
            yield from (f"{reason} (line {statement.line})" for reason in reasons)


def _of_from(stage: Stage, declared: set[str]) -> Iterator[str]:
    used = set(re.findall(r"\$\{?(\w+)", f"{stage.base} {stage.platform or ''}"))
    for name in sorted((used & PLATFORM_ARGS) - declared):
        yield f"{name} in FROM (line {stage.line})"


def _of_arg(statement: Statement, dockerfile: Dockerfile) -> Iterator[str]:
    if statement.keyword == "ARG":
        for name, default in arguments.assignments(statement.value, dockerfile.escape):
            if name in PLATFORM_ARGS and default is None:
                yield f"ARG {name}"


def _of(statement: Statement) -> Iterator[str]:
    if statement.heredocs:
        yield f"a here-document in {statement.keyword}"
    for name, _ in statement.flags:
        if name in _FLAGS.get(statement.keyword, ()):
            yield f"{statement.keyword} --{name}"
    if statement.keyword == "ADD":
        for source in arguments.words(statement.value)[:-1]:
            if _GIT.match(source):
                yield "ADD of a git repository"
