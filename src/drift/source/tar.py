"""A build context as a canonical tar: the same tree gives the same bytes, on any day.

Members are sorted by their names' bytes, owned by 0:0 without names, and last modified at
2000-01-01T00:00:00Z. The format is GNU's, whose long names are plain bytes: what is not
UTF-8 survives. Hard links are files; sparse files are written out.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from drift.errors import SourceError
from drift.oci import Digest

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MTIME = 946_684_800
"""2000-01-01T00:00:00Z: zip, and so wheels, refuse years before 1980."""

_CHUNK = 1 << 18
_ENCODING = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a context; ``type`` is the tar header's, ``digest`` is of a file's content.

    The content lies at ``source``, or is ``content`` where the file is made, not read.
    """

    name: str
    type: bytes
    mode: int
    size: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    digest: str = ""
    source: Path | None = None
    content: bytes | None = None

    @property
    def in_git_directory(self) -> bool:
        """Whether it is the context root's ``.git`` or below: sent, but not in the digest."""
        return self.name == ".git" or self.name.startswith(".git/")

    def header(self) -> bytes:
        """The tar header, with the blocks for long names."""
        entry = tarfile.TarInfo(self.name)
        entry.type, entry.mode, entry.mtime = self.type, self.mode, MTIME
        entry.size, entry.linkname = self.size, self.link
        entry.devmajor, entry.devminor = self.device
        return entry.tobuf(tarfile.GNU_FORMAT, *_ENCODING)


def sort_key(name: str) -> bytes:
    """The order of a canonical tar; a directory comes before what it holds."""
    return os.fsencode(name)


def digest_of_members(members: Iterable[Member]) -> Digest:
    """The context digest: names, types, modes, sizes, link targets, devices and contents.

    The members must be in canonical order; those of ``.git`` do not count.
    """
    state = hashlib.sha256(b"drift context 1\n")
    for member in members:
        if not member.in_git_directory:
            fields = (member.name, member.link, member.digest)
            encoded = b"".join(b"%d:%s" % (len(f), f) for f in map(os.fsencode, fields))
            numbers = b"%o %d %d %d" % (member.mode, member.size, *member.device)
            state.update(b"%s%s %s\n" % (encoded, member.type, numbers))
    return Digest.from_hash(state)


def digest_of_tar(stream: IO[bytes]) -> Digest:
    """The context digest of a canonical tar, from its bytes alone, read once and to its end.

    Raises:
        SourceError: the stream is no tar, or ends too early.
    """
    try:
        with tarfile.open(
            fileobj=stream, mode="r|", encoding=_ENCODING[0], errors=_ENCODING[1]
        ) as archive:
            return digest_of_members(_members(archive))
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise SourceError(
            f"the kept context cannot be read: {error}",
            hint="it is damaged: a replay needs the revision in git instead",
        ) from error


def _members(archive: tarfile.TarFile) -> Iterator[Member]:
    for entry in archive:
        content = archive.extractfile(entry) if entry.isreg() else None
        yield Member(
            name=entry.name,
            type=entry.type,
            mode=entry.mode,
            size=entry.size,
            link=entry.linkname,
            device=(entry.devmajor, entry.devminor),
            digest=_hash(content) if content else "",
        )
        vars(archive)["members"] = []  # tarfile keeps all it has seen


def _hash(stream: IO[bytes]) -> str:
    state = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def write_tar(members: Iterable[Member]) -> Iterator[bytes]:
    """The canonical tar of members in canonical order, piece by piece.

    Raises:
        SourceError: a file is not any more what its member says; nothing wrong is sent
            as if it were right, because the tar then has no end.
    """
    for member in members:
        yield from _written(member)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def with_file(tar: IO[bytes], name: str, content: bytes) -> IO[bytes]:
    """The same tar with one more file, in front of all others."""
    digest = hashlib.sha256(content).hexdigest()
    file = Member(name, tarfile.REGTYPE, 0o644, len(content), digest=digest, content=content)

    def chunks() -> Iterator[bytes]:
        yield from _written(file)
        with tar:
            while chunk := tar.read(_CHUNK):
                yield chunk

    return io.BufferedReader(ChunkReader(chunks()), _CHUNK)


def _written(member: Member) -> Iterator[bytes]:
    yield member.header()
    if member.type == tarfile.REGTYPE:
        yield from _content(member)
        yield b"\0" * (-member.size % tarfile.BLOCKSIZE)


def _content(member: Member) -> Iterator[bytes]:
    if member.content is not None or member.source is None:
        yield member.content or b""
        return
    state, left = hashlib.sha256(), member.size
    try:
        with open_file(member.source) as file:
            if os.fstat(file.fileno()).st_mode & 0o7777 != member.mode:
                raise changed(member.source)
            while chunk := file.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise changed(member.source)
                state.update(chunk)
                yield chunk
    except OSError as error:
        raise changed(member.source) from error
    if left or state.hexdigest() != member.digest:
        raise changed(member.source)


def open_file(path: Path) -> io.FileIO:
    """Open a regular file without following a link or waiting for a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return io.FileIO(os.open(path, flags))


def changed(path: Path) -> SourceError:
    """The error for a file that is no longer what it was."""
    return SourceError(
        f"{str(path)!r} changed while the context was read",
        hint="build from a tree that nothing writes to, or ignore the file in .dockerignore; "
        "drift's own output may be it, as `drift check 2> err.txt` inside the context writes it",
    )


class ChunkReader(io.RawIOBase):
    """Pieces of bytes as a file that can only be read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
