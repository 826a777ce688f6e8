"""A small world of a scenario's own: what an image is built from, and what moves in it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from drift.demo.debs import Deb, write_archive
from support import index, npm_registry
from support.contexts import tar_context
from support.git_server import Upstream, running_git
from support.index import Wheel
from support.moving_site import Web, running_web
from support.npm_registry import NpmPackage
from support.project import Bases, Project, import_image, with_file
from support.registry import push, registry_digest

APP = {"name": "app", "context": "app", "pull": "missing", "network": "host"}


@dataclass
class World:
    """Servers on loopback, and a project whose images are built from what they serve.

    Each server is started when a scenario first asks for it, and ended by :meth:`close`.
    ``tools`` is a small base that only the engine has (see
    :mod:`support.tools_base`).
    """

    project: Project
    api: docker.APIClient
    directory: Path
    tools: str
    bases: Bases
    fixtures: pytest.FixtureRequest
    keys: dict[str, Any] = field(default_factory=dict)
    more: str = ""
    servers: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def web(self) -> Web:
        return self.servers.enter_context(running_web())

    @cached_property
    def upstream(self) -> Upstream:
        return self.servers.enter_context(running_git(self.directory / "git"))

    @cached_property
    def debian(self) -> str:
        """A minimal Debian with apt."""
        return str(self.fixtures.getfixturevalue("base_image"))

    @cached_property
    def python(self) -> str:
        """That Debian with pip."""
        return str(self.fixtures.getfixturevalue("python_image"))

    @cached_property
    def git(self) -> str:
        """The base with tools, and git."""
        return str(self.fixtures.getfixturevalue("git_image"))

    @cached_property
    def npm(self) -> str:
        """The base with tools, and node with npm."""
        return str(self.fixtures.getfixturevalue("npm_image"))

    def close(self) -> None:
        self.servers.close()
        self.project.clean(self.api)

    # The repository

    def image(self, dockerfile: str, /, *, more: str = "", **keys: Any) -> None:
        """The project's one image, from now on; written, not committed."""
        self.keys, self.more = {**APP, **keys}, more
        self.fleet(self.keys, more=more)
        self.write(dockerfile)

    def image_args(self, **args: str) -> None:
        """Give the image of :meth:`image` other build arguments."""
        self.keys["args"] = args
        self.fleet(self.keys, more=self.more)

    def fleet(self, *images: Mapping[str, Any], more: str = "") -> None:
        """drift.toml for some images."""
        entries = "".join(
            "\n[[image]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
            for keys in images
        )
        self.project.configure(entries, more)

    def write(self, dockerfile: str | None = None, /, **files: str) -> None:
        """Write the Dockerfile of ``app``, and files of its context, without a commit."""
        if dockerfile is not None:
            files = {"Dockerfile": textwrap.dedent(dockerfile), **files}
        for name, text in files.items():
            path = self.project.root / "app" / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, dockerfile: str | None = None, /, **files: str) -> str:
        """Write and commit; gives the commit."""
        self.write(dockerfile, **files)
        self.project.commit()
        return self.project.git("rev-parse", "HEAD")

    def revisions(self) -> tuple[str, str]:
        """The last commit but one, and the last."""
        last, before, *_ = self.project.git("log", "--format=%H", "-2").split()
        return before, last

    # The registry

    def base(self, name: str, release: str) -> str:
        """A base with ``/etc/release`` in the registry under ``NAME:stable``."""
        reference = f"{self.bases.registry}/{self.unique}-{name}"
        import_image(self.api, with_file(self.bases.root, "etc/release", release), reference)
        push(self.api, reference, reference)
        return reference

    def triggering(self, name: str, instruction: str) -> str:
        """An image in the registry that has nothing above the tools but an ONBUILD trigger."""
        reference = f"{self.bases.registry}/{self.unique}-{name}"
        dockerfile = f"FROM {self.tools}\nONBUILD {instruction}\n"
        build = self.api.build(
            fileobj=tar_context({"Dockerfile": dockerfile})(), custom_context=True,
            tag=reference, decode=True, rm=True,
        )  # fmt: skip
        assert not [line for line in build if "error" in line]
        push(self.api, reference, reference)
        return reference

    @property
    def unique(self) -> str:
        """A word that no other scenario of the session has, for names in shared places."""
        return "w" + self.directory.name.lower().replace("_", "").replace("-", "")[-24:]

    def no_base(self, reference: str) -> None:
        """The registry has this reference no more."""
        host, _, rest = reference.partition("/")
        url = f"http://{host}/v2/{rest.rpartition(':')[0]}/manifests/{registry_digest(reference)}"
        requests.delete(url, timeout=10).raise_for_status()

    # Packages

    def debs(self, *packages: Deb) -> str:
        """Exactly these packages in the apt archive; gives its URL."""
        archive = self.directory / "apt"
        write_archive(archive, packages)
        for old in [page for page in self.web.pages if page.startswith("/apt/")]:
            self.web.remove(old)
        for path in archive.iterdir():
            self.web.serve(f"/apt/{path.name}", path.read_bytes())
        return self.web.url("/apt")

    def wheels(self, *wheels: Wheel) -> str:
        """Exactly these wheels in the Python index; gives its URL."""
        return index.publish(self.web, wheels)

    def npm_packages(self, *packages: NpmPackage) -> str:
        """Exactly these packages in the npm registry; gives its URL."""
        return npm_registry.publish(self.web, packages)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
