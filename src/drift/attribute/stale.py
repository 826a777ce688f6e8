"""ADD of a URL that a builder served from its cache, though the URL serves something else.

BuildKit asks a server only whether its ETag is still the same, without cache too: a server
that keeps the ETag and changes the content is taken at its word. A probe is an unconditional
request; where its digest is not that of the file in the image, the builder used what it had.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drift.builds import Build
from drift.oci import Digest
from drift.snapshot.model import EntryType, Layer, LayerDescriptor, Layers
from drift.source.model import Probe, RemoteKind


@dataclass(frozen=True, slots=True)
class StaleAdd:
    """An ADD whose file in the image, ``used``, is not what its URL serves."""

    probe: Probe
    used: Digest


def stale_adds(build: Build, layers: Layers) -> tuple[StaleAdd, ...]:
    """The ADDs of a build, and of its stages, whose files are not what the build's probes saw.

    What serves other content at each request looks the same: one more build tells.
    """
    return tuple(
        StaleAdd(probe, used)
        for probe in build.probes
        if probe.remote.kind is RemoteKind.ADD and probe.identity is not None
        for used in _used(probe, build, layers)
        if used != probe.identity
    )


def _used(probe: Probe, build: Build, layers: Layers) -> Iterator[Digest]:
    """The digest of the file that an ADD made, from the first layer that shows it."""
    for descriptor in _made_by(probe, build):
        if descriptor.diff_id in layers:
            used = _file_of(probe, layers.get(descriptor.diff_id))
            if used is not None:
                yield used
                return


def _made_by(probe: Probe, build: Build) -> Iterator[LayerDescriptor]:
    snapshots = [stage.snapshot for stage in build.stages]
    place = (probe.remote.stage, probe.remote.line)
    for snapshot in (build.snapshot, *snapshots):
        for descriptor in snapshot.layers if snapshot else ():
            made_by = descriptor.instruction
            if made_by is not None and (made_by.stage, made_by.line) == place:
                yield descriptor


def _file_of(probe: Probe, layer: Layer) -> Digest | None:
    files = {e.path: e.digest for e in layer.entries if e.type is EntryType.FILE and e.digest}
    if set(files.values()) & set(probe.members.values()):
        return None  # it was unpacked
    if len(files) == 1:
        return next(iter(files.values()))
    return files.get(probe.remote.target or "")
