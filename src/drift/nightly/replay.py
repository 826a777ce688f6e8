"""Last night's repo side again: from the context that was kept, else from git.

A replay says something only where its fingerprint is the baseline's; everything else is no
replay, with the reason. Where the baseline's builder was another one it is built by that, as
long as the engine has it: the rest of a toolchain cannot be had back.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO

from drift.builds import Build
from drift.config.model import Config, Image
from drift.engine.engine import Engine
from drift.errors import SourceError, StoreError, with_hint
from drift.masking import Mask
from drift.nightly.places import drift_own
from drift.nightly.prepare import CannotBuild, Prepared, kept, of_context, prepare
from drift.oci import Platform
from drift.source.checkout import Checkout, checkout_revision, deepen
from drift.source.context import kept_context
from drift.source.model import Inputs, RepoSide
from drift.store.store import Store

_KEPT_BY_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NoReplay(Exception):  # noqa: N818 (a fact about a night, not an error of the run)
    """The baseline's repo side cannot be built again; the message says why."""


@dataclass(frozen=True, slots=True)
class Replays:
    """Prepares replays; ``sources`` keeps what is checked out for them until it is left."""

    config: Config
    engine: Engine
    store: Store
    sources: ExitStack

    def of(self, prepared: Prepared, baseline: Build) -> Prepared:
        """The baseline's repo side, ready to be built.

        Raises:
            NoReplay: neither the store nor git gives its fingerprint.
        """
        if baseline.inputs is None:
            raise NoReplay("the baseline's inputs are not known")
        try:
            return self._of(prepared, baseline.inputs, baseline.inputs.engine.builder)
        except NoReplay:
            if baseline.inputs.repo.fingerprint == prepared.repo.fingerprint:
                raise
            return self._of(prepared, baseline.inputs, prepared.read_by)

    def _of(self, prepared: Prepared, inputs: Inputs, builder: str) -> Prepared:
        """The repo side of some inputs, to be built by a builder, which may not be tonight's."""
        then = inputs.repo
        image = _image(prepared.image, then, Mask(self.config.masked))
        config = self.config
        if builder != prepared.read_by:
            if builder not in ("classic", "buildkit") or prepared.read_by == "buildah":
                raise NoReplay(f"this engine does not have last night's builder, {builder}")
            config = replace(config, engine=replace(config.engine, builder=builder))
        reasons = []
        for what, source in (("its kept context", self._from_store), ("git", self._from_git)):
            try:
                found = source(image, prepared.checkout, then, config)
            except NoReplay as error:
                reasons.append(str(error))
            except CannotBuild as error:
                reasons.append(error.failure.message)
            except (SourceError, StoreError) as error:
                reasons.append(with_hint(error))
            else:
                if found.repo.fingerprint == then.fingerprint:
                    return found
                reasons.append(f"{what} gives another fingerprint")
        raise NoReplay("; ".join(dict.fromkeys(reasons)))

    def _from_store(
        self, image: Image, checkout: Checkout, then: RepoSide, config: Config
    ) -> Prepared:
        if not self.store.touch_context(then.context):
            raise NoReplay("its context is not kept")

        def reopen() -> IO[bytes]:
            stream = self.store.open_context(then.context)
            if stream is None:
                raise SourceError("the context is not kept any more")
            return stream

        digests = (then.context, then.dockerfile)
        context = kept_context(reopen, *digests, image.dockerfile, then.git_commit)
        return of_context(image, _at(checkout, then), context, config, self.engine)

    def _from_git(
        self, image: Image, checkout: Checkout, then: RepoSide, config: Config
    ) -> Prepared:
        if checkout.repository is None or then.revision is None:
            raise NoReplay("it was in no git repository")
        if then.dirty:
            raise NoReplay("its tree held uncommitted changes, which git does not have")
        deepen(checkout.repository, then.revision)
        tree = self.sources.enter_context(checkout_revision(checkout.repository, then.revision))
        path = tree / checkout.subdirectory
        if not path.is_dir():
            raise NoReplay(f"its revision has no directory {checkout.subdirectory!r}")
        there = replace(_at(checkout, then), path=path, shallow=False)
        return prepare(image, there, config, self.engine, drift_own(config))


def _image(image: Image, then: RepoSide, mask: Mask) -> Image:
    """The image as the configuration had it on that night."""
    tonight = {kept(value, mask): value for value in _values(image)}

    def had(what: str, value: str) -> str:
        if value not in tonight and _KEPT_BY_DIGEST.fullmatch(value):
            raise NoReplay(f"{what} came from a variable, and its value is not kept")
        return tonight.get(value, value)

    absent = {*then.secrets} - {secret.id for secret in image.secrets} | {*then.ssh} - {*image.ssh}
    if absent:
        raise NoReplay(f"drift.toml does not give {', '.join(sorted(absent))} any more")

    args = {name: image.args[name] for name in image.volatile_args if name in image.args}
    args |= {name: had(f"the argument {name}", value) for name, value in then.args.items()}
    return replace(
        image,
        args=args,
        target=then.target,
        platform=Platform.parse(then.platform) if then.platform else None,
        network=had("the network", then.network) if then.network else "default",
        extra_hosts=tuple(had("a line of extra_hosts", line) for line in then.extra_hosts),
        shm_size=then.shm_size,
        secrets=tuple(secret for secret in image.secrets if secret.id in then.secrets),
        ssh=then.ssh,
    )


def _values(image: Image) -> tuple[str, ...]:
    return (*image.args.values(), image.network, *image.extra_hosts)


def _at(checkout: Checkout, then: RepoSide) -> Checkout:
    return replace(checkout, revision=then.revision, dirty=then.dirty, notes=())
