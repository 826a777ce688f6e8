"""A synthetic image of any size, as the stream that ``docker save`` would write.

Nothing is kept: the layers are made as they are read. Their files have sizes from a few
bytes to many times the mean, and no two have the same content.
"""

from __future__ import annotations

import hashlib
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

LAYERS = 8
_BLOCK = random.Random(1).randbytes(1 << 20)
_END = bytes(1024)


@dataclass(frozen=True)
class Shape:
    """How large an image is: the bytes of its files, and how many they are."""

    bytes: int
    files: int = 40_000

    def sizes(self, layer: int) -> list[int]:
        """The sizes of one layer's files; most are small, a few are large, as in real images."""
        chance = random.Random(layer)
        weights = [chance.paretovariate(1.2) for _ in range(self.files // LAYERS)]
        scale = self.bytes / LAYERS / sum(weights)
        return [int(weight * scale) for weight in weights]


def layer_stream(shape: Shape, layer: int) -> Iterator[bytes]:
    """One layer's tar, in pieces."""
    for number, size in enumerate(shape.sizes(layer)):
        name = f"srv/layer{layer}/{number // 100:03}/file{number:05}.bin"
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o644, 1_700_000_000
        yield member.tobuf(tarfile.GNU_FORMAT)
        yield from _content(name.encode(), size)
        yield bytes(-size % 512)
    yield _END


def image_stream(shape: Shape) -> Iterator[bytes]:
    """The whole archive: layers first, the manifest last, as engines write it."""
    diff_ids = []
    for layer in range(LAYERS):
        length = sum(512 + size + -size % 512 for size in shape.sizes(layer)) + len(_END)
        yield _header(f"{layer}/layer.tar", length)
        digest = hashlib.sha256()
        for piece in layer_stream(shape, layer):
            digest.update(piece)
            yield piece
        yield bytes(-length % 512)
        diff_ids.append(f"sha256:{digest.hexdigest()}")
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created_by": f"RUN step {layer}"} for layer in range(LAYERS)],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    yield from _file(name, config)
    manifest = {
        "Config": name,
        "RepoTags": ["drift-bench/synthetic:latest"],
        "Layers": [f"{layer}/layer.tar" for layer in range(LAYERS)],
    }
    yield from _file("manifest.json", json.dumps([manifest]).encode())
    yield _END


def _content(name: bytes, size: int) -> Iterator[bytes]:
    yield name[:size]
    left = size - min(size, len(name))
    while left:
        yield _BLOCK if left >= len(_BLOCK) else _BLOCK[:left]
        left -= min(left, len(_BLOCK))


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def _file(name: str, content: bytes) -> Iterator[bytes]:
    yield _header(name, len(content))
    yield content
    yield bytes(-len(content) % 512)
