"""Registries that ask who pulls: docker's own configuration answers."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from drift.engine.engine import Engine
from drift.engine.pull import PullError, PullFailure
from support.engine_fixtures import remove_tags
from support.registry import running_registry

USER, PASSWORD = "puller", "correct-horse"
# bcrypt of the password, as htpasswd -B writes it.
ENTRY = f"{USER}:$2b$05$VOA16w4yuYS2q..k0XwwSeyIPgpDzSpD2iwUG.Kzg25xKoqfJi2Nu\n"


@pytest.fixture(scope="module")
def private(
    api: docker.APIClient, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A reference in a registry that wants a password."""
    root = tmp_path_factory.mktemp("private")
    (root / "htpasswd").write_text(ENTRY)
    extra = f"auth: {{htpasswd: {{realm: test, path: {root / 'htpasswd'}}}}}\n"
    with running_registry(root, extra=extra) as address:
        repository = f"{address}/private/base"
        api.tag(base_image, repository, "1")
        credentials = {"username": USER, "password": PASSWORD}
        pushed = api.push(repository, "1", stream=True, decode=True, auth_config=credentials)
        assert not [line for line in pushed if "error" in line]
        api.remove_image(f"{repository}:1")
        yield f"{repository}:1"
        remove_tags(api, f"{address}/")


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def pull(engine_host: str, reference: str) -> str | None:
    with Engine.connect(engine_host) as engine:
        return engine.pull(reference, None, "always").digest


def test_a_login_in_the_configuration_is_used(
    engine_host: str, private: str, docker_config: Path
) -> None:
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    docker_config.write_text(json.dumps({"auths": {private.partition("/")[0]: {"auth": login}}}))
    digest = pull(engine_host, private)
    assert digest is not None
    assert digest.startswith("sha256:")


def test_a_credential_helper_is_asked(
    engine_host: str,
    private: str,
    docker_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper = tmp_path / "docker-credential-testing"
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    host = private.partition("/")[0]
    docker_config.write_text(json.dumps({"credHelpers": {host: "testing"}}))
    assert pull(engine_host, private) is not None


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_password_it_is_the_authentication_that_failed(
    engine_host: str, private: str, docker_config: Path, password: str | None
) -> None:
    auths = {}
    if password is not None:
        login = base64.b64encode(f"{USER}:{password}".encode()).decode()
        auths = {private.partition("/")[0]: {"auth": login}}
    docker_config.write_text(json.dumps({"auths": auths}))
    with pytest.raises(PullError) as caught:
        pull(engine_host, private)
    assert caught.value.kind is PullFailure.AUTHENTICATION
    assert "docker login" in str(caught.value.hint)
