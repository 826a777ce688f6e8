from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from drift.engine.engine import Engine
from drift.engine.pull import PullError, PullFailure
from drift.oci import Platform
from support.registry import push


@pytest.fixture(scope="module")
def engine(engine_host: str) -> Iterator[Engine]:
    with Engine.connect(engine_host) as engine:
        yield engine


@pytest.fixture(scope="module")
def pushed(api: docker.APIClient, base_image: str, registry: str) -> tuple[str, str]:
    """A reference that the registry has, with the registry's digest of it."""
    reference = f"{registry}/base/pushed:1"
    return reference, push(api, base_image, reference)


def test_a_pull_gives_the_registrys_digest(engine: Engine, pushed: tuple[str, str]) -> None:
    reference, digest = pushed
    engine.connection.client.remove_image(reference)
    pulled = engine.pull(reference, None, "always")
    assert pulled.reference == reference
    assert pulled.digest == digest
    assert pulled.diff_ids
    assert pulled.history_length >= 1
    local = engine.local_image(reference)
    assert local is not None
    assert (local.image_id, local.diff_ids) == (pulled.image_id, pulled.diff_ids)


def test_the_registrys_digest_without_a_pull(engine: Engine, pushed: tuple[str, str]) -> None:
    reference, digest = pushed
    assert engine.digest_in_registry(reference) == digest
    assert engine.digest_in_registry(f"{reference}-gone") is None
    assert engine.digest_in_registry("127.0.0.1:1/nobody/listens:1") is None


def test_a_pull_by_digest(engine: Engine, pushed: tuple[str, str]) -> None:
    reference, digest = pushed
    by_digest = f"{reference.rpartition(':')[0]}@{digest}"
    assert engine.pull(by_digest, None, "always").digest == digest
    assert engine.pull(f"{reference}@{digest}", None, "always").digest == digest


def test_missing_and_never_do_not_ask_the_registry(engine: Engine, base_image: str) -> None:
    for policy in ("missing", "never"):
        assert engine.pull(base_image, None, policy).digest is None


def test_never_without_the_image(engine: Engine) -> None:
    with pytest.raises(PullError) as caught:
        engine.pull("drift-test/absent:1", None, "never")
    assert caught.value.kind is PullFailure.ABSENT


def test_a_tag_that_the_registry_does_not_have(engine: Engine, pushed: tuple[str, str]) -> None:
    with pytest.raises(PullError) as caught:
        engine.pull(pushed[0] + "-gone", None, "always")
    assert caught.value.kind is PullFailure.NOT_FOUND
    assert caught.value.hint


def test_a_registry_that_is_away(engine: Engine) -> None:
    with pytest.raises(PullError) as caught:
        engine.pull("127.0.0.1:1/base:1", None, "always")
    assert caught.value.kind is PullFailure.NETWORK
    assert engine.local_image("127.0.0.1:1/base:1") is None


def test_another_platform(engine: Engine, pushed: tuple[str, str]) -> None:
    other = Platform("linux", "s390x")
    with pytest.raises(PullError) as caught:
        engine.pull(pushed[0], other, "never")
    assert caught.value.kind is PullFailure.PLATFORM
    with pytest.raises(PullError) as caught:
        engine.pull(pushed[0], other, "always")
    assert caught.value.kind is PullFailure.PLATFORM


def _helper(directory: Path, script: str) -> None:
    program = directory / "docker-credential-testing"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    "script",
    ["echo 'the vault is sealed' >&2; exit 1", "echo 'not json'", "echo '{}'"],
    ids=["fails", "babbles", "gives nothing"],
)
def test_a_credential_helper_that_fails(
    engine_host: str,
    pushed: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
) -> None:
    _helper(tmp_path, script)
    host = pushed[0].partition("/")[0]
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {host: "testing"}}))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Engine.connect(engine_host) as engine, pytest.raises(PullError) as caught:
        engine.pull(pushed[0], None, "always")
    assert caught.value.kind is PullFailure.AUTHENTICATION
    assert "helper" in (caught.value.hint or "")


def test_a_credential_helper_is_asked(
    engine_host: str, pushed: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    _helper(tmp_path, f'cat > {asked}; echo \'{{"Username": "u", "Secret": "s"}}\'')
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "testing"}))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Engine.connect(engine_host) as engine:
        assert engine.pull(pushed[0], None, "always").digest == pushed[1]
    assert asked.read_text() == pushed[0].partition("/")[0]
