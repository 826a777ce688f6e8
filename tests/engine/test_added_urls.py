"""What BuildKit keeps of a URL that ADD fetched, and a server whose ETag lies."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.engine.model import BuildRequest
from drift.oci import Digest
from drift.snapshot.model import EntryType, LayersInMemory
from drift.snapshot.take import snapshot_of_stream
from support.contexts import tar_context
from support.web import running_web


@pytest.fixture(scope="module")
def engine(engine_host: str) -> Iterator[Engine]:
    with Engine.connect(engine_host) as engine:
        yield engine


def added(engine: Engine, url: str) -> Digest | None:
    """The file that a build from nothing has after ``ADD url``."""
    tag = own_reference("added-urls", "1")
    request = BuildRequest(
        context=tar_context({"Dockerfile": f"FROM scratch\nADD {url} /x\n"}),
        dockerfile="Dockerfile",
        tag=tag,
        builder="buildkit",
    )
    result = engine.build(request, on_progress=lambda _: None, cancelled=threading.Event())
    assert result.failure is None
    layers = LayersInMemory()
    try:
        with engine.export(tag) as stream:
            snapshot = snapshot_of_stream(stream, "the export", layers)
    finally:
        engine.remove(tag)
    entries = layers.get(snapshot.layers[-1].diff_id).entries
    return next(entry.digest for entry in entries if entry.type is EntryType.FILE)


def test_a_forgotten_url_is_fetched_again_though_its_etag_is_the_same(engine: Engine) -> None:
    with running_web() as web:
        url, kept = f"{web.url}/x", f"{web.url}/kept"
        etag = {"ETag": '"always"'}
        for page in ("/x", "/kept"):
            web.pages[page] = (200, etag, b"old")
            assert added(engine, f"{web.url}{page}") == Digest.of(b"old")
            web.pages[page] = (200, etag, b"new")
            assert added(engine, f"{web.url}{page}") == Digest.of(b"old")  # why drift probes

        assert engine.forget_urls([url]) == ()

        assert added(engine, url) == Digest.of(b"new")
        assert added(engine, kept) == Digest.of(b"old")
        assert engine.forget_urls([url, kept, f"{web.url}/never"]) == ()
        assert not [
            record
            for record in engine.cache_records().values()
            if record.description.startswith(f"http url {web.url}/")
        ]
