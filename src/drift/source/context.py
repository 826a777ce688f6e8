"""The build context: what docker would send, as a canonical tar with a digest.

Modes are those on disk, group and other bits included: docker sends them and COPY keeps
them, so a changed mode is a changed image. Git keeps only the executable bit; the rest is
the umask's, the same every night on one machine. (Trees that drift checks out itself take
the umask that the repository's own tree was made with.) Owners, times and extended
attributes are not part of a context. Sockets cannot be sent; docker leaves them out too.

An engine that gets a context as a tar finds the Dockerfile in it. The classic builder
removes an ignored one again; BuildKit, which docker's own client would send it apart, sees
it, so there ``COPY . .`` copies an ignored Dockerfile as well.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from drift.errors import SourceError
from drift.oci import Digest
from drift.source.dockerignore import Client, IgnoreRules, Matched
from drift.source.git import commit_of
from drift.source.tar import (
    ChunkReader,
    Member,
    changed,
    digest_of_members,
    digest_of_tar,
    open_file,
    sort_key,
    write_tar,
)

__all__ = [
    "Client",
    "Context",
    "KeptContext",
    "NoDockerfileError",
    "SentContext",
    "digest_of_tar",
    "kept_context",
    "open_archive",
    "read_context",
]

_LIMIT = 16 << 20  # bytes of a Dockerfile or an ignore file
_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
}


class NoDockerfileError(SourceError):
    """The context is there, and has no such Dockerfile."""


@dataclass(frozen=True, slots=True)
class Context:
    """A context as it was when it was read.

    ``dockerfile`` is the Dockerfile's name in the tar. ``git_commit`` is None where no
    ``.git`` is sent, and forty zeros where there is no commit in it. ``notes`` say what
    could not be sent.
    """

    digest: Digest
    members: tuple[Member, ...]
    dockerfile: str
    dockerfile_content: bytes
    git_commit: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the tar's members, without the slash that ends a directory's."""
        return [member.name for member in self.members]

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(member.size for member in self.members)

    def open(self) -> IO[bytes]:
        """The canonical tar as a stream; each call begins anew and gives the same bytes.

        Reading raises SourceError when a file is no longer what it was.
        """
        return io.BufferedReader(ChunkReader(write_tar(self.members)), 1 << 18)

    def archive(self) -> Iterator[bytes]:
        """The same tar, compressed with zstd, to be kept under :attr:`digest`."""
        import zstandard

        yield from zstandard.ZstdCompressor().read_to_iter(self.open())


