"""What an image is built from tonight: source, context, Dockerfile, references of bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from drift.builds import Failure, FailureKind, Reason
from drift.config.model import Config, Image
from drift.engine.engine import Engine
from drift.errors import EngineError, SourceError, with_hint
from drift.masking import Mask
from drift.nightly.places import cache_of, drift_own
from drift.oci import Digest, Platform
from drift.snapshot.model import Instruction
from drift.source.checkout import Checkout, open_source
from drift.source.context import Client, NoDockerfileError, SentContext, read_context
from drift.source.dockerfile import (
    BaseReference,
    Dockerfile,
    DockerfileError,
    Mount,
    bases,
    needs_buildkit,
    parse,
    required_mounts,
)
from drift.source.dockerfile.stages import Build as StageBuild
from drift.source.dockerfile.stages import chain, resolve
from drift.source.git import GitError, GitFailure
from drift.source.model import RepoSide

Root = tuple[str, str | None]  # a base's reference, and its platform where FROM says one

_ABSENT = (GitFailure.MISSING,)


class CannotBuild(Exception):  # noqa: N818 (a verdict on one image, not an error of the run)
    """An image cannot be built tonight; :attr:`failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image's repo side, read and ready to be built.

    ``builder`` is the one that is asked for, ``read_by`` the one that reads the Dockerfile:
    podman's buildah answers the classic builder's endpoint.
    """

    image: Image
    checkout: Checkout
    context: SentContext
    dockerfile: Dockerfile
    builder: str
    read_by: str
    platform: Platform
    native: Platform
    bases: tuple[BaseReference, ...]
    final_base: Root | None
    roots: Mapping[str, Root]  # what each stage stands on, by its name and by its number
    session: bool  # even an optional secret or ssh mount wants one
    ungiven: tuple[Mount, ...]  # optional ones that drift.toml does not give
    repo: RepoSide
    notes: tuple[str, ...]

    def reading(self, onbuild: Mapping[str, Sequence[str]]) -> StageBuild:
        """How its Dockerfile is read; ``onbuild`` are its bases' triggers, by reference."""
        image = self.image
        return StageBuild(
            image.args, image.target, self.platform, self.native, self.read_by, onbuild
        )


def opened(image: Image, config: Config) -> AbstractContextManager[Checkout]:
    """An image's source, as the configuration names it; see :func:`open_source`."""
    return open_source(
        image.context,
        image.context_path,
        image.revision,
        cache_of(config),
        dockerfile=image.dockerfile,
        leave_out=drift_own(config),
    )


def prepare(
    image: Image, checkout: Checkout, config: Config, engine: Engine, leave_out: Sequence[Path]
) -> Prepared:
    """Read all that the repository gives to a build.

    Raises:
        CannotBuild: the source, the Dockerfile or the configuration does not allow a build.
    """
    try:
        return _prepare(image, checkout, config, engine, leave_out)
    except SourceError as error:
        raise CannotBuild(failure_of(error)) from error
    except EngineError as error:
        raise CannotBuild(Failure(FailureKind.INPUT, error.message)) from error


def _prepare(
    image: Image, checkout: Checkout, config: Config, engine: Engine, leave_out: Sequence[Path]
) -> Prepared:
    hostile = checkout.path if image.context_path is None else None
    context = read_context(
        checkout.path, image.dockerfile, leave_out=leave_out, client=Client.BUILDKIT, within=hostile
    )
    builder = _builder(parse(context.dockerfile_content), config, engine)
    if builder == "classic":
        context = read_context(
            checkout.path,
            image.dockerfile,
            leave_out=leave_out,
            client=Client.CLASSIC,
            within=hostile,
        )
    return of_context(image, checkout, context, config, engine)


def _builder(dockerfile: Dockerfile, config: Config, engine: Engine) -> str:
    return engine.choose_builder(config.engine.builder, needs_buildkit(dockerfile))


def of_context(
    image: Image, checkout: Checkout, context: SentContext, config: Config, engine: Engine
) -> Prepared:
    """An image's repo side around a context that has been read.

    Raises:
        CannotBuild: the configuration does not allow a build.
        SourceError: the Dockerfile cannot be read.
    """
    dockerfile = parse(context.dockerfile_content)
    builder = _builder(dockerfile, config, engine)
    identity = engine.identity(builder)
    native = Platform.parse(identity.platform)
    platform = image.platform or native
    references = bases(
        dockerfile, image.args, image.target, platform, builder=identity.builder, native=native
    )
    mounts = required_mounts(dockerfile, image.target, image.args, platform)
    ungiven = _ungiven(image, mounts)
    mask = Mask(config.masked)
    build = StageBuild(image.args, image.target, platform, native, identity.builder)
    roots = _roots(dockerfile, build)
    return Prepared(
        image=image,
        checkout=checkout,
        context=context,
        dockerfile=dockerfile,
        builder=builder,
        read_by=identity.builder,
        platform=platform,
        native=native,
        bases=references,
        final_base=roots.get(str(dockerfile.stage(image.target).index)),
        roots=roots,
        session=bool(mounts),
        ungiven=ungiven,
        repo=RepoSide(
            context=context.digest,
            dockerfile=Digest.of(context.dockerfile_content),
            args=kept_args(image, mask),
            target=mask.text(image.target) if image.target else None,
            platform=str(image.platform) if image.platform else None,
            network=kept(image.network, mask) if image.network != "default" else None,
            extra_hosts=tuple(kept(host, mask) for host in image.extra_hosts),
            shm_size=image.shm_size,
            secrets=_given("secret", mounts, ungiven),
            ssh=_given("ssh", mounts, ungiven),
            git_commit=context.git_commit,
            revision=checkout.revision,
            dirty=checkout.dirty,
        ),
        notes=tuple(mask.text(note) for note in (*checkout.notes, *context.notes)),
    )


def with_triggers(prepared: Prepared, onbuild: Mapping[str, Sequence[str]]) -> Prepared:
    """The same, with the images that its bases' ONBUILD triggers name among its bases.

    Raises:
        CannotBuild: a trigger cannot be read.
    """
    try:
        references = bases(
            prepared.dockerfile,
            prepared.image.args,
            prepared.image.target,
            prepared.platform,
            builder=prepared.read_by,
            native=prepared.native,
            onbuild=onbuild,
        )
    except SourceError as error:
        raise CannotBuild(failure_of(error)) from error
    return replace(prepared, bases=references)


def kept_args(image: Image, mask: Mask) -> Mapping[str, str]:
    """The arguments of the fingerprint; one that came from a variable by its digest alone."""
    return {
        name: kept(value, mask)
        for name, value in image.args.items()
        if name not in image.volatile_args
    }


def kept(value: str, mask: Mask) -> str:
    """A value of drift.toml as inputs hold it: one that came from a variable by its digest."""
    return value if mask.text(value) == value else Digest.of(value.encode())


def volatile_args(image: Image) -> Mapping[str, Digest]:
    """The arguments that are left out of the fingerprint, by the digests of their values."""
    return {
        name: Digest.of(image.args[name].encode())
        for name in image.volatile_args
        if name in image.args
    }


def _roots(dockerfile: Dockerfile, build: StageBuild) -> dict[str, Root]:
    """The external image that each stage stands on; none for ``scratch``."""
    roots: dict[str, Root] = {}
    resolved = resolve(dockerfile, build)
    for built in resolved:
        lowest = chain(resolved, built.stage.index)[0]
        if lowest.base != "scratch":
            for name in (built.stage.label, str(built.stage.index)):
                roots[name] = (lowest.base, lowest.platform)
    return roots


def _ungiven(image: Image, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """The mounts that drift.toml does not give. Raises CannotBuild for one that must be there."""
    given = {("secret", secret.id) for secret in image.secrets}
    given |= {("ssh", name) for name in image.ssh}
    ungiven = tuple(mount for mount in mounts if (mount.kind, mount.id) not in given)
    for mount in ungiven:
        if mount.required:
            key = "secrets" if mount.kind == "secret" else "ssh"
            raise CannotBuild(
                Failure(
                    FailureKind.INPUT,
                    f"line {mount.line} mounts the {mount.kind} {mount.id!r}, which drift.toml "
                    f"does not give: add it to {key} of image {image.name!r}",
                )
            )
    return ungiven


def _given(kind: str, mounts: Sequence[Mount], ungiven: Sequence[Mount]) -> tuple[str, ...]:
    """The ids of the mounts of a kind that the build gets."""
    return tuple(sorted(m.id for m in mounts if m.kind == kind and m not in ungiven))


def failure_of(error: SourceError) -> Failure:
    """Why the source kept an image from being built: the world's network, or the repository."""
    message = with_hint(error)
    if isinstance(error, DockerfileError):
        instruction = Instruction(stage="", line=error.line, text="")
        return Failure(FailureKind.STEP, message, instruction)
    if isinstance(error, NoDockerfileError):
        return Failure(FailureKind.STEP, message)
    if isinstance(error, GitError):
        absent = error.failure in _ABSENT
        if absent:
            return Failure(FailureKind.SOURCE, message, reason=Reason.GIT_GONE)
        return Failure(FailureKind.NETWORK, message)
    return Failure(FailureKind.INPUT, message)
