"""The indexes that an image's package tools asked, as its build shows.

They are asked for by drift once the image is there: apt's sources lie in it, and so may a file
that sends pip or npm to another index than the public one. Such a file is not read, as it may
hold credentials: of a package that only a private index has, the public one is not asked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from drift.builds import Build
from drift.errors import SnapshotError
from drift.oci import DiffId
from drift.snapshot.model import EntryType, Layer, LayerDescriptor, Layers
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


@dataclass(frozen=True, slots=True)
class _Gist:
    """What of a layer says which indexes are asked: its ``/etc/apt``, with the way there, and
    the tools that a file of it configures."""

    etc_apt: Layer
    configured: frozenset[RemoteKind]


class Gists:
    """The layers of a run, each read once, for all images that share it."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._read: dict[DiffId, _Gist] = {}

    def of(self, descriptors: Iterable[LayerDescriptor]) -> list[_Gist]:
        """Those of some layers, as far as they are kept."""
        return [gist for one in descriptors if (gist := self._gist(one.diff_id))]

    def _gist(self, diff_id: DiffId) -> _Gist | None:
        if diff_id not in self._read and diff_id in self._layers:
            self._read[diff_id] = _gist(self._layers.get(diff_id))
        return self._read.get(diff_id)


def indexes_of(
    named: Sequence[Remote], build: Build, gists: Gists, hidden: Callable[[str], bool]
) -> tuple[Remote, ...]:
    """The indexes of a build that gave an image, each by the instruction that asks it.

    ``named`` are those that the Dockerfile names; ``hidden`` says of an address that it must
    not be shown.
    """
    snapshots = [build.snapshot, *(stage.snapshot for stage in build.stages)]
    stacks = [snapshot.layers for snapshot in snapshots if snapshot]
    configured = {
        kind
        for stack in (stacks if named else ())
        for gist in gists.of(stack)
        for kind in gist.configured
    }
    known = [one for one in named if not (one.kind in configured and _is_public(one))]
    suites = [one for stack in stacks for one in _suites(stack, gists) if not hidden(one.url)]
    return tuple(dict.fromkeys((*known, *suites)))


def _is_public(remote: Remote) -> bool:
    return remote.url.startswith(PUBLIC.get(remote.kind, ""))


def _suites(stack: Sequence[LayerDescriptor], gists: Gists) -> Iterator[Remote]:
    """The suites that instructions install from, by the sources that each has left."""
    for number, descriptor in enumerate(stack, start=1):
        made = descriptor.instruction
        if made is None or not made.is_run or not _INSTALLS.search(made.text):
            continue
        for suite in _sources([gist.etc_apt for gist in gists.of(stack[:number])])[:MOST]:
            yield Remote(RemoteKind.DEB, suite.release, made.stage, made.line, str(suite))


def _sources(stack: list[Layer]) -> tuple[Suite, ...]:
    try:
        held = CapturedFiles(merge(stack), stack)
    except SnapshotError:
        return ()
    files = {}
    for path in filter(apt_sources.wanted, held.paths()):
        with suppress(SnapshotError):
            files[path] = held.read(path)
    return apt_sources.suites(files)


def _gist(layer: Layer) -> _Gist:
    present = [entry.path for entry in layer.entries if entry.type is not EntryType.WHITEOUT]
    files = {posixpath.basename(path) for path in present if _is_read(path)}
    return _Gist(
        replace(layer, entries=tuple(entry for entry in layer.entries if _is_apts(entry.path))),
        frozenset(kind for kind, names in _SETTINGS.items() if not files.isdisjoint(names)),
    )


def _is_apts(path: str) -> bool:
    return path.startswith("/etc/apt/") or path in _APT


def _is_read(path: str) -> bool:
    """Whether a tool may read a configuration file: what other packages ship, none does."""
    return "/node_modules/" not in path or path.endswith("/node_modules/npm/npmrc")
