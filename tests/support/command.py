"""The ``drift`` command for tests: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from drift.cli import output
from drift.cli.app import run

NO_ENGINE = "unix:///nowhere/docker.sock"
_STEERING = ("NO_COLOR", "FORCE_COLOR", "CI", "DRIFT_DEBUG", "DOCKER_HOST", "DOCKER_CONTEXT")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Drift:
    """Runs the command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Ran:
        self.capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = self.capsys.readouterr()
        return Ran(code, printed.out, printed.err)


@pytest.fixture
def drift(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Drift:
    """The command in this process; no engine answers, and nothing steers what it prints."""
    monkeypatch.setattr(output, "_masks", [])
    for name in (*_STEERING, *(key for key in os.environ if "GITHUB" in key)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    return Drift(capsys)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would colour or steer drift's output."""
    kept = {k: v for k, v in os.environ.items() if k not in _STEERING and "GITHUB" not in k}
    return {**kept, **more}


def drift_process(
    *arguments: str | Path,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "drift", *map(str, arguments)],
        cwd=cwd,
        env=environment(**(environ or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
