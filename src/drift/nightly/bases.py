"""The bases of the whole fleet: resolved and pulled once a run, the same for every build."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from drift.builds import Build, Failure, FailureKind, Reason
from drift.engine.engine import Engine
from drift.engine.model import PulledImage
from drift.engine.pull import PullError, PullFailure
from drift.errors import EngineError, with_hint
from drift.masking import Mask
from drift.nightly.prepare import CannotBuild, Prepared
from drift.nightly.watch import Watcher
from drift.oci import Platform
from drift.source.dockerfile import BaseReference
from drift.source.dockerfile.remotes import BaseSettings
from drift.source.model import Base

_KINDS = {
    PullFailure.NOT_FOUND: FailureKind.SOURCE,
    PullFailure.PLATFORM: FailureKind.INPUT,
    PullFailure.ABSENT: FailureKind.INPUT,
    PullFailure.RESOURCES: FailureKind.RESOURCES,
    PullFailure.ENGINE: FailureKind.ENGINE,
}
_REASONS = {
    PullFailure.NOT_FOUND: Reason.BASE_GONE,
    PullFailure.DENIED: Reason.AUTHENTICATION,
    PullFailure.AUTHENTICATION: Reason.AUTHENTICATION,
    PullFailure.RATE_LIMIT: Reason.RATE_LIMIT,
    PullFailure.RESOURCES: Reason.DISK,
}
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_POLICIES = ("never", "missing", "always")  # the strictest that any image asks for wins


@dataclass(slots=True)
class Bases:
    """What each reference stands for in this run."""

    engine: Engine
    seen_in_registry: Callable[[str], bool]
    mask: Mask = field(default_factory=Mask)
    _pulled: dict[tuple[str, str], PulledImage | Failure] = field(default_factory=dict)
    _digests: dict[str, str | None] = field(default_factory=dict)

    def pull(self, fleet: Iterable[Prepared], watcher: Watcher) -> None:
        """Have every base of a fleet that this run does not have yet, each once.

        The watcher hears of those that a registry is asked for.
        """
        wanted: dict[tuple[str, str], str] = {}
        for prepared in fleet:
            for base in prepared.bases:
                key = _key(base, prepared)
                policy = max(wanted.get(key, "never"), prepared.image.pull, key=_POLICIES.index)
                wanted[key] = policy
        for (reference, platform), policy in wanted.items():
            if (reference, platform) in self._pulled:
                continue
            self._pulled[reference, platform] = self._pull(reference, platform, policy, watcher)

    def _pull(
        self, reference: str, platform: str, policy: str, watcher: Watcher
    ) -> PulledImage | Failure:
        try:
            wanted = Platform.parse(platform)
        except ValueError as error:
            return Failure(FailureKind.STEP, f"FROM --platform of {reference}: {error}")
        try:
            if self._asks_registry(reference, wanted, policy):
                watcher.says(f"pulling {self.mask.text(reference)}")
            return self._pulled_or_local(reference, wanted, policy)
        except PullError as error:
            kind = _KINDS.get(error.kind, FailureKind.NETWORK)
            reason = _REASONS.get(error.kind)
            return Failure(kind, with_hint(error), reason=reason, subject=reference)
        except EngineError as error:
            return Failure(FailureKind.ENGINE, with_hint(error))

    def _asks_registry(self, reference: str, platform: Platform, policy: str) -> bool:
        if policy == "missing":
            return self.engine.local_image(reference, platform) is None
        return policy == "always"

    def _pulled_or_local(self, reference: str, platform: Platform, policy: str) -> PulledImage:
        try:
            return self.engine.pull(reference, platform, policy)
        except PullError as error:
            if error.kind in (PullFailure.NOT_FOUND, PullFailure.DENIED):
                local = self.engine.local_image(reference)
                if local is not None and not self.seen_in_registry(reference):
                    return replace(local, digest=None)  # podman makes one up for what it built
            raise

    def of(self, prepared: Prepared) -> tuple[Base, ...]:
        """The bases of one image.

        Raises:
            CannotBuild: one of them could not be had.
        """
        return tuple(self._base(reference, prepared) for reference in prepared.bases)

    def onbuild(self, prepared: Prepared) -> dict[str, tuple[str, ...]]:
        """The triggers that an image's bases bring, by reference."""
        found = {base.reference: self._pulled[_key(base, prepared)] for base in prepared.bases}
        return {
            reference: pulled.onbuild
            for reference, pulled in found.items()
            if isinstance(pulled, PulledImage)
        }

    def settings(self, prepared: Prepared) -> dict[str, BaseSettings]:
        """What an image's bases set for the stages that stand on them, by reference."""
        found = {base.reference: self._pulled.get(_key(base, prepared)) for base in prepared.bases}
        return {
            reference: BaseSettings(pulled.environment, pulled.directory)
            for reference, pulled in found.items()
            if isinstance(pulled, PulledImage)
        }

    def left(self, prepared: Prepared, before: Iterable[Base]) -> dict[str, str]:
        """What registries have tonight under references that the Dockerfile names no more.

        ``before`` are the bases of an earlier night. One that no registry gave, or that cannot
        be asked for now, is left out.
        """
        named = {base.reference for base in prepared.bases}
        gone = {base.reference for base in before if base.digest and base.reference not in named}
        found = {reference: self._digest_now(reference) for reference in sorted(gone)}
        return {reference: digest for reference, digest in found.items() if digest}

    def _digest_now(self, reference: str) -> str | None:
        if reference not in self._digests:
            self._digests[reference] = self.engine.digest_in_registry(reference)
        return self._digests[reference]

    def _base(self, reference: BaseReference, prepared: Prepared) -> Base:
        pulled = self._pulled[_key(reference, prepared)]
        if isinstance(pulled, Failure):
            raise CannotBuild(pulled)
        root = (reference.reference, reference.platform)
        stages = (
            f"stage:{name}" for name, stands_on in prepared.roots.items() if stands_on == root
        )
        final = ("final",) if root == prepared.final_base else ()
        return Base(
            reference=reference.reference,
            image_id=pulled.image_id,
            digest=pulled.digest,
            diff_ids=pulled.diff_ids,
            history_length=pulled.history_length,
            local=pulled.digest is None,
            roles=tuple(dict.fromkeys((*reference.roles, *stages, *final))),
        )


def local_bases(build: Build) -> tuple[str, ...]:
    """A sentence for each base of a build that came from no registry."""
    return tuple(
        f"{base.reference} came from no registry: the engine's own image was used as it is"
        for base in (build.inputs.bases if build.inputs else ())
        if base.local
    )


def _key(base: BaseReference, prepared: Prepared) -> tuple[str, str]:
    return base.reference, _platform(base.platform, prepared.platform)


def _platform(text: str | None, default: Platform) -> str:
    """A platform as ``FROM --platform`` may write it: the architecture alone, or the system."""
    if text in (None, default.os):
        return str(default)
    name = _ARCHITECTURES.get(str(text), text)
    return str(name) if "/" in str(name) else f"{default.os}/{name}"
