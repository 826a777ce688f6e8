"""A name for a stage that has none: no builder builds a stage by its number.

The name stands in a Dockerfile of its own, sent beside the real one, so that the builder's
cache knows all steps of the stage again. That holds as long as none of them copies the root
of the context, where that second Dockerfile lies.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace

from drift.source.dockerfile import arguments, heredocs
from drift.source.dockerfile.addresses import web_address
from drift.source.dockerfile.links import reachable
from drift.source.dockerfile.model import Dockerfile, DockerfileError, Stage, Statement
from drift.source.dockerfile.mounts import run_mounts
from drift.source.dockerfile.parse import parse
from drift.source.dockerfile.stages import Build, resolve
from drift.source.gopattern import Pattern


def with_name(content: bytes, parsed: Dockerfile, stage: Stage, name: str) -> bytes | None:
    """The Dockerfile in which a nameless stage has a name; None where it can't be given one.

    ``parsed`` is what it holds now. Everything else of the file is as it was.
    """
    start = next(s for s in parsed.instructions if s.line == stage.line)
    lines = content.split(b"\n")
    last = lines[start.end_line - 1].rstrip()
    lines[start.end_line - 1] = last + b" AS " + name.encode()
    named = b"\n".join(lines)
    try:
        after = parse(named)
    except DockerfileError:
        return None
    stages = list(parsed.stages)
    found = after.stages[stage.index]
    stages[stage.index] = replace(stages[stage.index], name=name, text=found.text)
    return named if after.stages == tuple(stages) and found.name == name else None


def copies(dockerfile: Dockerfile, build: Build, name: str) -> bool:
    """Whether a stage that the build's target needs may copy a file of that name, which lies at
    the context's root.

    Raises:
        DockerfileError: a base cannot be resolved, a copy names what is not there.
    """
    needed = reachable(dockerfile, resolve(dockerfile, build), build)
    return any(_copies(statement, name) for built in needed for statement in built.statements)


def _copies(statement: Statement, name: str) -> bool:
    if statement.keyword in ("COPY", "ADD") and not statement.flag("from"):
        return any(_means(source, name) for source in arguments.words(statement.value)[:-1])
    mounts = run_mounts(statement)
    return any(mount.type == "bind" and not mount.source for mount in mounts)


def _means(source: str, name: str) -> bool:
    """Whether a source may be the root, or that file in it."""
    if heredocs.opening(source) is not None or web_address(source) is not None:
        return False
    first, _, rest = posixpath.normpath(source).lstrip("/").partition("/")
    if first in ("", ".", "..") or "$" in first:
        return True
    try:
        return not rest and Pattern(first).matches(name)
    except ValueError:
        return True
