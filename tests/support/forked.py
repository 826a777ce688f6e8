"""drift's command line without its start-up: a process that has imported drift forks for a run.

Each run is a process of its own, with its own environment and directory, as a user's is; only
the second that the imports take is paid once. What is run is :func:`drift.cli.main`.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_TIMEOUT = 300.0


def run(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> tuple[int, str, str]:
    """Run ``drift ARGUMENTS``: exit code, stdout, stderr."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        job = {
            "arguments": list(arguments),
            "directory": str(directory),
            "environment": dict(environment),
            "out": out.name,
            "err": err.name,
        }
        code = _server().run(job)
        return code, out.read().decode(), err.read().decode()


class _Server:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def run(self, job: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(_TIMEOUT):
                self._process.kill()
                _server.cache_clear()  # the next run has another
                raise TimeoutError(f"drift {job['arguments']} did not end in {_TIMEOUT:g} s")
        return int(self._process.stdout.readline())


@cache
def _server() -> _Server:
    return _Server()


def _serve() -> None:
    import git  # noqa: F401 (drift itself imports it late)

    import drift
    from drift.report.pages.environment import environment

    for module in pkgutil.walk_packages(drift.__path__, "drift."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    for name in environment().list_templates(["j2"]):
        environment().get_template(name)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(job)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(job: dict[str, Any]) -> None:
    """Be the run: never returns."""
    os.setsid()
    # What runs in a shell's background ignores it, and so would the run.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(job["directory"])
    os.environ.clear()
    os.environ.update(job["environment"])
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(job[name], os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["drift", *job["arguments"]]
    code: object = 120
    try:
        from drift.cli import main

        main()
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 120)


if __name__ == "__main__":
    _serve()
