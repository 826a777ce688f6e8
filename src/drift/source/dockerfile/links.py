"""What stages take from each other and from images, and so which of them are built.

BuildKit builds the stages that the target needs. The classic builder builds every stage up to
the target, and takes a name that no *earlier* stage has for an image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drift.source.dockerfile.model import Dockerfile, DockerfileError
from drift.source.dockerfile.mounts import run_mounts
from drift.source.dockerfile.stages import Build, ResolvedStage, stage_named


@dataclass(frozen=True, slots=True)
class Use:
    """A reference that one instruction makes: to a stage (its index), or to an image."""

    kind: str
    name: str
    line: int
    stage: int | None


def reachable(
    dockerfile: Dockerfile, resolved: Sequence[ResolvedStage], build: Build
) -> list[ResolvedStage]:
    """The stages that are built for the target, in the order of the file."""
    target = dockerfile.stage(build.target).index
    if build.builder == "classic":
        return list(resolved[: target + 1])
    waiting, found = [target], {target}
    while waiting:
        current = resolved[waiting.pop()]
        needed = [use.stage for use in uses(dockerfile, current, build)] + [current.parent]
        new = {index for index in needed if index is not None} - found
        found |= new
        waiting.extend(new)
    return [resolved[index] for index in sorted(found)]


def uses(dockerfile: Dockerfile, built: ResolvedStage, build: Build) -> Iterator[Use]:
    for statement in built.statements:
        source = statement.flag("from") if statement.keyword == "COPY" else None
        if source:
            index = _source(dockerfile, built, source, statement.line, build)
            yield Use("copy", source, statement.line, index)
        for mount in run_mounts(statement):
            if mount.source:
                named = _named(dockerfile, built, mount.source, statement.line, build)
                yield Use("mount", mount.source, statement.line, named)


def _source(
    dockerfile: Dockerfile, built: ResolvedStage, source: str, line: int, build: Build
) -> int | None:
    """The stage that ``COPY --from`` means, by number or name; None for an image."""
    if re.fullmatch(r"[+-]?[0-9]+", source) is None:
        return _named(dockerfile, built, source, line, build)
    if len(source) > 5 or not 0 <= int(source) < built.stage.index:
        raise DockerfileError(
            f"COPY --from={source[:20]}: there is no earlier stage of this number", line=line
        )
    return int(source)


def _named(
    dockerfile: Dockerfile, built: ResolvedStage, name: str, line: int, build: Build
) -> int | None:
    if re.search(r"\$.", name):
        raise DockerfileError(
            f"from={name} is not substituted by any builder",
            line=line,
            hint="name it in a stage of its own: ARG before FROM, then `FROM $NAME AS alias`",
        )
    earlier = stage_named(dockerfile.stages[: built.stage.index], name)
    if earlier is None and build.builder == "buildkit":
        later = stage_named(dockerfile.stages, name)
        if later is not None:
            raise DockerfileError(f"the stage {name!r} is defined only further down", line=line)
    return earlier
