"""A compose project, by the compose that is installed: Debian 12's is the first, newer are the
second, which is told by the ``docker`` command or by a program of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

SERVICE = "com.docker.compose.service"


def compose_command() -> list[str]:
    """``docker-compose`` or ``docker compose``, or what the environment names."""
    named = shlex.split(os.environ.get("DRIFT_TEST_COMPOSE", ""))
    return named or (
        ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    )


@dataclass(frozen=True)
class Project:
    """A directory with a compose file, whose name is the project's."""

    directory: Path
    host: str  # the engine's

    def __call__(self, *arguments: str) -> str:
        """Run compose; what it printed. Fails where compose does."""
        # The first speaks a version of the API that the newest engines refuse by default.
        environ = {**os.environ, "DOCKER_HOST": self.host, "COMPOSE_API_VERSION": "auto"}
        ran = subprocess.run(
            [*compose_command(), *arguments],
            cwd=self.directory,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, (arguments, ran.stdout, ran.stderr)
        return ran.stdout

    @property
    def version(self) -> int:
        """1 or 2, or what comes after."""
        return int(self("version", "--short").strip().lstrip("v").partition(".")[0])

    def containers(self, api: docker.APIClient) -> dict[str, dict[str, Any]]:
        """The inspect documents of its containers, by the name of their service."""
        filters = {"label": f"com.docker.compose.project={self.directory.name}"}
        found = [api.inspect_container(one) for one in api.containers(all=True, filters=filters)]
        return {one["Config"]["Labels"][SERVICE]: one for one in found}
