"""Whatever is kept comes back equal: builds, manifests and captured files of any content."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift.builds import Build
from drift.errors import StoreError
from drift.oci import DiffId, Digest, ImageConfig
from drift.snapshot.model import Entry, EntryType, Layer, Packages
from drift.store import manifests, serial
from drift.store.store import Store
from support.store_samples import ENGINE, LAYER, NIGHT, NOW, build

# A high surrogate before a low one is a single character to JSON. Nothing that drift reads has
# both: decoded bytes give low ones alone, and JSON's own escapes are joined when they are read.
TEXT = st.text(st.characters() | st.integers(0xDC80, 0xDCFF).map(chr), max_size=8).filter(
    lambda text: json.loads(json.dumps(text)) == text
)
MOMENTS = st.datetimes(
    datetime(1, 1, 3),
    datetime(9999, 12, 29),
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=-9, minutes=-30)))),
)


def configuration(label: str) -> ImageConfig:
    labels = json.dumps({"os": "linux", "rootfs": {"diff_ids": [LAYER]}, "label": label})
    return ImageConfig.parse(labels.encode())


SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    date: st.dates(),
    datetime: MOMENTS,
    Digest: st.binary(max_size=3).map(Digest.of),
    DiffId: st.binary(max_size=3).map(DiffId.of),
    ImageConfig: TEXT.map(configuration),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that the models use."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is types.UnionType:
        return st.one_of([st.none() if a is types.NoneType else values(a) for a in arguments])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{f.name: values(hints[f.name]) for f in dataclasses.fields(kind)})


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(values(Build))
def test_builds_round_trip(made: Build) -> None:
    assert serial.unpack(Build, serial.pack(made)) == made


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values(Build), TEXT)
def test_any_build_can_be_stored(store: Store, any_build: Build, log: str) -> None:
    made = replace(any_build, id="b1", run="r1", image="web")
    if store.run("r1") is None:
        store.begin_run("r1", NIGHT, NOW, ENGINE)
    store.save_image("r1", "web", {"status": "first"}, [made], {"b1": log})
    assert store.build("b1") == made
    assert store.log("b1") == log
    assert store.builds("web", made.role) == (made,)
    for base in made.inputs.bases if made.inputs else ():
        assert store.registry_digest_seen(base.reference) or base.digest is None


PATHS = st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
ENTRIES = st.builds(
    Entry,
    PATHS,
    st.sampled_from(EntryType),
    st.integers(0, 0o7777),
    mtime=st.integers(-(2**63), 2**63),
    size=st.integers(0, 2**63),
    digest=st.none() | st.binary().map(Digest.of),
    link=st.none() | PATHS | st.just(""),
    device=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
    xattrs=st.lists(st.tuples(PATHS, st.just("00")), max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(st.lists(ENTRIES, max_size=5).map(tuple), st.dictionaries(PATHS, st.binary(), max_size=3))
def test_manifests_round_trip(entries: tuple[Entry, ...], files: dict[str, bytes]) -> None:
    layer = Layer(LAYER, 7, entries, files, {"/big": "too large"})
    read = manifests.unpack_manifest(LAYER, manifests.pack_manifest(layer))
    captured = manifests.unpack_captured(manifests.pack_captured(files))
    assert replace(read, captured=captured) == layer


def test_what_an_older_drift_did_not_write_has_its_default() -> None:
    stored = serial.pack_json({"items": [{"purl": "pkg:npm/a", "version": "1", "newer": 1}]})
    (package,) = serial.unpack(Packages, stored)
    assert (package.purl, package.files, package.source) == ("pkg:npm/a", (), None)


@pytest.mark.parametrize(
    "stored", [None, [], {"id": "x"}, {"id": None}, "text", 1, {"items": 1}, {"items": [None]}]
)
def test_other_values_than_were_written_are_errors(stored: Any) -> None:
    with pytest.raises(StoreError, match="not a Build"):
        serial.unpack(Build, serial.pack_json(stored))
    wrong = {**serial.unpack_json(serial.pack(build("r1"))), "image": None}
    with pytest.raises(StoreError, match="not a Build"):
        serial.unpack(Build, serial.pack_json(wrong))
