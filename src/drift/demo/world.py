"""The demo's world, on loopback alone, and a fleet of three images that lives in it.

::

    demo-web    FROM a base whose tag moves, RUN apt-get install of a package that moves
    demo-tool   ADD of a URL that serves other bytes one night
    demo-site   FROM a base that stays, COPY --from, a RUN that makes noise: quiet every night
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drift.demo.base import base_image, push, remove_all
from drift.demo.debs import Deb, write_archive
from drift.demo.failure import DemoError
from drift.demo.servers import registry, web_server
from drift.engine.engine import Engine
from drift.engine.images import own_reference

_AUTHOR = (
    *("-c", "user.name=drift demo"),
    *("-c", "user.email=demo@example.org"),
    *("-c", "commit.gpgsign=false"),
)
REGISTRY_PORT = 15055
WEB_PORT = 15056
BASE = "debian:bookworm-slim"
IMAGES = ("demo-web", "demo-tool", "demo-site")
PACKAGE, OLD, NEW = "greeter", "1.4.2-1", "1.4.3-1"

_POSTINST = """\
#!/bin/sh
set -e
mkdir -p /var/lib/greeter
head -c 64 /dev/urandom > /var/lib/greeter/seed
"""

_CONFIGURATION = """\
[engine]
host = "{host}"
builder = "{builder}"

[report]
directory = "{reports}"

[[ignore]]
path = "/var/log/**"
reason = "logs tell the time of the build"

[[ignore]]
path = "/var/cache/**"
reason = "caches of apt and ldconfig"

[[image]]
name = "demo-web"
context = "web"
network = "host"            # the demo's apt archive listens on loopback

[[image]]
name = "demo-tool"
context = "tool"
network = "host"

[[image]]
name = "demo-site"
context = "site"
"""

_WEB = """\
FROM {registry}/{base}
RUN rm -rf /etc/apt/sources.list /etc/apt/sources.list.d \\
 && echo "deb [trusted=yes] {web}/apt ./" > /etc/apt/sources.list
RUN apt-get update \\
 && apt-get install -y --no-install-recommends {package} \\
 && rm -rf /var/lib/apt/lists/*
COPY motd /etc/motd
CMD ["greeter"]
"""

_TOOL = """\
FROM scratch
ADD {web}/rules.json /etc/tool/rules.json
COPY tool.conf /etc/tool/tool.conf
"""

_SITE = """\
FROM {registry}/{base}-20261101 AS build
COPY pages /pages
RUN cat /pages/*.html > /index.html
RUN head -c 16 /dev/urandom > /instance

FROM scratch
COPY --from=build /index.html /instance /srv/
"""


@dataclass(frozen=True, slots=True)
class World:
    """A world as it stands tonight: an archive, a URL, a registry, and the fleet's repository."""

    engine: Engine
    directory: Path
    registry: str
    image: str

    @property
    def fleet(self) -> Path:
        """The repository; drift.toml is in it."""
        return self.directory / "fleet"

    def begins(self) -> None:
        """The first night's package, URL and bases."""
        self._package(Deb(PACKAGE, OLD, _files(OLD)))
        self._rules('{"rules": ["allow all"]}\n')
        push(self.engine, self.image, f"{self.registry}/{BASE}", "bookworm 12.11")
        push(self.engine, self.image, f"{self.registry}/{BASE}-20261101", "bookworm 12.11")

    def moves(self) -> None:
        """The package, the URL and the base move; the repository does not."""
        self._package(Deb(PACKAGE, NEW, _files(NEW), _POSTINST))
        self._rules('{"rules": ["allow all", "deny 192.0.2.0/24"]}\n')
        push(self.engine, self.image, f"{self.registry}/{BASE}", "bookworm 12.12")

    def _package(self, package: Deb) -> None:
        write_archive(self.directory / "www" / "apt", [package])

    def _rules(self, text: str) -> None:
        (self.directory / "www" / "rules.json").write_text(text)


def _files(version: str) -> dict[str, bytes]:
    script = f'#!/bin/sh\necho "hello from greeter {version}"\n'.encode()
    notes = f"greeter {version}\n".encode()
    return {"/usr/bin/greeter": script, "/usr/share/doc/greeter/changelog": notes}


@contextmanager
def world(
    engine: Engine,
    directory: Path,
    *,
    reports: Path,
    base: Path,
    builder: str,
    say: Callable[[str], None],
) -> Iterator[World]:
    """Make the world and its fleet; its servers and images are gone at the end.

    ``base`` is the root file system for where no registry gives a Debian; see
    :func:`drift.demo.base.base_image`.

    Raises:
        DemoError, EngineError: something that it needs is missing, or fails.
    """
    www = directory / "www"
    www.mkdir(parents=True, exist_ok=True)
    with (
        web_server(www, WEB_PORT) as web,
        registry(engine, directory / "registry", REGISTRY_PORT) as address,
        base_image(engine, base, say) as image,
    ):
        made = World(engine, directory, address, image)
        _leave_nothing(made)  # of a demo that was killed
        say(f"registry: {address} · apt archive and web server: {web}")
        try:
            made.begins()
            _commit_fleet(made, web, reports, builder)
            yield made
        finally:
            _leave_nothing(made)


def _leave_nothing(made: World) -> None:
    """Remove the demo's images from the engine: the bases, and what was built."""
    remove_all(made.engine, f"{made.registry}/")
    for name in IMAGES:
        remove_all(made.engine, own_reference(name, "x").removesuffix("x"))


def _commit_fleet(made: World, web: str, reports: Path, builder: str) -> None:
    names = {"registry": made.registry, "base": BASE, "web": web, "package": PACKAGE}
    files = {
        "drift.toml": _CONFIGURATION.format(
            host=made.engine.connection.endpoint.host, builder=builder, reports=reports
        ),
        "web/Dockerfile": _WEB.format(**names),
        "web/motd": "welcome\n",
        "tool/Dockerfile": _TOOL.format(**names),
        "tool/tool.conf": "rules = /etc/tool/rules.json\n",
        "site/Dockerfile": _SITE.format(**names),
        "site/pages/index.html": "<h1>quiet</h1>\n",
        ".gitignore": ".drift/\n",
    }
    for name, text in files.items():
        path = made.fleet / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _git(made.fleet, "init", "--quiet")
    _git(made.fleet, "add", "--", *files)
    _git(made.fleet, *_AUTHOR, "commit", "--quiet", "--no-verify", "--message", "A small fleet")


def _git(repository: Path, *arguments: str) -> None:
    try:
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise DemoError(f"the fleet's repository cannot be made: {error}") from error
