"""The inputs of a build: what it was made from (the contract's "inputs" and "repo side")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from drift.oci import DiffId, Digest

# The fields that bear the names of drift.toml's keys.
_CONFIGURED = (
    "args", "target", "platform", "network", "extra_hosts", "shm_size", "secrets", "ssh",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepoSide:
    """What the repository chose. Its :attr:`fingerprint` is equal when all of it is equal.

    ``context`` and ``dockerfile`` are digests; ``revision`` is the commit, None outside git;
    ``dirty`` says that the tree held uncommitted changes. Neither is in the fingerprint: the
    context digest says it better, except for a context's ``.git``, which counts as ``commit``.
    ``args`` leaves volatile arguments out, and values are those given, secrets never.
    ``network``, ``extra_hosts`` and ``shm_size`` (bytes) are those of drift.toml; what is left
    to the engine is None, or empty. ``secrets`` and ``ssh`` are the ids of those that the build
    mounts and drift.toml gives.
    """

    context: Digest
    dockerfile: Digest
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: str | None = None
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    shm_size: int | None = None
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    git_commit: str | None = None  # only where the context holds ``.git``
    revision: str | None = None
    dirty: bool = False

    @property
    def fingerprint(self) -> Digest:
        """One digest over everything of the repo side that can change an image."""
        parts = [
            ("context", self.context),
            ("dockerfile", self.dockerfile),
            ("target", self.target),
            ("platform", self.platform),
            ("git", self.git_commit),
            *(("arg", f"{name}={value}") for name, value in sorted(self.args.items())),
            ("network", self.network),
            *(("host", line) for line in self.extra_hosts),
            ("shm", None if self.shm_size is None else str(self.shm_size)),
            *(("secret", name) for name in self.secrets),
            *(("ssh", name) for name in self.ssh),
        ]
        # Length-prefixed, so that no two different lists run together.
        lines = (
            f"{key}:{len(value.encode())}:{value}" for key, value in parts if value is not None
        )
        return Digest.of("\n".join(lines).encode())

    def configured_anew(self, other: RepoSide) -> tuple[str, ...]:
        """What drift.toml says of the image on one side and not on the other, by its keys."""
        return tuple(key for key in _CONFIGURED if getattr(self, key) != getattr(other, key))


@dataclass(frozen=True, slots=True)
class Base:
    """A base image as it was used: of a stage, of ``COPY --from``, or a frontend.

    ``reference`` is what the Dockerfile says after substitution. ``digest`` is the
    registry's, None where no registry gave it (``local``); ``image_id`` is the engine's.
    ``roles`` says what it served as: ``stage:NAME``, ``copy:NAME``, ``mount:NAME``,
    ``frontend``, and ``final`` for the one that the built image stands on.
    """

    reference: str
    image_id: Digest
    digest: Digest | None = None
    diff_ids: tuple[DiffId, ...] = ()
    history_length: int = 0
    local: bool = False
    roles: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What says whether the base moved: the registry's digest, else the image ID."""
        return self.digest or self.image_id

    @property
    def final(self) -> bool:
        """Whether the built image stands on it."""
        return "final" in self.roles


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """The toolchain and host that a build ran on."""

    name: str
    version: str
    api_version: str
    builder: str
    platform: str
    kernel: str = ""
    cpus: int = 0
    storage_driver: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a build was made from.

    ``volatile`` are the digests of the volatile arguments' values, by name: they are in no
    fingerprint, but that one changed is worth saying.
    """

    repo: RepoSide
    bases: tuple[Base, ...]
    engine: EngineIdentity
    volatile: Mapping[str, Digest] = field(default_factory=dict)


class RemoteKind(StrEnum):
    """How an instruction fetches something by a literal address.

    The last three are indexes, by the purl type of what they list: they say what could be
    had, and are no content that reaches an image.
    """

    ADD = "add"  # ADD of a URL
    FETCH = "fetch"  # curl or wget in a RUN
    GIT = "git"  # git clone in a RUN, or ADD of a git repository
    DEB = "deb"  # the InRelease of a suite that apt installs from
    PYPI = "pypi"  # a project's page in the index that pip asks
    NPM = "npm"  # a package's document in the registry that npm asks

    @property
    def is_index(self) -> bool:
        """Whether it is a list of what could be had."""
        return self in _INDEXES


_INDEXES = (RemoteKind.DEB, RemoteKind.PYPI, RemoteKind.NPM)


@dataclass(frozen=True, slots=True)
class Remote:
    """Something outside that an instruction names literally, after ARG and ENV substitution.

    ``url`` holds no credentials. ``ref`` is git's branch, tag or commit (None: HEAD); of an
    index, the package's name in its purl, or an archive and its suite as apt names them.
    ``stage`` and ``line`` are those of the instruction, as :class:`Instruction` has them;
    ``target`` is the path that the instruction writes it to, where it says so.
    """

    kind: RemoteKind
    url: str
    stage: str
    line: int
    ref: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a remote served when drift asked for it, by an unconditional request.

    ``identity`` tells two answers apart: the content's sha256 digest, or the commit that a
    git ref named; None where there was no answer, and ``problem`` says why. ``gone`` is true
    where the other side said that it is not there (404, 410, no such ref). ``members`` are the
    digests of the files in a tar or zip, by their names in it. ``listed`` is what could be read
    of an index: a digest for each file (pip) or version (npm), or apt's ``Date``.
    """

    remote: Remote
    at: datetime
    identity: str | None = None
    size: int | None = None
    members: Mapping[str, Digest] = field(default_factory=dict)
    problem: str | None = None
    gone: bool = False
    listed: Mapping[str, str] = field(default_factory=dict)