class SentContext(Protocol):
    """What a build is sent: a context that was read from a tree, or one that was kept."""

    @property
    def digest(self) -> Digest: ...
    @property
    def dockerfile(self) -> str: ...
    @property
    def dockerfile_content(self) -> bytes: ...
    @property
    def git_commit(self) -> str | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def open(self) -> IO[bytes]: ...
    def archive(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class KeptContext:
    """A context of an earlier night, as it was kept; ``reopen`` gives its archive anew.

    The fields are those of :class:`Context`.
    """

    digest: Digest
    dockerfile: str
    dockerfile_content: bytes
    reopen: Callable[[], IO[bytes]]
    git_commit: str | None = None
    notes: tuple[str, ...] = ()

    def open(self) -> IO[bytes]:
        """The canonical tar as a stream."""
        return open_archive(self.reopen())

    def archive(self) -> Iterator[bytes]:
        """The same, as it was kept."""
        with self.reopen() as stream:
            while chunk := stream.read(1 << 18):
                yield chunk


def kept_context(
    reopen: Callable[[], IO[bytes]],
    digest: Digest,
    dockerfile: Digest,
    named: str,
    git_commit: str | None = None,
) -> KeptContext:
    """The context in an archive that was kept, proven by its digest.

    ``dockerfile`` is the Dockerfile's digest; where several files of the context have it,
    the one that ``named`` is meant, as :func:`read_context` names it.

    Raises:
        SourceError: the archive is not that context, or holds no such Dockerfile.
    """
    with open_archive(reopen()) as stream:
        if digest_of_tar(stream) != digest:
            raise SourceError("the kept context is not what it was")
    names = (PurePosixPath(named).as_posix(), _made_name(named))
    found: dict[str, bytes] = {}
    with open_archive(reopen()) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isreg() or member.size > _LIMIT:
                continue
            file = archive.extractfile(member)
            content = file.read() if file else b""
            if Digest.of(content) == dockerfile and (not found or member.name in names):
                found[member.name] = content
    if not found:
        raise SourceError("the kept context does not hold its Dockerfile")
    name = next((name for name in names if name in found), next(iter(found)))
    return KeptContext(digest, name, found[name], reopen, git_commit)


def open_archive(stream: IO[bytes]) -> IO[bytes]:
    """The canonical tar in what :meth:`Context.archive` gave; prove it with digest_of_tar."""
    import zstandard

    def chunks() -> Iterator[bytes]:
        try:
            yield from zstandard.ZstdDecompressor().read_to_iter(stream)
        except zstandard.ZstdError as error:
            raise SourceError(f"the kept context cannot be read: {error}") from error

    return io.BufferedReader(ChunkReader(chunks()), 1 << 18)


def read_context(
    root: Path,
    dockerfile: str = "Dockerfile",
    *,
    leave_out: Sequence[Path] = (),
    client: Client = Client.BUILDKIT,
    within: Path | None = None,
) -> Context:
    """Read what docker would send of ``root``: every file once, none whole in memory.

    ``dockerfile`` is relative to ``root`` and may lie outside of it. The paths of
    ``leave_out``, and all below them, are no part of the context. ``client`` says whose
    rules hold (see :mod:`drift.source.dockerignore`); ``Dockerfile.dockerignore`` is
    BuildKit's alone. ``within``, for trees that are not trusted, is the directory that the
    Dockerfile must lie in when all links are followed.

    Raises:
        SourceError: the root or the Dockerfile is missing, a file cannot be read, or
            changed while it was.
    """
    root = _resolve(root, "the context")
    if not root.is_dir():
        raise SourceError(f"the context {str(root)!r} is not a directory")
    path = _find_dockerfile(root, dockerfile, within)
    content = _read(path)
    outside = not path.is_relative_to(root)
    name = _made_name(dockerfile) if outside else path.relative_to(root).as_posix()
    rules, ignore_file = _rules(root, root / dockerfile, client)
    if client is Client.CLASSIC:
        rules = rules.keeping(".dockerignore")
    walk = _Walk(root, rules if outside else rules.keeping(name), leave_out)
    members = walk.members()
    if outside:
        members |= _outside_members(name, content, ignore_file, members, client)
    elif members.get(name, Member("", b"", 0)).digest != hashlib.sha256(content).hexdigest():
        raise changed(path)
    ordered = tuple(members[key] for key in sorted(members, key=sort_key))
    return Context(
        digest=digest_of_members(ordered),
        members=ordered,
        dockerfile=name,
        dockerfile_content=content,
        git_commit=commit_of(root / ".git") if ".git" in members else None,
        notes=tuple(walk.notes),
    )


def _resolve(path: Path, what: str) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"{what} {str(path)!r} cannot be found: {error}",
            hint="check `context` and `dockerfile` in drift.toml",
        ) from error


def _find_dockerfile(root: Path, dockerfile: str, within: Path | None) -> Path:
    path = root / dockerfile
    if dockerfile == "Dockerfile" and not os.path.lexists(path):
        lower = root / "dockerfile"
        path = lower if os.path.lexists(lower) else path
    if not path.exists():
        raise NoDockerfileError(
            f"there is no Dockerfile {dockerfile!r} in the context",
            hint="check `context` and `dockerfile` in drift.toml",
        )
    path = _resolve(path, "the Dockerfile")
    if within is not None and not path.is_relative_to(within.resolve()):
        raise SourceError(f"the Dockerfile {dockerfile!r} lies outside of the repository")
    if not path.is_file():
        raise SourceError(f"the Dockerfile {str(path)!r} is not a file")
    return path


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    if len(content) > _LIMIT:
        raise SourceError(f"{str(path)!r} is larger than {_LIMIT >> 20} MiB")
    return content


def _rules(root: Path, dockerfile: Path, client: Client) -> tuple[IgnoreRules, bytes | None]:
    """The rules that hold, and the content of the ``.dockerignore`` if there is one."""
    candidates = [root / ".dockerignore"]
    if client is Client.BUILDKIT:
        candidates.insert(0, dockerfile.with_name(f"{dockerfile.name}.dockerignore"))
    for path in candidates:
        if path.is_file():
            content = _read(path)
            return IgnoreRules.parse(content, name=str(path), client=client), content
    return IgnoreRules(client=client), None


