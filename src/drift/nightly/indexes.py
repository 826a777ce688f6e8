"""The indexes that an image's package tools asked, as its build shows.

They are asked for by drift once the image is there: apt's sources lie in it, and so may a file
that sends pip or npm to another index than the public one. Such a file is not read, as it may
hold credentials: of a package that only a private index has, the public one is not asked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from drift.builds import Build
from drift.errors import SnapshotError
from drift.snapshot.model import EntryType, Layer, LayerDescriptor, Layers, Snapshot
from drift.snapshot.packages import apt_sources
from drift.snapshot.packages.apt_sources import Suite
from drift.snapshot.take import CapturedFiles
from drift.snapshot.tree import merge
from drift.source.dockerfile.indexes import PUBLIC
from drift.source.model import Remote, RemoteKind

MOST = 20  # suites that one instruction's sources may name

_INSTALLS = re.compile(
    r"(?<![\w./-])(?:/usr/bin/)?(?:apt|apt-get|aptitude)[\"']?,?\s[^;&|\n]{0,500}?"
    r"\b(?:update|install|(?:dist-|full-|safe-)?upgrade)\b"
)
_APT = ("/", "/etc", "/etc/apt")
_SETTINGS = {
    RemoteKind.PYPI: ("pip.conf",),
    RemoteKind.NPM: (".npmrc", "npmrc"),
}


def indexes_of(
    named: Sequence[Remote], build: Build, layers: Layers, hidden: Callable[[str], bool]
) -> tuple[Remote, ...]:
    """The indexes of a build that gave an image, each by the instruction that asks it.

    ``named`` are those that the Dockerfile names; ``hidden`` says of an address that it must
    not be shown.
    """
    snapshots = [build.snapshot, *(stage.snapshot for stage in build.stages)]
    stacks = [_Stack(snapshot, layers) for snapshot in snapshots if snapshot]
    kinds = {one.kind for one in named}
    configured = {kind for kind in kinds if any(stack.configures(kind) for stack in stacks)}
    known = [one for one in named if not (one.kind in configured and _is_public(one))]
    suites = [one for stack in stacks for one in stack.suites() if not hidden(one.url)]
    return tuple(dict.fromkeys((*known, *suites)))


def _is_public(remote: Remote) -> bool:
    return remote.url.startswith(PUBLIC.get(remote.kind, ""))


def _is_read(path: str) -> bool:
    """Whether a tool may read a configuration file: what other packages ship, none does."""
    return "/node_modules/" not in path or path.endswith("/node_modules/npm/npmrc")


class _Stack:
    """The layers of one image or stage, bottom first, as far as they are kept."""

    def __init__(self, snapshot: Snapshot, layers: Layers) -> None:
        self._descriptors = snapshot.layers
        self._layers = layers

    def configures(self, kind: RemoteKind) -> bool:
        """Whether any layer holds a file that may name another index."""
        names = _SETTINGS.get(kind, ())
        return any(
            posixpath.basename(entry.path) in names and _is_read(entry.path)
            for layer in self._manifests(self._descriptors)
            for entry in layer.entries
            if entry.type is not EntryType.WHITEOUT
        )

    def suites(self) -> Iterator[Remote]:
        """The suites that instructions install from, by the sources that each has left."""
        for number, descriptor in enumerate(self._descriptors, start=1):
            made = descriptor.instruction
            if made is None or not made.text.startswith("RUN") or not _INSTALLS.search(made.text):
                continue
            for suite in self._sources(self._descriptors[:number])[:MOST]:
                yield Remote(RemoteKind.DEB, suite.release, made.stage, made.line, str(suite))

    def _sources(self, descriptors: Sequence[LayerDescriptor]) -> tuple[Suite, ...]:
        stack = [_etc_apt(layer) for layer in self._manifests(descriptors)]
        try:
            held = CapturedFiles(merge(stack), stack)
        except SnapshotError:
            return ()
        files = {}
        for path in filter(apt_sources.wanted, held.paths()):
            with suppress(SnapshotError):
                files[path] = held.read(path)
        return apt_sources.suites(files)

    def _manifests(self, descriptors: Sequence[LayerDescriptor]) -> list[Layer]:
        kept = [one.diff_id for one in descriptors if one.diff_id in self._layers]
        return [self._layers.get(diff_id) for diff_id in kept]


def _etc_apt(layer: Layer) -> Layer:
    """A layer without all that lies elsewhere."""
    entries = layer.entries
    return replace(
        layer,
        entries=tuple(e for e in entries if e.path.startswith("/etc/apt/") or e.path in _APT),
    )
