"""Real sources: what drift says of real packages built twice, and of a real upstream change.

``python bench/real_sources.py [--builder classic|buildkit] [--only NAME…] [--ca FILE]``. Each
image is built on two nights that are a minute apart: nothing moves but what each build writes
anew. Then a Debian base without its security updates, and the same tag with them. Needs an
engine, mmdebstrap, a registry program, and the network; takes some ten minutes. Prints the
tables of docs/accuracy.md; nothing else is left. ``--ca`` gives pip and npm the machine's own
certificates, where theirs are not enough.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from docker.errors import ImageNotFound

from drift.config import load
from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.nightly.job import check
from drift.nightly.watch import NobodyWatches
from drift.store.store import Store
from support.registry import push, running_registry

_HOST = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
FIRST = date(2026, 11, 1)
BASE = "drift-bench/base:latest"
MIRROR = "http://deb.debian.org/debian"
INSTALL = "apt-get update && apt-get install -y --no-install-recommends"

IMAGES = {
    "apt": f"""\
FROM {{base}}
RUN {INSTALL} openssh-server dbus ssl-cert fontconfig nginx openssl
RUN useradd --create-home --shell /bin/bash someone && echo someone:secret | chpasswd
RUN openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=example.org \\
    -keyout /etc/ssl/private/own.key -out /etc/ssl/certs/own.pem
""",
    "pip": f"""\
FROM {{base}}
COPY ca.crt /etc/ssl/host.crt
ENV PIP_CERT=/etc/ssl/host.crt PIP_BREAK_SYSTEM_PACKAGES=1
RUN {INSTALL} python3-pip python3-dev gcc libc6-dev
RUN pip install flask sqlalchemy
RUN pip install --force-reinstall --no-binary markupsafe markupsafe
RUN useradd someone
""",
    "npm": f"""\
FROM {{base}}
COPY ca.crt /etc/ssl/host.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/host.crt
RUN {INSTALL} npm
RUN mkdir /app && cd /app && npm install express
RUN useradd someone
""",
    "upstream": "FROM {base}\nRUN echo above > /etc/above\n",
}
CONFIGURATION = """\
[engine]
host = "{host}"
builder = "{builder}"

[[image]]
name = "{name}"
context = "app"
pull = "{pull}"
network = "host"
"""


class Nights:
    """The nights of one image, in a directory of their own."""

    def __init__(
        self, root: Path, host: str, builder: str, name: str, base: str, pull: str
    ) -> None:
        self.name, self.number = name, 0
        app = root / "app"
        app.mkdir(parents=True)
        (app / "Dockerfile").write_text(IMAGES[name].format(base=base))
        text = CONFIGURATION.format(host=host, builder=builder, name=name, pull=pull)
        (root / "drift.toml").write_text(text)
        self.root = root

    def __call__(self, host: str) -> dict[str, Any]:
        """One more night's document of the image."""
        config = load(self.root / "drift.toml", {})
        night = FIRST + timedelta(days=self.number)
        self.number += 1
        with Engine.connect(host) as engine, Store.open(config.store.url) as store:
            document = check(config, engine, store, NobodyWatches(), night=night).images[0]
        if document["error"]:
            raise SystemExit(f"{self.name}: {document['error']}")
        return document

    def clean(self, host: str) -> None:
        config = load(self.root / "drift.toml", {})
        with Engine.connect(host) as engine, Store.open(config.store.url) as store:
            for build in store.builds(self.name):
                engine.remove(own_reference(self.name, build.id))


def quiet_night(host: str, builder: str, name: str, ca: Path, root: Path) -> dict[str, Any]:
    """What drift says of the second of two nights on which nothing moved."""
    nights = Nights(root, host, builder, name, BASE, "missing")
    shutil.copy(ca, root / "app" / "ca.crt")
    try:
        nights(host)
        return nights(host)
    finally:
        nights.clean(host)


