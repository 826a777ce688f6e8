"""What serves the demo's world on loopback: a web server and an image registry."""

from __future__ import annotations

import http.client
import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from drift.demo.failure import DemoError
from drift.engine.engine import Engine
from drift.errors import EngineError

LOOPBACK = "127.0.0.1"
_REGISTRY_IMAGE = "registry:2"
_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: "{root}"}}}}
http: {{addr: "{address}"}}
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        pass


@contextmanager
def web_server(directory: Path, port: int) -> Iterator[str]:
    """Serve a directory; gives ``http://127.0.0.1:PORT``, ``port`` itself where it is free."""
    address = (LOOPBACK, free_port(port))
    handler = partial(_Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(address, handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def registry(engine: Engine, directory: Path, port: int) -> Iterator[str]:
    """Run a registry that keeps its content in ``directory``; gives ``127.0.0.1:PORT``.

    The ``docker-registry`` program where there is one, else a container of the engine.

    Raises:
        DemoError: there is neither.
        EngineError: the container cannot be run.
    """
    address = f"{LOOPBACK}:{free_port(port)}"
    program = shutil.which("docker-registry")
    running = _process(program, directory, address) if program else _container(engine, address)
    with running:
        yield address


def free_port(preferred: int) -> int:
    """``preferred`` where nothing listens on it, else any port that was free a moment ago."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("no loopback port is free")


@contextmanager
def _process(program: str, directory: Path, address: str) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "config.yml"
    configuration.write_text(_CONFIGURATION.format(root=directory / "content", address=address))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", configuration], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(address, f"{program}; its log is {directory / 'log'}")
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _container(engine: Engine, address: str) -> Iterator[None]:
    client = engine.connection.client
    try:
        image = engine.pull(_REGISTRY_IMAGE, None, "missing")
    except EngineError as error:
        raise DemoError(
            f"no docker-registry program, and {_REGISTRY_IMAGE} cannot be pulled ({error})",
            hint="install it (Debian, Ubuntu: apt-get install docker-registry), or pull "
            f"{_REGISTRY_IMAGE}",
        ) from error
    with engine.connection.failures("running a registry"):
        made = client.create_container(
            image.reference,
            environment={"REGISTRY_HTTP_ADDR": address},
            host_config=client.create_host_config(network_mode="host"),
        )
        client.start(made)
    try:
        _wait_until_it_answers(address, f"the container {made['Id'][:12]} of {_REGISTRY_IMAGE}")
        yield
    finally:
        with engine.connection.failures("removing the demo's registry"):
            client.remove_container(made, force=True, v=True)


def _wait_until_it_answers(address: str, who: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(address, timeout=2)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise DemoError(f"no registry answers at {address}: {who}")
