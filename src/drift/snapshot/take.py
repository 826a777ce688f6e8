"""Taking a snapshot: from an engine's export, a saved archive, or an OCI layout."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from drift.collecting import collection_paused
from drift.errors import SnapshotError
from drift.oci import DiffId, Platform
from drift.snapshot.archive import ArchiveReader, Contents, read_archive
from drift.snapshot.choose import select_image, verify_layers
from drift.snapshot.forms import Window
from drift.snapshot.layer import Capture
from drift.snapshot.listing import ArchivedImage
from drift.snapshot.model import EntryType, Layer, LayerDescriptor, Layers, Packages, Snapshot
from drift.snapshot.observe import Observer, nothing_hidden
from drift.snapshot.packages.catalogue import LARGEST, Unreadable, catalogue, guarded, wanted
from drift.snapshot.stream import ByteSource, chunks_of
from drift.snapshot.tar import Header
from drift.snapshot.tree import MergedTree, merge

_CAPTURE = Capture(wanted=wanted, largest=LARGEST, guarded=guarded)


@collection_paused()
def snapshot_of_stream(
    stream: IO[bytes],
    name: str,
    layers: Layers,
    *,
    expected: Sequence[DiffId] = (),
    reference: str | None = None,
    platform: Platform | None = None,
    base: Collection[DiffId] = (),
    window: Window | None = None,
    hides: Callable[[bytes], bool] = nothing_hidden,
) -> Snapshot:
    """The snapshot of an image in an archive's stream, which is read up to its end marker.

    ``expected`` are the image's diff IDs where they are known; layers that ``layers`` keeps
    already are then not parsed again. Layer manifests that are new are put there, those above
    the ``base`` with what was learned of their files (:mod:`drift.snapshot.observe`).
    ``window`` is the build's, whose dates are masked in normal forms; a text of which
    ``hides`` says that it holds a secret value is not kept.

    Raises:
        SnapshotError: the archive is not whole, not sound, or needs a choice.
    """
    observer = Observer(window, hides)
    contents = read_archive(stream, name, layers, _CAPTURE, expected, base=base, observer=observer)
    return _snapshot(contents, layers, reference, platform)


@collection_paused()
def snapshot_of_path(
    path: Path,
    layers: Layers,
    *,
    reference: str | None = None,
    platform: Platform | None = None,
) -> Snapshot:
    """The snapshot of an image in an archive file or an OCI layout directory.

    Raises:
        SnapshotError: as :func:`snapshot_of_stream`, or the path cannot be read.
    """
    try:
        if path.is_dir():
            contents = _read_directory(path, layers)
        else:
            # A pipe is read as it comes; a device might never end.
            kind = stat.S_IFMT(path.stat().st_mode)
            if kind not in (stat.S_IFREG, stat.S_IFIFO):
                raise SnapshotError(f"{path}: not a file, a pipe or an OCI layout")
            with path.open("rb") as stream:
                contents = read_archive(stream, str(path), layers, _CAPTURE, observer=Observer())
                for _ in chunks_of(stream) if kind == stat.S_IFIFO else ():
                    pass  # whoever writes into a pipe must not find it broken
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from error
    return _snapshot(contents, layers, reference, platform)


def _snapshot(
    contents: Contents, layers: Layers, reference: str | None, platform: Platform | None
) -> Snapshot:
    image = select_image(contents, reference, platform)
    verify_layers(contents, image)
    return Snapshot(
        image_id=image.image_id,
        config=image.config,
        layers=tuple(
            LayerDescriptor(diff_id, contents.sizes[diff_id]) for diff_id in image.config.diff_ids
        ),
        packages=_packages(contents, image, layers),
    )


def _packages(contents: Contents, image: ArchivedImage, layers: Layers) -> Packages:
    parsed = contents.parsed
    stack = [parsed.get(diff_id) or layers.get(diff_id) for diff_id in image.config.diff_ids]
    try:
        tree = merge(stack)
    except SnapshotError as error:
        raise SnapshotError(f"{contents.name}: {error.message}", hint=error.hint) from error
    return catalogue(CapturedFiles(tree, stack))


@dataclass(frozen=True, slots=True)
class CapturedFiles:
    """The files of a merged tree whose content cataloguers may read."""

    tree: MergedTree
    stack: Sequence[Layer]

    def paths(self) -> Iterator[str]:
        """Every path that is not a directory."""
        directory = EntryType.DIRECTORY
        nodes = self.tree.nodes.items()
        return iter([path for path, node in nodes if node.entry.type is not directory])

    def kind(self, path: str) -> EntryType | None:
        """What stands at a resolved path, None where nothing does."""
        node = self.tree.nodes.get(path)
        return node.entry.type if node else None

    def resolve(self, path: str) -> str:
        """The path with its parents' symbolic links followed."""
        return self.tree.resolve(path)

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            Unreadable: it was not kept, with the reason.
        """
        node = self.tree.get(path)
        if node is None:
            raise Unreadable(f"{path} is not there")
        layer = self.stack[node.layer]
        content = layer.captured.get(node.source)
        if content is None:
            reason = layer.uncaptured.get(node.source, "its content was not kept")
            raise Unreadable(f"{path}: {reason}")
        return content


def _read_directory(root: Path, layers: Layers) -> Contents:
    """An OCI layout that lies unpacked: its files are read as an archive's members are."""
    if not any((root / name).is_file() for name in ("index.json", "manifest.json")):
        raise SnapshotError(
            f"{root}: not an OCI layout (no index.json)", hint="give an archive or an OCI layout"
        )
    reader = ArchiveReader(str(root), layers, _CAPTURE, observer=Observer())
    for folder, directories, names in os.walk(root):
        directories.sort()
        for name in sorted(names):
            path = Path(folder, name)
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                link = _member(path.relative_to(root), 0)
                link = link._replace(kind="2", link=path.readlink().as_posix())
                reader.add(link, ByteSource(iter(()), str(path)))
            elif stat.S_ISREG(status.st_mode):
                with path.open("rb") as stream:
                    source = ByteSource(chunks_of(stream), str(path))
                    reader.add(_member(path.relative_to(root), status.st_size), source)
    return reader.contents


def _member(path: Path, size: int) -> Header:
    return Header(path.as_posix(), "0", 0, 0, 0, size, 0, "", (0, 0), {})
