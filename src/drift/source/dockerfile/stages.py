"""Stages with their bases resolved: what stands on what.

Only BuildKit knows automatic platform ARGs. Specification: the Dockerfile reference, "FROM",
and moby/buildkit ``frontend/dockerfile/dockerfile2llb``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drift.oci import Platform
from drift.source.dockerfile import scope
from drift.source.dockerfile.model import (
    Dockerfile,
    DockerfileError,
    Stage,
    Statement,
)
from drift.source.dockerfile.parse import parse_trigger

LINUX = Platform("linux", "amd64")


@dataclass(frozen=True, slots=True)
class Build:
    """What, beside the file, decides how it is read.

    ``platform`` is the target's and ``native`` the engine's own (None: the same).
    ``builder`` is ``buildkit``, ``classic`` or podman's ``buildah``. ``onbuild`` holds the
    triggers of external bases, by the reference that the Dockerfile has for them.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: Platform = LINUX
    native: Platform | None = None
    builder: str = "buildkit"
    onbuild: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedStage:
    """A stage after substitution.

    ``base`` is the reference or stage name, ``parent`` the stage that it names (else None);
    ``statements`` are the ONBUILD triggers that fire here, then the stage's own instructions.
    """

    stage: Stage
    base: str
    platform: str | None
    parent: int | None
    statements: tuple[Statement, ...]


def resolve(dockerfile: Dockerfile, build: Build) -> tuple[ResolvedStage, ...]:
    """All stages (classic: up to the target) after substitution."""
    automatic = (
        scope.platform_args(build.platform, build.native or build.platform)
        if build.builder != "classic"
        else {}
    )
    variables = scope.global_scope(dockerfile, build.args, automatic)
    end = dockerfile.stage(build.target).index + 1
    resolved: list[ResolvedStage] = []
    for stage in dockerfile.stages[: end if build.builder == "classic" else None]:
        base = scope.expand(stage.base, variables, dockerfile.escape, stage.line)
        if not base:
            raise DockerfileError(
                f"the base {stage.base} is empty after substitution",
                line=stage.line,
                hint="give the build argument in args, or a default: ARG NAME=value before FROM",
            )
        parent = stage_named(dockerfile.stages[: stage.index], base)
        resolved.append(
            ResolvedStage(
                stage=stage,
                base=base,
                platform=_platform(dockerfile, stage, variables, build),
                parent=parent,
                statements=_triggers(stage, base, parent, dockerfile, build) + stage.instructions,
            )
        )
    return tuple(resolved)


def chain(resolved: Sequence[ResolvedStage], index: int) -> list[ResolvedStage]:
    """The stages that one stands on, the lowest first, itself last."""
    links = [resolved[index]]
    while (parent := links[-1].parent) is not None:
        links.append(resolved[parent])
    return links[::-1]


def _platform(
    dockerfile: Dockerfile, stage: Stage, variables: Mapping[str, str], build: Build
) -> str | None:
    if stage.platform is None:
        return None
    platform = scope.expand(stage.platform, variables, dockerfile.escape, stage.line)
    if not platform:
        raise DockerfileError(
            f"the platform {stage.platform} is empty after substitution",
            line=stage.line,
            hint="give it in args; the classic builder sets no BUILDPLATFORM or TARGETPLATFORM",
        )
    return None if platform == str(build.platform) else platform


def _triggers(
    stage: Stage, base: str, parent: int | None, dockerfile: Dockerfile, build: Build
) -> tuple[Statement, ...]:
    if parent is None:
        return tuple(parse_trigger(text, stage.line) for text in build.onbuild.get(base, ()))
    above = dockerfile.stages[parent].instructions
    return tuple(statement.trigger for statement in above if statement.trigger)


def stage_named(stages: Sequence[Stage], name: str) -> int | None:
    return next((s.index for s in reversed(stages) if s.name == name.lower()), None)
