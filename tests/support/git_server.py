"""A git server of a test's own (``git daemon``), and a repository in it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.registry import free_address

_AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@example.org")


@dataclass(frozen=True)
class Upstream:
    """A repository that is served; ``url`` is what one clones."""

    root: Path
    url: str

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *_AUTHOR, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """One more commit on main; gives its id."""
        for name, text in files.items():
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")
        return self.git("rev-parse", "HEAD")


@contextmanager
def running_git(directory: Path) -> Iterator[Upstream]:
    """Serve one empty repository, ``upstream``, on a free loopback port."""
    root = directory / "upstream"
    root.mkdir(parents=True)
    host, _, port = free_address().partition(":")
    process = subprocess.Popen(
        ["git", "daemon", "--export-all", "--reuseaddr", f"--base-path={directory}",
         f"--listen={host}", f"--port={port}", directory],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(host, int(port))
        upstream = Upstream(root, f"git://{host}:{port}/upstream")
        upstream.git("init", "-q", "-b", "main")
        yield upstream
    finally:
        subprocess.run(["pkill", "-P", str(process.pid)], check=False)
        process.terminate()
        process.wait(10)


def _wait_for(host: str, port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("git daemon does not answer")
