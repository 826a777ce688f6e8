"""A project of a user's: a git repository with a drift.toml, and its nights."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import docker

from support import forked
from support.conformance import assert_conforms
from support.processes import next_second
from support.registry import push

FIRST_NIGHT = date(2026, 11, 1)

# What a shell and a handful of commands need, out of a Debian root file system.
_SMALL = (
    "bin", "etc", "lib", "lib64", "usr", "usr/bin", "usr/lib",
    "usr/bin/dash", "usr/bin/sh", "usr/bin/cat", "usr/bin/cp",
    "usr/bin/head", "usr/bin/sleep", "usr/bin/mkdir", "usr/bin/rm", "usr/bin/touch",
    "usr/bin/date", "usr/bin/true", "usr/bin/false", "etc/passwd", "etc/os-release",
    "usr/lib/os-release", "tmp",
)  # fmt: skip
_LIBRARIES = ("ld-linux", "libc.so", "libselinux", "libpcre2-8", "libacl", "libattr")


def small_root(base_tar: Path) -> bytes:
    """A root file system of a few megabytes: a shell and some commands."""
    target = io.BytesIO()
    with tarfile.open(base_tar) as source, tarfile.open(fileobj=target, mode="w") as small:
        for member in source:
            name = member.name.removeprefix("./").rstrip("/")
            library = any(part in name.rpartition("/")[2] for part in _LIBRARIES)
            if name in _SMALL or (library and "/lib" in name and not member.isdir()):
                content = source.extractfile(member) if member.isreg() else None
                member.name = name
                small.addfile(member, content)
    return target.getvalue()


def import_image(api: docker.APIClient, tar: bytes, reference: str) -> str:
    """Make an image of one layer from a root file system; gives the reference."""
    repository, _, tag = reference.rpartition(":")
    url = f"{api.base_url}/v{api.api_version}/images/create"
    params = {"fromSrc": "-", "repo": repository, "tag": tag}
    api.post(url, params=params, data=tar, timeout=300).raise_for_status()
    return reference


def with_file(root: bytes, name: str, content: str) -> bytes:
    """A root file system with one file more."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(root)) as source,
        tarfile.open(fileobj=target, mode="w") as changed,
    ):
        for member in source:
            changed.addfile(member, source.extractfile(member) if member.isreg() else None)
        info = tarfile.TarInfo(name)
        info.size = len(content)
        changed.addfile(info, io.BytesIO(content.encode()))
    return target.getvalue()


def _heed_interrupts() -> None:
    """What runs in a shell's background ignores SIGINT, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Bases:
    """Bases in a loopback registry that a test moves at will."""

    api: docker.APIClient
    registry: str
    root: bytes

    def publish(self, name: str, release: str) -> str:
        """Push a base whose ``/etc/release`` says ``release`` under ``NAME:stable``."""
        reference = f"{self.registry}/{name}:stable"
        import_image(self.api, with_file(self.root, "etc/release", release), reference)
        push(self.api, reference, reference)
        return reference


@dataclass
class Night:
    """One run of ``drift check``: its exit code, report, and what it printed."""

    code: int
    document: dict[str, Any]
    stderr: str

    def image(self, name: str = "app") -> dict[str, Any]:
        found: dict[str, Any] = next(i for i in self.document["images"] if i["name"] == name)
        return found

    def causes(self, name: str = "app") -> list[tuple[str, str, str]]:
        """Origin, kind and subject of each cause."""
        return [(c["origin"], c["kind"], c["subject"]) for c in self.image(name)["causes"]]

    def changed(self, name: str = "app") -> dict[str, str]:
        """Each changed path and the kind of the cause it belongs to."""
        image = self.image(name)
        kinds = {cause["id"]: cause["kind"] for cause in image["causes"]}
        return {e["path"]: kinds[e["cause"]] for e in image["files"]["entries"]}


@dataclass
class Project:
    """A directory with a git repository, and drift run in it as a user runs it."""

    root: Path
    host: str
    builder: str
    night_of: date = FIRST_NIGHT
    environment: dict[str, str] = field(default_factory=dict)
    _checked: float = field(default=0.0, init=False)  # when the last night ended

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        options = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        done = subprocess.run(
            ["git", *options, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content))

    def commit(self, files: Mapping[str, str] | None = None) -> None:
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")

    def configure(self, images: str, more: str = "") -> None:
        """Write drift.toml: this project's engine and builder, and the images."""
        head = f'[engine]\nhost = "{self.host}"\nbuilder = "{self.builder}"\n'
        self.write({"drift.toml": head + textwrap.dedent(more) + textwrap.dedent(images)})

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """Start drift in the project."""
        return subprocess.Popen(
            [sys.executable, "-m", "drift", *arguments],
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )

    def drift(self, *arguments: str) -> tuple[int, str, str]:
        """Run drift in the project: exit code, stdout, stderr."""
        if "PYTHONPATH" in self.environment:  # what Python itself is to import is not forked
            process = self.process(*arguments)
            out, err = process.communicate(timeout=600)
            return process.returncode, out, err
        return forked.run(arguments, self.root, {**os.environ, **self.environment})

    def check(self, *arguments: str) -> Night:
        """One more night, in another second than the last: what tells its time differs."""
        if int(time.time()) == int(self._checked):
            next_second()
        code, out, err = self.drift(
            "check", "--format", "json", "--as-of", self.night_of.isoformat(), *arguments
        )
        self._checked = time.time()
        self.night_of += timedelta(days=1)
        if not out:
            return Night(code, {}, err)
        document = json.loads(out)
        assert_conforms(document)
        self._assert_written(document, out)
        return Night(code, document, err)

    def _assert_written(self, document: dict[str, Any], out: str) -> None:
        """The page's document is the one on stdout, byte for byte (of a night, by default)."""
        written = self.root / "reports" / "runs" / document["run"]["id"] / "drift.json"
        assert written.read_text() == out

    def clean(self, api: docker.APIClient) -> None:
        """Remove the images that drift built in this project."""
        database = self.root / ".drift" / "drift.db"
        runs = {path.name for path in (self.root / "reports" / "runs").glob("*")}
        if not database.exists():
            return
        for image in api.images():
            for tag in image["RepoTags"] or ():
                if tag.startswith("drift.local/") and any(run in tag for run in runs):
                    api.remove_image(tag)
