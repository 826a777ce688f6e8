"""Which secret and SSH mounts the build of a target can ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from drift.oci import Platform
from drift.source.dockerfile.links import reachable
from drift.source.dockerfile.model import Dockerfile, Mount
from drift.source.dockerfile.mounts import is_required, run_mounts
from drift.source.dockerfile.scope import StageScope, global_scope, platform_args
from drift.source.dockerfile.stages import LINUX, Build, ResolvedStage, chain, resolve


def required_mounts(
    dockerfile: Dockerfile,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    platform: Platform = LINUX,
) -> tuple[Mount, ...]:
    """All secret and ssh mounts of the stages that a BuildKit build of ``target`` builds.

    One for each (kind, id), at its first line; ``required`` where any use of it says so.
    BuildKit leaves a mount that is not required out in silence where it is not given: the
    build goes on without it. So it is those with ``required`` that a configuration must give.

    Raises:
        DockerfileError: a mount, a base or the target cannot be read; with the line.
    """
    build = Build(args or {}, target, platform)
    resolved = resolve(dockerfile, build)
    found: dict[tuple[str, str], Mount] = {}
    for built in reachable(dockerfile, resolved, build):
        for mount in _mounts(dockerfile, resolved, built, build):
            seen = found.setdefault((mount.kind, mount.id), mount)
            if mount.required and not seen.required:
                found[mount.kind, mount.id] = Mount(mount.kind, mount.id, True, mount.line)
    return tuple(found.values())


def _mounts(
    dockerfile: Dockerfile,
    resolved: tuple[ResolvedStage, ...],
    built: ResolvedStage,
    build: Build,
) -> Iterator[Mount]:
    if not any(run_mounts(statement) for statement in built.statements):
        return
    automatic = platform_args(build.platform, build.native or build.platform)
    scope = StageScope(
        dockerfile.escape, build.args, global_scope(dockerfile, build.args, automatic)
    )
    for above in chain(resolved, built.stage.index)[:-1]:
        scope.read(above.statements)
    for statement in built.statements:
        scope.read([statement])
        for mount in run_mounts(statement, partial(scope.expand, line=statement.line)):
            if mount.type in ("secret", "ssh"):
                required = is_required(mount, statement.line)
                yield Mount(mount.type, mount.secret_id, required, statement.line)
