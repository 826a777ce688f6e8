"""The merged tree of a snapshot is the file system that a container of the image has."""

from __future__ import annotations

import hashlib
import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, cast

import docker
import pytest

from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.snapshot.model import Entry, EntryType, LayersInMemory
from drift.snapshot.take import snapshot_of_stream
from drift.snapshot.tree import merge
from support.images import file, tar

# Whiteouts, opaque directories, replaced types, hard links (one of them split again), links as
# parents, devices, capabilities, owners and modes: all that layers may hold.
DOCKERFILE = r"""
FROM {base}
RUN mkdir -p /made/dir /made/opaque/sub /made/to-link /made/was-dir \
 && echo one > /made/dir/one && ln /made/dir/one /made/hard && ln /made/dir/one /made/split \
 && ln -s dir/one /made/soft && ln -s /made/dir /made/way && ln -s nowhere /made/dangling \
 && touch /made/opaque/sub/lower /made/opaque/other /made/was-file "/made/ü \\ x" \
 && mkfifo -m 640 /made/pipe && {{ mknod /made/null c 1 3 || true; }} \
 && chmod 4755 /made/dir/one && chmod 1777 /made/was-dir && chown -h 33:44 /made/dir /made/soft
RUN perl -e 'my $n = `uname -m` =~ /x86_64/ ? 188 : 5; my $v = pack("V5", 0x02000001, 1024); \
    my $f = "/made/capable"; open(F, ">", $f); close(F); my $k = "security.capability"; \
    syscall($n, $f, $k, $v, 20, 0) == 0 or die $!'
RUN rm -r /made/opaque /usr/share/doc /made/to-link /etc/debian_version && mkdir /made/opaque \
 && touch /made/opaque/upper && ln -s dir /made/to-link && rm /made/was-file && mkdir /made/was-file
RUN rmdir /made/was-dir && echo file > /made/was-dir && chmod 600 /made/split && rm /made/hard
COPY --chown=7:8 copied /made/way/copied
COPY copied /made/new/dir/
"""

# What the engine puts into every container, over whatever the image has there.
_MOUNTED = (
    *("/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf"),
    *("/dev", "/proc", "/sys", "/run"),
)
_KINDS = {
    tarfile.REGTYPE: EntryType.FILE,
    tarfile.DIRTYPE: EntryType.DIRECTORY,
    tarfile.SYMTYPE: EntryType.SYMLINK,
    tarfile.CHRTYPE: EntryType.CHARACTER,
    tarfile.BLKTYPE: EntryType.BLOCK,
    tarfile.FIFOTYPE: EntryType.FIFO,
}
_XATTR = "SCHILY.xattr."
Value = tuple[object, ...]


@pytest.fixture
def image(api: docker.APIClient, base_image: str, builder: str) -> Iterator[str]:
    """An image that holds all of it."""
    reference = own_reference("snapshot-export", uuid.uuid4().hex)
    answer = api.post(
        f"{api.base_url}/v{api.api_version}/build",
        params={"version": "2" if builder == "buildkit" else "1", "t": reference, "nocache": "1"}
        | {"networkmode": "host", "rm": "1"},
        data=tar([file("Dockerfile", DOCKERFILE.format(base=base_image)), file("copied", "c\n")]),
        headers={"Content-Type": "application/x-tar"},
    )
    assert answer.status_code == 200
    assert '"error' not in answer.text, answer.text
    yield reference
    api.remove_image(reference)


def test_a_snapshot_holds_what_a_container_has(
    api: docker.APIClient, engine_host: str, image: str
) -> None:
    layers = LayersInMemory()
    with Engine.connect(engine_host) as engine, engine.export(image) as stream:
        snapshot = snapshot_of_stream(stream, image, layers)
    tree = merge(layers.get(layer.diff_id) for layer in snapshot.layers)
    seen = {path: _of_entry(node.entry) for path, node in tree.nodes.items() if _compared(path)}

    there = _container(api, image)

    assert seen["/made/dir/copied"][:4] == (EntryType.FILE, 0o644, 7, 8)
    assert seen["/made/capable"][-1] != ()
    assert len(there) > 1000
    assert {path: (seen.get(path), there.get(path)) for path in _differing(seen, there)} == {}


def _differing(one: Mapping[str, Value], other: Mapping[str, Value]) -> list[str]:
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def _compared(path: str) -> bool:
    return path != "/" and not any(path == p or path.startswith(f"{p}/") for p in _MOUNTED)


def _of_entry(entry: Entry) -> Value:
    owner = (entry.type, entry.mode, entry.uid, entry.gid)
    return (*owner, entry.size, entry.digest, entry.link, entry.device, entry.xattrs)


def _container(api: docker.APIClient, image: str) -> dict[str, Value]:
    """Every path of a container that was never started, read by Python's own tar reader."""
    container = str(api.create_container(image, command=["true"])["Id"])
    found: dict[str, Value] = {}
    try:
        stream = cast(Any, _Pieces(api.export(container)))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = "/" + member.name.removeprefix("./").strip("/")
                if member.islnk():
                    found[path] = found["/" + member.linkname.removeprefix("./").lstrip("/")]
                else:
                    found[path] = _of_member(archive, member)
    finally:
        api.remove_container(container, force=True)
    return {path: value for path, value in found.items() if _compared(path)}


def _of_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Value:
    content = archive.extractfile(member) if member.isreg() else None
    digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}" if content else None  # type: ignore[arg-type]
    xattrs = tuple(
        (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape").hex())
        for name, value in sorted(member.pax_headers.items())
        if name.startswith(_XATTR)
    )
    return (
        *(_KINDS[member.type], member.mode & 0o7777, member.uid, member.gid, member.size, digest),
        member.linkname if member.issym() else None,
        (member.devmajor, member.devminor) if member.ischr() or member.isblk() else None,
        xattrs,
    )


class _Pieces(io.RawIOBase):
    """An export's pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        found, self._rest = self._rest[:size], self._rest[size:]
        return found
