from __future__ import annotations

import hashlib
import json
import ssl
import threading
from pathlib import Path

import pytest

from drift.engine.connection import Connection
from drift.engine.engine import Engine
from drift.errors import EngineError
from support.certificates import make_certificates
from support.proxy import forwarded


@pytest.fixture
def socket_path(engine_host: str) -> str:
    assert engine_host.startswith("unix://"), "these tests forward the engine's own socket"
    return engine_host.removeprefix("unix://")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    make_certificates(directory)
    return directory


def _server_tls(certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "server-cert.pem", certificates / "server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_every_thread_has_a_client_of_its_own(engine_host: str) -> None:
    with Engine.connect(engine_host) as engine:
        clients = [engine.connection.client]
        ids: list[str] = []

        def ask() -> None:
            clients.append(engine.connection.client)
            ids.append(engine.connection.client.info()["ID"])

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(client) for client in clients}) == 5
        assert len(ids) == 4
        assert len(set(ids)) == 1


def test_identity_is_what_the_engine_says(engine_host: str) -> None:
    with Engine.connect(engine_host) as engine:
        found = engine.identity("classic")
        assert found.name in ("docker", "podman")
        assert found.version == engine.connection.version["Version"]
        assert found.platform.startswith("linux/")
        assert found.cpus > 0
        assert found.kernel
        assert found.storage_driver


def test_the_disk_of_a_local_engine_is_measured(engine_host: str, base_image: str) -> None:
    with Engine.connect(engine_host) as engine:
        space = engine.disk()
    assert space is not None
    assert 0 < space.free < space.total


def test_tcp_from_the_environment(socket_path: str) -> None:
    with forwarded(socket_path) as address:
        connection = Connection.open(None, {"DOCKER_HOST": f"tcp://{address}"})
        assert connection.client.info()["ID"]
        connection.close()


def test_tls_from_the_environment(socket_path: str, certificates: Path) -> None:
    environment = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    with forwarded(socket_path, _server_tls(certificates)) as address:
        connection = Connection.open(f"tcp://{address}", environment)
        assert connection.client.info()["ID"]
        connection.close()


def test_tls_of_an_authority_that_is_not_ours(
    socket_path: str, certificates: Path, tmp_path: Path
) -> None:
    make_certificates(tmp_path)
    environment = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    with (
        forwarded(socket_path, _server_tls(certificates)) as address,
        pytest.raises(EngineError, match="TLS failed") as caught,
    ):
        Connection.open(f"tcp://{address}", environment)
    assert caught.value.hint
    assert "ca.pem" in caught.value.hint


def test_the_current_context_with_its_certificates(
    socket_path: str, certificates: Path, tmp_path: Path
) -> None:
    key = hashlib.sha256(b"far").hexdigest()
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "far"}))
    tls = tmp_path / "contexts" / "tls" / key / "docker"
    tls.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tls / name).write_bytes((certificates / name).read_bytes())
    meta = tmp_path / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    with forwarded(socket_path, _server_tls(certificates)) as address:
        endpoint = {"Host": f"tcp://{address}", "SkipTLSVerify": False}
        meta.write_text(json.dumps({"Name": "far", "Endpoints": {"docker": endpoint}}))
        connection = Connection.open(None, {"DOCKER_CONFIG": str(tmp_path)})
        assert connection.client.info()["ID"]
        assert "far" in connection.endpoint.chosen_by
        connection.close()


def test_ssh_runs_the_ssh_program(
    socket_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for ssh bridges to the socket, as ``docker system dial-stdio`` does."""
    program = tmp_path / "ssh"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import os, socket, sys, threading\n"
        "assert sys.argv[-1] == 'docker system dial-stdio', sys.argv\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect({socket_path!r})\n"
        "def up():\n"
        "    while b := os.read(0, 65536): s.sendall(b)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while b := s.recv(65536): os.write(1, b)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    connection = Connection.open("ssh://user@host.example.org", {})
    assert connection.client.info()["ID"]
    connection.close()


def test_ssh_that_fails_tells_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EngineError, match=r"Host key verification failed\.") as caught:
        Connection.open("ssh://user@host.example.org", {})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("unix:///nowhere/docker.sock", "no engine answers"),
        ("tcp://127.0.0.1:1", "no engine answers"),
        ("tcp://engine.invalid:2375", "no such host"),
        ("ftp://127.0.0.1", "not an engine's address"),
    ],
)
def test_an_engine_that_is_not_there(host: str, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        Connection.open(host, {})
    assert caught.value.hint
