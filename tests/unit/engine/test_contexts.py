from __future__ import annotations

from pathlib import Path

import pytest

from drift.engine.contexts import DEFAULT_HOST, choose_endpoint
from drift.errors import EngineError


def test_the_configuration_comes_before_the_environment() -> None:
    endpoint = choose_endpoint("unix:///a", {"DOCKER_HOST": "unix:///b"})
    assert (endpoint.host, endpoint.chosen_by) == ("unix:///a", "drift.toml")


def test_without_anything_the_usual_socket(tmp_path: Path) -> None:
    assert choose_endpoint(None, {"DOCKER_CONFIG": str(tmp_path)}).host == DEFAULT_HOST


def test_docker_host_comes_before_a_context() -> None:
    chosen = choose_endpoint(None, {"DOCKER_HOST": "unix:///b", "DOCKER_CONTEXT": "far"})
    assert chosen.host == "unix:///b"


def test_a_bare_address_is_tcp() -> None:
    assert choose_endpoint("127.0.0.1:2375", {}).host == "tcp://127.0.0.1:2375"


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "far"}
    with pytest.raises(EngineError, match="no docker context 'far'"):
        choose_endpoint(None, environment)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"nonsense"])
def test_a_configuration_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(EngineError, match="cannot be read"):
        choose_endpoint(None, {"DOCKER_CONFIG": str(tmp_path)})


def test_tls_is_not_verified_where_the_user_said_so(tmp_path: Path) -> None:
    environment = {"DOCKER_TLS": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    endpoint = choose_endpoint("tcp://127.0.0.1:2376", environment)
    assert endpoint.tls is not None
    assert endpoint.tls.verify is False
    assert choose_endpoint("unix:///a", environment).tls is None
