"""An npm registry: documents and tarballs of a test's own packages."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support.images import file, tar
from support.moving_site import Web

_ROOT = "/npm"


@dataclass(frozen=True)
class NpmPackage:
    """A package of one module, which exports ``text`` (its version where there is none)."""

    name: str
    version: str
    text: str | None = None
    depends: Mapping[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, object]:
        return {"name": self.name, "version": self.version, "dependencies": dict(self.depends)}

    @property
    def place(self) -> str:
        return f"{_ROOT}/{self.name}/-/{self.name}-{self.version}.tgz"

    def content(self) -> bytes:
        module = f"module.exports = {json.dumps(self.text or self.version)}\n"
        members = [
            file("package/package.json", json.dumps(self.manifest)),
            file("package/index.js", module),
        ]
        return gzip.compress(tar(members), mtime=0)


def publish(web: Web, packages: Sequence[NpmPackage]) -> str:
    """Make these packages all that the registry has; gives its URL."""
    for path in [page for page in web.pages if page.startswith(f"{_ROOT}/")]:
        web.remove(path)
    for package in packages:
        web.serve(package.place, package.content())
    for name in {package.name for package in packages}:
        versions = [package for package in packages if package.name == name]
        web.serve(f"{_ROOT}/{name}", json.dumps(_document(web, name, versions)))
    return web.url(f"{_ROOT}/")


def _document(web: Web, name: str, packages: Sequence[NpmPackage]) -> dict[str, object]:
    return {
        "name": name,
        "dist-tags": {"latest": packages[-1].version},
        "versions": {
            package.version: {**package.manifest, "dist": _dist(web, package)}
            for package in packages
        },
    }


def _dist(web: Web, package: NpmPackage) -> dict[str, str]:
    content = package.content()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return {
        "tarball": web.url(package.place),
        "integrity": f"sha512-{digest}",
        "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
    }
