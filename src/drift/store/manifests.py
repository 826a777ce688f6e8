"""Layer manifests: by diff ID, once, compressed; columns rather than rows.

A manifest of 40,000 entries is read in a fraction of a second and takes little more room
than its digests, which nothing can compress. The captured package databases lie beside it
and are only read when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import starmap
from typing import Any

import sqlalchemy as sa

from drift.oci import DiffId, Digest
from drift.snapshot.model import Entry, EntryType, Layer
from drift.store import serial
from drift.store.database import ConflictError, Database
from drift.store.schema import layers

_COLUMNS = ("mode", "uid", "gid", "mtime", "size")
_SPARSE = ("link", "device", "xattrs")  # few entries have them: kept by index


class StoredLayers:
    """The store's :class:`drift.snapshot.model.Layers`; safe from threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __contains__(self, diff_id: object) -> bool:
        query = sa.select(layers.c.diff_id).where(layers.c.diff_id == str(diff_id))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def get(self, diff_id: DiffId) -> Layer:
        """The layer's manifest; its ``captured`` is read from the store when first used.

        Raises:
            KeyError: the layer is not kept.
            StoreError: what is kept cannot be read.
        """
        manifest = self._column(layers.c.manifest, diff_id)
        captured = Captured(
            lambda: unpack_captured(self._column(layers.c.captured, diff_id)),
        )
        return unpack_manifest(diff_id, manifest, captured)

    def put(self, layer: Layer) -> None:
        """Keep a layer; one that is kept already stays as it is."""
        if layer.diff_id in self:
            return
        row = {
            "diff_id": layer.diff_id,
            "manifest": pack_manifest(layer),
            "captured": pack_captured(layer.captured),
        }
        try:
            with self._database.write() as connection:
                connection.execute(layers.insert(), row)
        except ConflictError:
            if layer.diff_id not in self:  # else another one was quicker, with the same layer
                raise

    def _column(self, column: sa.Column[bytes], diff_id: DiffId) -> bytes:
        with self._database.read() as connection:
            query = sa.select(column).where(layers.c.diff_id == diff_id)
            stored = connection.execute(query).scalar_one_or_none()
        if stored is None:
            raise KeyError(diff_id)
        return stored


class Captured(Mapping[str, bytes]):
    """A layer's captured files, read when first used."""

    def __init__(self, read: Callable[[], dict[str, bytes]]) -> None:
        self._read = read
        self._files: dict[str, bytes] | None = None

    def _loaded(self) -> dict[str, bytes]:
        if self._files is None:
            self._files = self._read()
        return self._files

    def __getitem__(self, path: str) -> bytes:
        return self._loaded()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())


def pack_manifest(layer: Layer) -> bytes:
    """A layer without its captured files, as bytes."""
    entries = layer.entries
    kinds = list(EntryType)
    numbers = {kind: number for number, kind in enumerate(kinds)}
    return serial.pack_json(
        {
            "layer_size": layer.size,
            "uncaptured": dict(layer.uncaptured),
            "kinds": kinds,
            "path": [entry.path for entry in entries],
            "type": [numbers[entry.type] for entry in entries],
            **{name: [getattr(entry, name) for entry in entries] for name in _COLUMNS},
            "digest": [entry.digest for entry in entries],
            **{name: _sparse(entries, name) for name in _SPARSE},
        }
    )


def _sparse(entries: tuple[Entry, ...], name: str) -> dict[int, Any]:
    held = ((index, getattr(entry, name)) for index, entry in enumerate(entries))
    return {index: value for index, value in held if value not in (None, ())}


def unpack_manifest(diff_id: DiffId, stored: bytes, captured: Mapping[str, bytes]) -> Layer:
    """The inverse of :func:`pack_manifest`. Raises StoreError where the bytes are damaged."""
    document = serial.unpack_json(stored)
    try:
        return Layer(
            diff_id, document["layer_size"], _entries(document), captured, document["uncaptured"]
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise serial.damaged(f"not a layer's manifest: {error!r}") from error


def _entries(document: dict[str, Any]) -> tuple[Entry, ...]:
    count = len(document["path"])
    kinds = [EntryType(kind) for kind in document["kinds"]]
    link, device, xattrs = (_dense(document[name], count) for name in _SPARSE)
    columns = (
        document["path"],
        [kinds[number] for number in document["type"]],
        *(document[name] for name in _COLUMNS),
        [_digest(text) for text in document["digest"]],
        link,
        [None if pair is None else tuple(pair) for pair in device],
        [() if pairs is None else tuple(map(tuple, pairs)) for pairs in xattrs],
    )
    return tuple(starmap(Entry, zip(*columns, strict=True)))


def _dense(held: dict[str, Any], count: int) -> list[Any]:
    column: list[Any] = [None] * count
    for index, value in held.items():
        column[int(index)] = value
    return column


def _digest(text: str | None) -> Digest | None:
    # Parsed before it was kept: checking 40,000 of them again is half of the reading.
    return None if text is None else str.__new__(Digest, text)


def pack_captured(files: Mapping[str, bytes]) -> bytes:
    """Files by path, as a line of JSON (paths and sizes) and their bytes one after another."""
    index = json.dumps([[path, len(content)] for path, content in files.items()])
    return serial.compress(b"\n".join((index.encode("ascii"), b"".join(files.values()))))


def unpack_captured(stored: bytes) -> dict[str, bytes]:
    """The inverse of :func:`pack_captured`. Raises StoreError where the bytes are damaged."""
    index, _, content = serial.decompress(stored).partition(b"\n")
    files, offset = {}, 0
    try:
        for path, size in json.loads(index):
            files[path] = content[offset : offset + size]
            offset += size
    except (TypeError, ValueError, RecursionError) as error:
        raise serial.damaged(f"not a layer's captured files: {error!r}") from error
    if offset != len(content):
        raise serial.damaged("a layer's captured files are not as long as they were")
    return files
