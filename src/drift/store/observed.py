"""What was learned of a layer's files, as bytes beside its manifest, and texts by digest.

A line of JSON, then the parts' digests, 64 bits each, one file's after another's. Texts are
rows of their own: many layers, and many nights, hold the same ones.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drift.oci import Digest
from drift.snapshot.forms import Window
from drift.snapshot.model import Layer, NormalForm
from drift.snapshot.parts import Parts
from drift.store import serial

ReadText = Callable[[str], bytes | None]  # by its digest


@dataclass(frozen=True, slots=True)
class Observed:
    """The last four fields of a :class:`drift.snapshot.model.Layer`."""

    forms: Mapping[str, NormalForm] = field(default_factory=dict)
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symbols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)


class Texts(Mapping[str, bytes]):
    """A layer's texts by path, each read when it is asked for."""

    def __init__(self, digests: Mapping[str, str], read: ReadText) -> None:
        self._digests = digests
        self._read = read

    def __getitem__(self, path: str) -> bytes:
        content = self._read(self._digests[path])
        if content is None:
            raise serial.damaged(f"the text of {path!r} is gone")
        return content

    def __contains__(self, path: object) -> bool:
        return path in self._digests

    def __iter__(self) -> Iterator[str]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)


def text_digests(layer: Layer) -> dict[str, Digest]:
    """By which digests a layer's texts are kept, by path."""
    return {path: Digest.of(content) for path, content in layer.texts.items()}


def pack_observed(layer: Layer, digests: Mapping[str, Digest]) -> bytes | None:
    """What was learned of a layer, its texts by their digests; None where that is nothing."""
    if not (layer.forms or layer.parts or layer.symbols or digests):
        return None
    parts, window = (
        (layer.parts.computed, layer.parts.window)
        if isinstance(layer.parts, Parts)
        else (layer.parts, None)
    )
    index = {
        "window": window and [window.started_at.isoformat(), window.ended_at.isoformat()],
        "forms": {path: [form.name, form.digest] for path, form in layer.forms.items()},
        "parts": [[path, len(found)] for path, found in parts.items()],
        "symbols": {path: list(names) for path, names in layer.symbols.items()},
        "texts": digests,
    }
    packed = [struct.pack(f">{len(found)}Q", *found) for found in parts.values()]
    line = json.dumps(index, separators=(",", ":")).encode("ascii")
    return serial.compress(b"\n".join((line, b"".join(packed))))


def unpack_observed(stored: bytes | None, read: ReadText) -> Observed:
    """The inverse of :func:`pack_observed`. Raises StoreError where the bytes are damaged."""
    if stored is None:
        return Observed()
    line, _, packed = serial.decompress(stored).partition(b"\n")
    try:
        return _observed(json.loads(line), packed, read)
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError, struct.error) as error:
        raise serial.damaged(f"not what was learned of a layer: {error!r}") from error


def _observed(index: dict[str, Any], packed: bytes, read: ReadText) -> Observed:
    forms = {path: NormalForm(name, Digest(text)) for path, (name, text) in index["forms"].items()}
    texts = Texts({path: Digest(text) for path, text in index["texts"].items()}, read)
    window = index["window"] and Window(*map(datetime.fromisoformat, index["window"]))
    return Observed(
        forms=forms,
        parts=Parts(_parts(index["parts"], packed), texts, forms, window),
        symbols={path: tuple(names) for path, names in index["symbols"].items()},
        texts=texts,
    )


def _parts(index: list[list[Any]], packed: bytes) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    offset = 0
    for path, count in index:
        found[path] = struct.unpack_from(f">{count}Q", packed, offset)
        offset += 8 * count
    if offset != len(packed):
        raise ValueError("parts are missing")
    return found
