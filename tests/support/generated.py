"""Generated nights: images whose every path has known dependencies, and random moves of these.

A path's content is a line for each thing that it depends on, or one digest over all of them
(``mixed``; never over noise, which would cover the rest):

=========  ==================================================================================
``feed``   what a server gives to a client that no rule reads: the world, unnamed
``url``    what a literal curl URL gives: the world, named
``part``   a context file: the repository
``word``   a literal in the RUN itself: the repository, by the Dockerfile
``tool``   whether the builder's containers have ``/.dockerenv``: the toolchain
``noise``  random bytes; ``clock``: the time in nanoseconds
=========  ==================================================================================

A path may also be named after its content (a file that comes and goes), or be a symbolic link
to it. Truth, per path and night: which of world, repository and toolchain moved among what it
depends on, and whether it is noisy.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.moving_site import Web
from support.world import APP, World

SOURCES = ("feed", "url", "part", "word", "tool")
WORLD, REPO, TOOL, NOISE = "external", "repo", "toolchain", "nondeterminism"
_ORIGINS = {"feed": WORLD, "url": WORLD, "part": REPO, "word": REPO, "tool": TOOL}
PATHS = 5  # of each image


@dataclass(frozen=True)
class Path:
    """A generated path: where it is, and what it is made from."""

    path: str
    depends: tuple[str, ...]
    noise: str | None = None
    mixed: bool = False
    shape: str = "file"  # or: link, name

    def statement(self, lines: Mapping[str, str]) -> str:
        """The shell's words that make it."""
        commands = [lines[name] for name in self.depends]
        commands += [lines[self.noise]] if self.noise else []
        if self.shape == "file":
            digest = " | sha256sum" if self.mixed else ""
            return f"( {'; '.join(commands)} ){digest} > {self.path}"
        word = f"$( ( {'; '.join(commands)} ) | sha256sum | head -c 12 )"
        if self.shape == "link":
            return f"ln -s /target-{word} {self.path}"
        return f"mkdir -p {self.path} && echo named > {self.path}/{word}"

    def holds(self, path: str) -> bool:
        return path == self.path or (self.shape == "name" and path.startswith(f"{self.path}/"))


@dataclass
class Image:
    """One generated image; ``versions`` are those of its sources."""

    name: str
    paths: tuple[Path, ...]
    versions: dict[str, int]
    moved: set[str] = field(default_factory=set)

    def dockerfile(self, base: str, web: Web) -> str:
        host, port = web.address.split(":")
        lines = {
            "feed": f"fetch {host} {port} /{self.name}/feed",
            "url": f"curl -fsSL {web.url(f'/{self.name}/url')}",
            "part": "cat /srv/part",
            "word": f"echo word {self.versions['word']}",
            "tool": "if [ -e /.dockerenv ]; then echo classic; else echo other; fi",
            "noise": "head -c 24 /dev/urandom | sha256sum",
            "clock": "date +%s%N",
        }
        statements = [path.statement(lines) for path in self.paths]
        half = PATHS // 2
        runs = (" && \\\n    ".join(part) for part in (statements[:half], statements[half:]))
        return f"FROM {base}\nCOPY part /srv/part\n" + "".join(f"RUN {run}\n" for run in runs)

    def truth(self, path: Path) -> frozenset[str]:
        """Which origins moved among what a path depends on."""
        return frozenset(_ORIGINS[name] for name in path.depends if name in self.moved)


@dataclass
class Generator:
    """A fleet of generated images in a world, and its nights."""

    world: World
    dice: random.Random
    images: tuple[Image, ...]

    @classmethod
    def make(cls, world: World, dice: random.Random, prefix: str, count: int) -> Generator:
        images = tuple(
            Image(
                f"{prefix}{number}", tuple(_paths(dice, number % 2 == 0)), dict.fromkeys(SOURCES, 1)
            )
            for number in range(count)
        )
        made = cls(world, dice, images)
        made.write()
        return made

    def write(self) -> None:
        """The world and the repository as they are now; committed."""
        world = self.world
        world.fleet(*({**APP, "name": i.name, "context": i.name} for i in self.images))
        for image in self.images:
            for source in ("feed", "url"):
                text = f"{source} {image.versions[source]}\n"
                world.web.serve(f"/{image.name}/{source}", text)
            world.project.write(
                {
                    f"{image.name}/Dockerfile": image.dockerfile(world.tools, world.web),
                    f"{image.name}/part": f"part {image.versions['part']}\n",
                }
            )
        world.project.commit()

    def day(self) -> None:
        """Something moves, or nothing."""
        project = self.world.project
        switched = self.dice.random() < 0.2
        if switched:
            project.builder = "classic" if project.builder == "buildkit" else "buildkit"
        for image in self.images:
            chances = {"feed": 0.25, "url": 0.25, "part": 0.25, "word": 0.15}
            image.moved = {name for name, chance in chances.items() if self.dice.random() < chance}
            for name in image.moved:
                image.versions[name] += 1
            if switched:
                image.moved.add("tool")
        self.write()


def _paths(dice: random.Random, noisy: bool) -> Iterator[Path]:
    for number in range(PATHS):
        depends = tuple(name for name in SOURCES if dice.random() < 0.35)
        noise = dice.choice((None, "noise", "clock")) if noisy else None
        shape = dice.choice(("file", "file", "file", "link", "name"))
        if not depends:
            depends = (dice.choice(SOURCES),) if noise is None else ()
        if shape != "file" or dice.random() < 0.4:
            # One digest of all of it: noise in it would cover what moves.
            mixed = bool(depends)
            yield Path(f"/srv/{number}-{shape}", depends, None if mixed else noise, mixed, shape)
        else:
            yield Path(f"/srv/{number}-lines", depends, noise)


def told(image: Mapping[str, Any], path: Path) -> set[str]:
    """The origins that a report gives a generated path's changes."""
    origins = {cause["id"]: cause["origin"] for cause in image["causes"]}
    return {
        origins[entry["cause"]]
        for entry in image["files"]["entries"]
        if entry["change"] != "metadata_only" and path.holds(entry["path"])
    }
