"""Layer manifests: by diff ID, once, compressed; columns rather than rows.

A manifest of 40,000 entries is read in a fraction of a second and takes little more room
than its digests, which nothing can compress. The captured package databases lie beside it
and are only read when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import starmap
from operator import attrgetter
from typing import Any, TypeVar

import sqlalchemy as sa

from drift.oci import DiffId, Digest
from drift.snapshot.model import Entry, EntryType, Layer
from drift.store import serial
from drift.store.database import ConflictError, Database
from drift.store.observed import pack_observed, text_digests, unpack_observed
from drift.store.schema import layer_texts, layers, texts

T = TypeVar("T")
V = TypeVar("V")

_ATTEMPTS = 3
_AT_ONCE = 500  # values in one query: every database takes so many

_COLUMNS = ("mode", "uid", "gid", "mtime", "size")
_SPARSE = ("link", "device", "xattrs")  # few entries have them: kept by index
_FIELDS = attrgetter("path", "type", "digest", *_COLUMNS, *_SPARSE)
_WIDTH = 3 + len(_COLUMNS) + len(_SPARSE)


class StoredLayers:
    """The store's :class:`drift.snapshot.model.Layers`; safe from threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __contains__(self, diff_id: object) -> bool:
        query = sa.select(layers.c.diff_id).where(layers.c.diff_id == str(diff_id))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def get(self, diff_id: DiffId) -> Layer:
        """The layer's manifest; all beside its entries is read from the store when first used.

        Raises:
            KeyError: the layer is not kept.
            StoreError: what is kept cannot be read.
        """
        layer = unpack_manifest(diff_id, self._column(layers.c.manifest, diff_id))
        captured = Lazy(lambda: unpack_captured(self._column(layers.c.captured, diff_id)))
        observed = cache(
            lambda: unpack_observed(self._column(layers.c.observed, diff_id), self.text)
        )
        return replace(
            layer,
            captured=captured,
            forms=Lazy(lambda: observed().forms),
            parts=Lazy(lambda: observed().parts),
            symbols=Lazy(lambda: observed().symbols),
            texts=Lazy(lambda: observed().texts),
        )

    def text(self, digest: str) -> bytes | None:
        """A kept text by its digest; None where it is not kept."""
        query = sa.select(texts.c.body).where(texts.c.digest == digest)
        with self._database.read() as connection:
            stored = connection.execute(query).scalar_one_or_none()
        return None if stored is None else serial.decompress(stored)

    def put(self, layer: Layer) -> None:
        """Keep a layer; one that is kept already stays as it is."""
        if layer.diff_id in self:
            return
        digests = text_digests(layer)
        row = {
            "diff_id": layer.diff_id,
            "manifest": pack_manifest(layer),
            "captured": pack_captured(layer.captured),
            "observed": pack_observed(layer, digests),
        }
        contents = {digest: layer.texts[path] for path, digest in digests.items()}
        for attempt in range(_ATTEMPTS):
            try:
                self._insert(row, contents)
            except ConflictError:  # another one was quicker, with the same layer or text
                if layer.diff_id in self:
                    return
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _insert(self, row: Mapping[str, Any], contents: Mapping[Digest, bytes]) -> None:
        with self._database.read() as connection:
            absent = _absent(connection, contents)
        bodies = {digest: serial.compress(contents[digest]) for digest in absent}
        with self._database.write() as connection:
            connection.execute(layers.insert(), row)
            if contents:
                new = [
                    {
                        "digest": digest,
                        "body": bodies.get(digest) or serial.compress(contents[digest]),
                    }
                    for digest in _absent(connection, contents)
                ]
                if new:
                    connection.execute(texts.insert(), new)
                diff_id = row["diff_id"]
                held = [{"diff_id": diff_id, "digest": digest} for digest in contents]
                connection.execute(layer_texts.insert(), held)

    def _column(self, column: sa.Column[T], diff_id: DiffId) -> T:
        with self._database.read() as connection:
            query = sa.select(column).where(layers.c.diff_id == diff_id)
            stored = connection.execute(query).one_or_none()
        if stored is None:
            raise KeyError(diff_id)
        return stored[0]


def _absent(connection: sa.Connection, digests: Iterable[Digest]) -> list[Digest]:
    """Which of some texts are not kept, sorted."""
    wanted = sorted(digests)
    kept: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = texts.c.digest.in_(wanted[start : start + _AT_ONCE])
        kept.update(connection.execute(sa.select(texts.c.digest).where(some)).scalars())
    return [digest for digest in wanted if digest not in kept]


class Lazy(Mapping[str, V]):
    """What lies beside a layer's entries, by path; read when first used."""

    def __init__(self, read: Callable[[], Mapping[str, V]]) -> None:
        self._read = read
        self._files: Mapping[str, V] | None = None

    def _loaded(self) -> Mapping[str, V]:
        if self._files is None:
            self._files = self._read()
        return self._files

    def __getitem__(self, path: str) -> V:
        return self._loaded()[path]

    def __contains__(self, path: object) -> bool:
        return path in self._loaded()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())


def pack_manifest(layer: Layer) -> bytes:
    """A layer's entries, as bytes."""
    kinds = list(EntryType)
    numbers = {kind: number for number, kind in enumerate(kinds)}
    rows = map(_FIELDS, layer.entries)
    path, kind, digest, *others = zip(*rows, strict=True) if layer.entries else [()] * _WIDTH
    columns = dict(zip((*_COLUMNS, *_SPARSE), others, strict=True))
    return serial.pack_json(
        {
            "layer_size": layer.size,
            "uncaptured": dict(layer.uncaptured),
            "kinds": kinds,
            "path": path,
            "type": [numbers[each] for each in kind],
            **{name: columns[name] for name in _COLUMNS},
            "digest": digest,
            **{name: _sparse(columns[name]) for name in _SPARSE},
        }
    )


def _sparse(column: Iterable[Any]) -> dict[int, Any]:
    return {index: value for index, value in enumerate(column) if value not in (None, ())}


def unpack_manifest(diff_id: DiffId, stored: bytes) -> Layer:
    """The inverse of :func:`pack_manifest`. Raises StoreError where the bytes are damaged."""
    document = serial.unpack_json(stored)
    try:
        return Layer(
            diff_id,
            document["layer_size"],
            _entries(document),
            uncaptured=document["uncaptured"],
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
