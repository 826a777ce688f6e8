"""What the cataloguers find is what each tool lists in a container of the same image."""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from drift.snapshot.model import EntryType, Packages
from drift.snapshot.packages.catalogue import Unreadable, catalogue, wanted
from support.tools_base import npm_root

pytestmark = pytest.mark.engine

TAG = "drift-test/packages:real"
DOCKERFILE = """\
FROM {base}
COPY ca.crt /etc/ssl/host.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/host.crt NPM_CONFIG_PREFIX=/usr/local
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip python3-venv nodejs
COPY npm /opt/npm
RUN ln -s /opt/npm/bin/npm-cli.js /usr/local/bin/npm
RUN pip install --break-system-packages --cert /etc/ssl/host.crt flask \\
 && python3 -m venv /opt/venv && /opt/venv/bin/pip install --cert /etc/ssl/host.crt attrs
RUN mkdir /app && cd /app && npm init -y && npm install @babel/types express \\
 && npm install -g semver
"""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Exported:
    """A container's file system, from the tar of its export; parents' links are followed."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self.kinds: dict[str, EntryType] = {}
        self.contents: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        for member in archive:
            path = "/" + member.name.strip("/")
            self.kinds[path] = EntryType.FILE
            if member.isdir():
                self.kinds[path] = EntryType.DIRECTORY
            elif member.issym():
                self.kinds[path] = EntryType.SYMLINK
                self.links[path] = member.linkname
            elif member.isfile() and wanted(path):
                content = archive.extractfile(member)
                assert content is not None
                self.contents[path] = content.read()

    def paths(self) -> Iterable[str]:
        return [path for path, kind in self.kinds.items() if kind is not EntryType.DIRECTORY]

    def read(self, path: str) -> bytes:
        if path not in self.contents:
            raise Unreadable("not kept")
        return self.contents[path]

    def kind(self, path: str) -> EntryType | None:
        return self.kinds.get(path)

    def resolve(self, path: str) -> str:
        parent, _, name = path.rpartition("/")
        at = self._directory(parent, 0) if parent else ""
        return f"{at}/{name}"

    def _directory(self, path: str, depth: int) -> str:
        at = ""
        for part in path.strip("/").split("/"):
            at = f"{at}/{part}"
            if at in self.links and depth < 40:
                target = posixpath.normpath(posixpath.join(posixpath.dirname(at), self.links[at]))
                at = self._directory(target, depth + 1)
        return at


class Container:
    """A container of the image that all tests look into."""

    def __init__(self, api: docker.APIClient, name: str) -> None:
        self.api, self.name = api, name

    def run(self, *command: str) -> str:
        started = self.api.exec_create(self.name, list(command), stderr=False)
        return bytes(self.api.exec_start(started["Id"])).decode()


@pytest.fixture(scope="module")
def container(api: docker.APIClient, base_image: str) -> Iterator[Container]:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in (
            ("Dockerfile", DOCKERFILE.format(base=base_image).encode()),
            ("ca.crt", CERTIFICATES.read_bytes()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.add(npm_root(), "npm")  # Debian's comes in hundreds of packages
    context.seek(0)
    lines = list(
        api.build(
            fileobj=context, custom_context=True, tag=TAG, network_mode="host", decode=True, rm=True
        )
    )
    assert not [line for line in lines if "error" in line], lines[-20:]
    name = api.create_container(TAG, ["sleep", "600"], network_disabled=True)["Id"]
    try:
        api.start(name)
        yield Container(api, name)
    finally:
        api.remove_container(name, force=True)
        api.remove_image(TAG)


@pytest.fixture(scope="module")
def packages(api: docker.APIClient, container: Container, tmp_path_factory: Any) -> Packages:
    path: Path = tmp_path_factory.mktemp("export") / "root.tar"
    with path.open("wb") as file:
        for chunk in api.export(container.name):
            file.write(chunk)
    with tarfile.open(path) as archive:
        found = catalogue(Exported(archive))
    path.unlink()
    return found


def test_dpkg_lists_the_same(container: Container, packages: Packages) -> None:
    lines = container.run(
        "dpkg-query", "-W", "-f", "${binary:Package} ${Version} ${db:Status-Abbrev}\n"
    )
    told = {
        tuple(line.split()[:2]) for line in lines.splitlines() if line.split()[2][1] not in "nc"
    }
    found = {
        (p.purl.removeprefix("pkg:deb/debian/").replace("%2B", "+") + p.location, p.version)
        for p in packages
        if p.purl.startswith("pkg:deb/")
    }
    assert found == told
    assert len(found) > 100
    assert "deb" not in packages.unknown


def test_dpkg_owns_the_same_files(container: Container, packages: Packages) -> None:
    (dpkg,) = (p for p in packages if p.purl == "pkg:deb/debian/dpkg")
    place = 'echo "$(realpath "$(dirname "$f")")/$(basename "$f")"'
    script = f"for f in $(dpkg -L dpkg); do test -d $f || ! test -e $f || {place}; done"
    directories = set(container.run("bash", "-c", "find / -xdev -type d").split())
    assert set(dpkg.files) - directories == set(container.run("bash", "-c", script).split())
    assert set(dpkg.digests) <= set(dpkg.files)
    sums = container.run("md5sum", "/usr/bin/dpkg").split()[0]
    assert dpkg.digests["/usr/bin/dpkg"] == f"md5:{sums}"


def test_pip_lists_the_same(container: Container, packages: Packages) -> None:
    places = {posixpath.dirname(p.location) for p in packages if p.purl.startswith("pkg:pypi/")}
    assert {"/usr/lib/python3/dist-packages", "/usr/local/lib/python3.11/dist-packages"} <= places
    assert "/opt/venv/lib/python3.11/site-packages" in places
    for place in places:
        listed = json.loads(container.run("pip", "list", "--format", "json", "--path", place))
        told = {
            (p["name"].lower().replace("_", "-").replace(".", "-"), p["version"]) for p in listed
        }
        found = {
            (posixpath.basename(p.location), p.version)
            for p in packages
            if p.purl.startswith("pkg:pypi/") and posixpath.dirname(p.location) == place
        }
        assert found == told, place
    assert "pypi" not in packages.unknown


def _flat(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, package in tree.get("dependencies", {}).items():
        if "version" in package:
            yield name, package["version"]
        yield from _flat(package)


@pytest.mark.parametrize(
    ("root", "options"), [("/app/", ()), ("/usr/local/lib/", ("-g",))], ids=["app", "global"]
)
def test_npm_lists_the_same(
    container: Container, packages: Packages, root: str, options: tuple[str, ...]
) -> None:
    command = " ".join(("npm", "ls", "--all", "--json", *options))
    told = set(_flat(json.loads(container.run("sh", "-c", f"cd /app && {command}"))))
    found = {
        (p.purl.removeprefix("pkg:npm/").replace("%40", "@"), p.version)
        for p in packages
        if p.purl.startswith("pkg:npm/") and p.location.startswith(root + "node_modules/")
    }
    assert found == told
    assert found
    assert "npm" not in packages.unknown
