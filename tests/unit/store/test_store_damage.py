"""A store that is damaged, foreign or out of reach is told, never read as empty or as whole."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
import zstandard

from drift.errors import StoreError
from drift.store import manifests, serial
from drift.store.database import Database
from drift.store.schema import context_chunks, layers
from drift.store.store import Store
from support.store_samples import DIGEST, LAYER, MANIFEST, NIGHT, build, document, record

CONTEXT = random.Random(1).randbytes(50_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite store that holds one of everything, at rest."""
    path = tmp_path / "drift.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.layers.put(MANIFEST)
        store.keep_context(DIGEST, [CONTEXT])
        record(store, "r1", names="web api")
        store.accept("web", "r1-web", build("r1").started_at, "reviewed")
    return path


def read_all(path: Path) -> None:
    """Read everything; what can be read is what was written."""
    with Store.open(f"sqlite:///{path}") as store:
        assert store.baseline_accepted("web") in (None, build("r1"))
        assert store.build("r1-api") in (None, build("r1", "api"))
        assert store.log("r1-web") in (None, "log\udcff")
        run = store.run("r1")
        assert run is None or run.images.get("web") in (None, document(run="r1"))
        with suppress(KeyError):
            layer = store.layers.get(LAYER)
            assert (layer.entries, dict(layer.captured)) == (MANIFEST.entries, MANIFEST.captured)
        opened = store.open_context(DIGEST)
        assert opened is None or opened.read() == CONTEXT
        store.history(None, 9)
        store.runs(9)
        store.prune(NIGHT, 1, 1 << 30)


def test_a_damaged_file_gives_store_errors_or_what_was_written(file: Path) -> None:
    whole, random_ = file.read_bytes(), random.Random(20261123)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(random_.choice((1, 20, 200))):
            damaged[random_.randrange(len(damaged))] ^= 1 << random_.randrange(8)
        file.write_bytes(damaged)
        try:
            read_all(file)
        except StoreError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_told(file: Path, kept: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(StoreError) as raised:
        read_all(file)
    assert raised.value.hint


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + bytes(99)]
)
def test_a_file_that_is_no_store_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drift.db").write_bytes(content)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/drift.db")
    assert (tmp_path / "drift.db").read_bytes() == content


def test_a_directory_in_the_file_s_place_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        Store.open(f"sqlite:///{tmp_path}")


def test_a_file_in_the_directory_s_place_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot create the store's directory"):
        Store.open(f"sqlite:///{tmp_path}/file/drift.db")


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory of root's (or read-only), as a user sees it who may not write there."""
    with tempfile.TemporaryDirectory() as directory:
        place, user = Path(directory), os.geteuid()
        try:
            yield place
        finally:
            os.seteuid(user)
            place.chmod(0o700)


def lose_privileges(place: Path) -> None:
    """May read from here on, and write no more."""
    for path in (*place.iterdir(), place):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_a_directory_without_permission_says_what_to_do() -> None:
    with unprivileged() as place:
        lose_privileges(place)
        with pytest.raises(StoreError, match="unable to open") as raised:
            Store.open(f"sqlite:///{place}/drift.db")
        assert raised.value.hint == "check that the directory exists and that you may write there"
        with pytest.raises(StoreError, match="Permission denied"):
            Store.open(f"sqlite:///{place}/deeper/drift.db")


def test_a_file_without_permission_says_what_to_do() -> None:
    with unprivileged() as place:
        url = f"sqlite:///{place}/drift.db"
        with Store.open(url) as store:
            record(store, "r1")
        lose_privileges(place)
        with pytest.raises(StoreError) as raised, Store.open(url) as store:
            store.begin_run("r2", NIGHT, build("r1").started_at, None)
        assert "permission" in str(raised.value.hint) or "may write" in str(raised.value.hint)


def test_a_missing_chunk_is_no_shorter_context(store: Store, url: str) -> None:
    store.keep_context(DIGEST, [os.urandom(4 << 20)])
    database = Database(url)
    with database.write() as connection:
        connection.execute(context_chunks.delete().where(context_chunks.c.position == 3))
    database.close()
    opened = store.open_context(DIGEST)
    assert opened is not None
    with pytest.raises(StoreError, match="not what was kept"):
        opened.read()


def test_a_layer_whose_captured_files_are_damaged_is_an_error(store: Store, url: str) -> None:
    store.layers.put(MANIFEST)
    database = Database(url)
    with database.write() as connection:
        connection.execute(sa.update(layers).values(captured=serial.compress(b"[[1]]\n")))
    database.close()
    layer = store.layers.get(LAYER)
    with pytest.raises(StoreError, match="captured"):
        dict(layer.captured)


@pytest.mark.parametrize(
    "index", [b"", b"{", b"1", b"[1]", b'[["/a"]]', b'[["/a","1"]]', b'[["/a",5]]', b"[" * 9999]
)
def test_a_damaged_index_of_captured_files_is_an_error(index: bytes) -> None:
    with pytest.raises(StoreError, match="damaged"):
        manifests.unpack_captured(serial.compress(index + b"\n1"))


def test_columns_of_different_lengths_are_no_shorter_layer() -> None:
    stored = serial.unpack_json(manifests.pack_manifest(MANIFEST))
    with pytest.raises(StoreError, match="manifest"):
        manifests.unpack_manifest(LAYER, serial.pack_json({**stored, "mode": []}))


def test_damaged_bytes_are_an_error_not_a_value() -> None:
    packed = serial.compress(b'{"a": "some text that is kept"}')
    frames = [packed[:-4], b"", b"\x02" + packed[1:], packed + b"more", packed[:1]]
    for stored in (*frames, packed[:20] + bytes([packed[20] ^ 1]) + packed[21:]):
        with pytest.raises(StoreError, match="damaged"):
            serial.unpack_json(stored)


def test_a_value_that_grows_without_end_is_refused_before_it_takes_memory() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = b"\x01" + b"".join(compressor.compress(bytes(1 << 20)) for _ in range(64))
    with pytest.raises(StoreError, match="absurd"):
        serial.decompress(bomb + compressor.flush())


def test_a_server_that_does_not_answer_says_so_and_not_the_password() -> None:
    with pytest.raises(StoreError, match="refused") as raised:
        Store.open("postgresql://drift:geheim@127.0.0.1:1/drift")
    assert raised.value.hint == "check that the database server runs and that [store] url names it"
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("drift.db", "not a database URL"),
        ("", "not a database URL"),
        ("sqlite://", "must be a file"),
        ("nothing://host/name", "no driver"),
    ],
)
def test_a_url_that_names_no_database_says_so(url: str, match: str) -> None:
    with pytest.raises(StoreError, match=match) as raised:
        Store.open(url)
    assert raised.value.hint
