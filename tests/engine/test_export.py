from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime

import docker
import pytest

from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.errors import EngineError


@pytest.fixture(scope="module")
def engine(engine_host: str) -> Iterator[Engine]:
    with Engine.connect(engine_host) as engine:
        yield engine


def test_an_export_is_a_whole_archive(engine: Engine, base_image: str) -> None:
    with engine.export(base_image) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        names = [member.name for member in archive]
    assert "manifest.json" in names


def test_an_export_left_early_leaves_the_engine_usable(engine: Engine, base_image: str) -> None:
    with engine.export(base_image) as stream:
        assert len(stream.read(10)) == 10
    assert engine.inspect(base_image) is not None


def test_an_export_of_nothing(engine: Engine) -> None:
    with pytest.raises(EngineError, match="cannot export"), engine.export("drift-test/absent:1"):
        pass


def test_own_names_come_and_go(engine: Engine, base_image: str) -> None:
    reference = own_reference("web-1.x", "20261123-n")
    base = engine.inspect(base_image)
    assert base is not None
    engine.tag(base_image, reference)
    named = engine.inspect(reference)
    assert named is not None
    assert named.image_id == base.image_id
    assert named.diff_ids == base.diff_ids
    assert reference in engine.own_references()
    assert engine.remove(reference) is True
    assert engine.remove(reference) is False
    assert engine.inspect(reference) is None
    assert engine.inspect(base_image) is not None


def test_names_of_others_are_never_touched(engine: Engine, base_image: str) -> None:
    with pytest.raises(ValueError, match="not drift's own"):
        engine.remove(base_image)
    with pytest.raises(ValueError, match="not drift's own"):
        engine.tag(base_image, "debian:bookworm")


def test_an_image_that_has_a_name_is_no_leaving(
    engine: Engine, api: docker.APIClient, base_image: str
) -> None:
    image_id = str(api.inspect_image(base_image)["Id"])
    absent = "sha256:" + "0" * 64
    cleanup = engine.remove_nameless_images([image_id, absent], datetime.fromtimestamp(0, UTC))
    assert cleanup.removed == ()
    assert cleanup.kept == {}
    assert engine.inspect(base_image) is not None
