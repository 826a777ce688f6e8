"""What was learned of layers' files is kept beside them, and small texts once by digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import StoreError
from drift.oci import DiffId, Digest
from drift.snapshot.forms import Window
from drift.snapshot.layer import nothing_captured, read_layer
from drift.snapshot.model import Layer, NormalForm
from drift.snapshot.observe import Observer
from drift.snapshot.parts import Parts, lines
from drift.store import observed, serial
from drift.store.database import Database
from drift.store.schema import layers
from drift.store.store import Store
from support.elf import SYMBOLS, library
from support.images import file, tar
from support.store_samples import LAYER

WINDOW = Window(datetime(2026, 11, 22, 1, tzinfo=UTC), datetime(2026, 11, 22, 2, tzinfo=UTC))
NIGHT = date(2026, 11, 22)


def layer_of(**texts: str) -> Layer:
    """A layer as drift reads it, with a library and a blob beside the texts."""
    members = [file(name, content) for name, content in texts.items()]
    members += [file("blob", bytes(range(256)) * 99), file("a.so", library(SYMBOLS))]
    return read_layer(iter([tar(members)]), "a layer", nothing_captured(), Observer(WINDOW))


def fields(layer: Layer) -> list[dict[str, object]]:
    return [dict(each) for each in (layer.forms, layer.parts, layer.symbols, layer.texts)]


def test_what_was_learned_comes_back(store: Store) -> None:
    layer = layer_of(a="one\ntwo\n", b="\x0cform feed, no lines")
    form = NormalForm("bytecode", Digest.of(b"normal"))
    layer = replace(layer, forms={"/blob\udcff": form})
    store.layers.put(layer)
    read = store.layers.get(layer.diff_id)
    assert fields(read) == fields(layer)
    assert read.parts["/a"] == lines(b"one\ntwo\n")
    assert "/nothing" not in read.parts
    with pytest.raises(KeyError):
        read.texts["/nothing"]


def test_plain_mappings_are_kept_too(store: Store) -> None:
    layer = Layer(LAYER, 1, (), parts={"/a": (1, 2**64 - 1)}, symbols={"/s": ("f",)})
    store.layers.put(layer)
    assert fields(store.layers.get(LAYER)) == fields(layer)


def test_texts_are_kept_once_and_found_by_their_digests(store: Store, url: str) -> None:
    one, other = layer_of(a="same", b="same"), layer_of(c="same", d="other")
    for layer in (one, other):
        store.layers.put(layer)
    assert store.texts(Digest.of(b"same")) == b"same"
    assert store.texts(Digest.of(b"never seen")) is None
    assert _texts(url) == 2


def test_texts_go_with_the_last_layer_that_holds_them(store: Store, url: str) -> None:
    store.layers.put(layer_of(a="text"))
    store.prune(NIGHT, 1, 0)
    assert store.texts(Digest.of(b"text")) is None
    assert _texts(url) == 0


def test_a_layer_that_an_older_drift_kept_has_nothing_learned(store: Store, url: str) -> None:
    layer = layer_of(a="text")
    store.layers.put(replace(layer, forms={}, parts={}, symbols={}, texts={}))
    assert fields(store.layers.get(layer.diff_id)) == [{}, {}, {}, {}]


def test_the_manifest_is_read_without_what_lies_beside_it(store: Store, url: str) -> None:
    layer = layer_of(a="text")
    store.layers.put(layer)
    _damage(url, layer.diff_id)
    read = store.layers.get(layer.diff_id)
    assert read.entries == layer.entries
    with pytest.raises(StoreError, match="damaged"):
        dict(read.forms)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"1", b"{}", b"[" * 9999])
def test_a_damaged_index_is_an_error(line: bytes) -> None:
    with pytest.raises(StoreError, match="damaged"):
        observed.unpack_observed(serial.compress(line + b"\n1"), lambda _: None)


@given(st.dictionaries(st.text(), st.lists(st.integers(0, 2**64 - 1)).map(tuple)))
def test_parts_round_trip(parts: dict[str, tuple[int, ...]]) -> None:
    layer = Layer(LAYER, 1, (), parts=Parts(parts, {}, {}, WINDOW))
    packed = observed.pack_observed(layer, {})
    read = observed.unpack_observed(packed, lambda _: None).parts
    assert dict(read) == parts
    assert not parts or (isinstance(read, Parts) and read.window == WINDOW)


def _damage(url: str, diff_id: DiffId) -> None:
    database = Database(url)
    with database.write() as connection:
        connection.execute(
            sa.update(layers).where(layers.c.diff_id == diff_id).values(observed=b"\x01damaged")
        )
    database.close()


def _texts(url: str) -> int:
    database = Database(url)
    with database.read() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM texts")).scalar_one()
    database.close()
    return int(count)