def _made_name(dockerfile: str) -> str:
    """docker takes a random name; ours is the same every night."""
    return f".dockerfile.{hashlib.sha256(os.fsencode(dockerfile)).hexdigest()[:20]}"


def _outside_members(
    name: str,
    content: bytes,
    ignore_file: bytes | None,
    members: dict[str, Member],
    client: Client,
) -> dict[str, Member]:
    """A Dockerfile from outside, and the line by which the classic engine removes it again."""
    made = {name: _made(name, content, 0o600)}
    if client is Client.CLASSIC:
        lines = b".dockerignore" if ignore_file is None else ignore_file
        mode = members[".dockerignore"].mode if ".dockerignore" in members else 0o600
        lines += f"\n{name}\n".encode()
        made[".dockerignore"] = _made(".dockerignore", lines, mode)
    return made


def _made(name: str, content: bytes, mode: int) -> Member:
    digest = hashlib.sha256(content).hexdigest()
    return Member(name, tarfile.REGTYPE, mode, len(content), digest=digest, content=content)


class _Walk:
    """One walk over a tree: each entry is stat'ed once, each file read once."""

    def __init__(self, root: Path, rules: IgnoreRules, leave_out: Sequence[Path]) -> None:
        self._root, self._rules = root, rules
        self._left_out = {os.path.realpath(path) for path in leave_out}
        self._ignored_directories: dict[str, Member] = {}
        self._todo: list[tuple[str, Matched]] = [("", ())]
        self.notes: list[str] = []

    def members(self) -> dict[str, Member]:
        found: dict[str, Member] = {}
        while self._todo:
            directory, above = self._todo.pop()
            try:
                with os.scandir(self._root / directory) as entries:
                    for entry in entries:
                        self._visit(entry, directory, above, found)
            except OSError as error:
                raise _unreadable(error.filename or str(self._root / directory), error) from error
        if self._rules.client is Client.BUILDKIT:
            self._add_parents(found)
        return found

    def _visit(
        self, entry: os.DirEntry[str], directory: str, above: Matched, found: dict[str, Member]
    ) -> None:
        if entry.path in self._left_out:
            return
        name = f"{directory}/{entry.name}" if directory else entry.name
        ignored, matched = self._rules.match(name, above)
        is_directory = entry.is_dir(follow_symlinks=False)
        if is_directory and (not ignored or self._rules.may_except_below(name)):
            self._todo.append((name, matched))
        elif ignored:
            return
        member = self._member(name, entry)
        if member is not None:
            (self._ignored_directories if ignored else found)[name] = member

    def _member(self, name: str, entry: os.DirEntry[str]) -> Member | None:
        status = entry.stat(follow_symlinks=False)
        kind, mode = _TYPES.get(stat.S_IFMT(status.st_mode)), stat.S_IMODE(status.st_mode)
        path = Path(entry.path)
        if kind is None:
            self.notes.append(f"{name!r} is a socket and cannot be sent")
            return None
        if kind == tarfile.REGTYPE:
            size, mode, digest = _hash_file(path)
            return Member(name, kind, mode, size, digest=digest, source=path)
        if kind == tarfile.SYMTYPE:
            return Member(name, kind, mode, link=os.readlink(path))  # noqa: PTH115 (normalises)
        if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
            numbers = os.major(status.st_rdev), os.minor(status.st_rdev)
            return Member(name, kind, mode, device=numbers)
        return Member(name, kind, mode)

    def _add_parents(self, found: dict[str, Member]) -> None:
        for name in list(found):
            for parent in PurePosixPath(name).parents:
                held_back = self._ignored_directories.get(str(parent))
                if held_back is not None:
                    found[str(parent)] = held_back


def _hash_file(path: Path) -> tuple[int, int, str]:
    """Size, mode and sha256 of a file, all of the same open file."""
    with open_file(path) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise changed(path)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return size, stat.S_IMODE(status.st_mode), digest


def _unreadable(path: str, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return changed(Path(path))
    return SourceError(
        f"{path!r} cannot be read: {error.strerror}",
        hint="make it readable for the user that runs drift, or ignore it in .dockerignore",
    )