def upstream_change(host: str, builder: str, root: Path) -> dict[str, Any]:
    """A Debian without its security updates, then with them, under one tag."""
    updates = f"deb {MIRROR}-security bookworm-security main"
    with _registry(root) as address, Engine.connect(host) as engine:
        client, reference = engine.connection.client, f"{address}/debian:stable"
        nights = Nights(root / "nights", host, builder, "upstream", reference, "always")
        try:
            documents = []
            for sources in ([], [updates]):
                tar = root / "base.tar"
                mirror = f"deb {MIRROR} bookworm main"
                subprocess.run(
                    [
                        "mmdebstrap",
                        "--quiet",
                        "--variant=minbase",
                        "bookworm",
                        tar,
                        mirror,
                        *sources,
                    ],
                    check=True,
                )
                _import(engine, tar, "drift-bench/upstream:latest")
                push(client, "drift-bench/upstream:latest", reference)
                client.remove_image(reference)
                documents.append(nights(host))
            return documents[-1]
        finally:
            nights.clean(host)
            for image in client.images():
                for tag in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
                    if tag.startswith((address, "drift-bench/upstream")):
                        with suppress(ImageNotFound):  # it went with its tag
                            client.remove_image(tag)


@contextmanager
def _registry(root: Path) -> Iterator[str]:
    with running_registry(root / "registry") as address:
        yield address


def _import(engine: Engine, tar: Path, reference: str) -> None:
    client = engine.connection.client
    repository, _, tag = reference.partition(":")
    with tar.open("rb") as content:
        url = engine.connection.url("/images/create")
        parameters = {"fromSrc": "-", "repo": repository, "tag": tag}
        client.post(url, params=parameters, data=content, timeout=600).raise_for_status()


def line(name: str, builder: str, document: Mapping[str, Any]) -> str:
    """The row of docs/accuracy.md."""
    kinds = Counter[str]()
    for cause in document["causes"]:
        kinds[f"{cause['origin']} {cause['kind']}"] += cause["files"]["changed"]
    said = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
    files, share = document["files"], document["explained"]
    changed = files["added"] + files["removed"] + files["modified"]
    builds = Counter(build["role"] for build in document["builds"])
    seconds = sum(build["seconds"] for build in document["builds"])
    cells = (
        name,
        builder,
        document["status"],
        changed,
        files["metadata_only"],
        said,
        f"{share['files']:g} / {share['bytes']:g}",
        " + ".join(f"{n} {role}" if n > 1 else role for role, n in builds.items()),
        f"{seconds:.0f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def left_over(document: Mapping[str, Any]) -> Iterator[str]:
    """Each path that no named source or form explains, and each cause's evidence."""
    for cause in document["causes"]:
        named = cause["origin"] != "unexplained" and cause["kind"] != "file"
        if not named or cause["origin"] == "external":
            yield f"  {cause['origin']} {cause['kind']} {cause['subject']}: {cause['evidence']}"
            if named:
                continue
            for entry in document["files"]["entries"]:
                if entry["cause"] == cause["id"] and entry["change"] != "metadata_only":
                    yield f"    {entry['change']} {entry['path']}"
    for entry in document["files"]["entries"]:
        kind = next((c["kind"] for c in document["causes"] if c["id"] == entry["cause"]), None)
        if entry["change"] != "metadata_only" and kind == "random":
            yield f"  random: {entry['path']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--host", default=_HOST, help="the engine")
    parser.add_argument("--builder", action="append", choices=("classic", "buildkit"))
    parser.add_argument("--only", action="append", choices=IMAGES)
    parser.add_argument("--tar", type=Path, default=Path(".work/base.tar"))
    parser.add_argument("--ca", type=Path, default=Path("/etc/ssl/certs/ca-certificates.crt"))
    chosen = parser.parse_args()
    with Engine.connect(chosen.host) as engine:
        _import(engine, chosen.tar, BASE)
    titles = ("image", "builder", "status", "paths", "time alone", "causes: paths",
              "explained: files / bytes", "builds", "seconds")  # fmt: skip
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    notes: list[str] = []
    for builder in chosen.builder or ("classic", "buildkit"):
        for name in chosen.only or IMAGES:
            with tempfile.TemporaryDirectory() as directory:
                root = Path(directory)
                if name == "upstream":
                    document = upstream_change(chosen.host, builder, root)
                else:
                    document = quiet_night(chosen.host, builder, name, chosen.ca, root / "nights")
            print(line(name, builder, document), flush=True)
            notes += [f"{name}, {builder}:", *left_over(document)]
    print(*["", *notes], sep="\n")


if __name__ == "__main__":
    main()
