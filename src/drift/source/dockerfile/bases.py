"""Which images from outside a build can need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from drift.oci import Platform, Reference
from drift.source.dockerfile.links import reachable, uses
from drift.source.dockerfile.model import BaseReference, Dockerfile, DockerfileError
from drift.source.dockerfile.stages import Build, ResolvedStage, resolve

SCRATCH = "scratch"


def bases(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target: str | None,
    platform: Platform,
    *,
    builder: str = "buildkit",
    native: Platform | None = None,
    onbuild: Mapping[str, Sequence[str]] | None = None,
) -> tuple[BaseReference, ...]:
    """Each external image that a build of ``target`` can need, in order of first use.

    Bases of stages, ``COPY --from=IMAGE``, ``RUN --mount=from=IMAGE``, and for BuildKit the
    frontend (``# syntax``, or the build argument BUILDKIT_SYNTAX). ``native`` is the
    engine's own platform (None: the target's). ``onbuild`` gives the triggers of bases that
    were pulled already: they may name images too.

    Raises:
        DockerfileError: no such target, a blank or impossible reference; with the line.
    """
    build = Build(args, target, platform, native, builder, onbuild or {})
    resolved = resolve(dockerfile, build)
    found: dict[tuple[str, str | None], BaseReference] = {}
    for base in (*_frontend(dockerfile, build), *_images(dockerfile, resolved, build)):
        key = (base.reference, base.platform)
        seen = found.setdefault(key, base)
        roles = tuple(dict.fromkeys(seen.roles + base.roles))
        line = min(seen.line, base.line)
        found[key] = BaseReference(base.reference, roles, line, base.platform)
    return tuple(found.values())


def _frontend(dockerfile: Dockerfile, build: Build) -> Iterator[BaseReference]:
    reference = build.args.get("BUILDKIT_SYNTAX") or dockerfile.syntax
    if reference and build.builder == "buildkit":
        line = dockerfile.syntax_line
        yield BaseReference(_checked(reference.split(" ")[0], line), ("frontend",), line)


def _images(
    dockerfile: Dockerfile, resolved: Sequence[ResolvedStage], build: Build
) -> Iterator[BaseReference]:
    for built in reachable(dockerfile, resolved, build):
        label = built.stage.label
        if built.parent is None and built.base != SCRATCH:
            reference = _checked(built.base, built.stage.line)
            yield BaseReference(reference, (f"stage:{label}",), built.stage.line, built.platform)
        for use in uses(dockerfile, built, build):
            if use.stage is None and use.name != SCRATCH:
                reference = _checked(use.name, use.line)
                yield BaseReference(reference, (f"{use.kind}:{label}",), use.line)


def _checked(reference: str, line: int) -> str:
    try:
        Reference.parse(reference)
    except ValueError as error:
        raise DockerfileError(str(error), line=line) from error
    return reference
