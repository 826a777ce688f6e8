"""Layers, archives and snapshots made in memory, by Python's own tar writer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import zstandard

from drift.builds import Build, Role
from drift.oci import DiffId, Digest, ImageConfig
from drift.snapshot.layer import nothing_captured, read_layer
from drift.snapshot.model import Layer, LayerDescriptor, Layers, Packages, Snapshot


@dataclass(frozen=True)
class Member:
    """One member of a tar archive."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = 1_700_000_000
    pax: Mapping[str, str] = field(default_factory=dict)
    device: tuple[int, int] = (0, 0)


def file(name: str, content: bytes | str = b"", **fields: Any) -> Member:
    data = content.encode() if isinstance(content, str) else content
    return Member(name, data, **fields)


def directory(name: str, **fields: Any) -> Member:
    return Member(name, kind=tarfile.DIRTYPE, **{"mode": 0o755, **fields})


def symlink(name: str, target: str, **fields: Any) -> Member:
    return Member(name, kind=tarfile.SYMTYPE, link=target, **{"mode": 0o777, **fields})


def hardlink(name: str, target: str, **fields: Any) -> Member:
    return Member(name, kind=tarfile.LNKTYPE, link=target, **fields)


def tar(members: Iterable[Member], layout: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of some members."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=layout) as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type = member.kind
            info.size = len(member.content) if member.kind == tarfile.REGTYPE else 0
            info.linkname = member.link
            info.mode, info.uid, info.gid = member.mode, member.uid, member.gid
            info.mtime = member.mtime
            info.pax_headers = dict(member.pax)
            info.devmajor, info.devminor = member.device
            archive.addfile(info, io.BytesIO(member.content))
    return target.getvalue()


def layer_of(members: Iterable[Member]) -> Layer:
    """The manifest that drift reads from a layer of some members."""
    return read_layer(iter([tar(members)]), "a layer", nothing_captured())


def diff_id(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def config_of(layers: Sequence[bytes], settings: Mapping[str, Any] | None = None) -> bytes:
    """An image configuration for some uncompressed layers."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(settings or {}),
        "rootfs": {"type": "layers", "diff_ids": [diff_id(layer) for layer in layers]},
        "history": [{"created_by": f"RUN step {number}"} for number in range(len(layers))],
    }
    return json.dumps(document).encode()


def docker_archive(
    layers: Sequence[bytes],
    *,
    config: bytes | None = None,
    tags: Sequence[str] = ("app:latest",),
    packed: Sequence[bytes] | None = None,
) -> list[Member]:
    """The members of a ``docker save`` archive, the manifest last as engines write it."""
    document = config if config is not None else config_of(layers)
    stored = packed if packed is not None else layers
    name = hashlib.sha256(document).hexdigest() + ".json"
    manifest = [
        {
            "Config": name,
            "RepoTags": list(tags),
            "Layers": [f"{number}/layer.tar" for number in range(len(stored))],
        }
    ]
    return [
        *(file(f"{number}/layer.tar", layer) for number, layer in enumerate(stored)),
        file(name, document),
        file("manifest.json", json.dumps(manifest)),
    ]


def oci_members(
    images: Sequence[tuple[Sequence[bytes], bytes, Mapping[str, str]]],
) -> list[Member]:
    """The members of an OCI layout; an image is its stored layers, configuration, annotations."""
    blobs: dict[str, bytes] = {}

    def descriptor(content: bytes, **extra: Any) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"digest": f"sha256:{digest}", "size": len(content), **extra}

    manifests = []
    for stored, config, notes in images:
        manifest = {
            "schemaVersion": 2,
            "config": descriptor(config),
            "layers": [descriptor(layer) for layer in stored],
        }
        manifests.append(descriptor(json.dumps(manifest).encode(), annotations=dict(notes)))
    index = json.dumps({"schemaVersion": 2, "manifests": manifests})
    return [
        *(file(f"blobs/sha256/{digest}", content) for digest, content in sorted(blobs.items())),
        file("oci-layout", '{"imageLayoutVersion": "1.0.0"}'),
        file("index.json", index),
    ]


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zstded(content: bytes) -> bytes:
    return zstandard.compress(content)


def snapshot_of(
    stacks: Sequence[Sequence[Member]],
    layers: Layers,
    *,
    settings: Mapping[str, Any] | None = None,
    packages: Packages | None = None,
    base: int = 0,
) -> Snapshot:
    """A snapshot of an image with one layer for each list of members, put into ``layers``.

    The first ``base`` layers are the base image's.
    """
    contents = [tar(members) for members in stacks]
    document = config_of(contents, settings)
    descriptors = []
    for number, content in enumerate(contents):
        layer = read_layer(iter([content]), "a layer", nothing_captured())
        layers.put(layer)
        descriptors.append(LayerDescriptor(DiffId(layer.diff_id), layer.size, base=number < base))
    return Snapshot(
        Digest.of(document), ImageConfig.parse(document), tuple(descriptors), packages or Packages()
    )


def build_of(snapshot: Snapshot) -> Build:
    """A night's build that gave that snapshot."""
    return Build(
        id="b",
        image="app",
        run="r",
        night=date(2026, 11, 24),
        role=Role.NIGHTLY,
        reason="",
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        seconds=1,
        snapshot=snapshot,
    )
