"""What the experiment costs: builds and seconds of a night, beside one bare build."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from drift.demo.debs import Deb
from support.contexts import tar_context
from support.project import Night
from support.world import World


def deb(version: str) -> Deb:
    return Deb("greeting", version, {"/usr/bin/greeting": f"#!/bin/sh\necho {version}\n".encode()})


def bare_build(world: World) -> float:
    """Seconds of ``docker build --no-cache`` of the image as it is now, by the engine's API."""
    context = tar_context({"Dockerfile": (world.project.root / "app/Dockerfile").read_text()})()
    parameters: dict[str, Any] = {"nocache": "1", "rm": "1", "networkmode": "host", "q": "1"}
    if world.project.builder == "buildkit":
        parameters["version"] = "2"
    tag = f"drift-test/bare:{world.unique}"
    begun = time.monotonic()
    answer = world.api.post(
        f"{world.api.base_url}/v{world.api.api_version}/build",
        params={**parameters, "t": tag},
        data=context,
        timeout=300,
    )
    answer.raise_for_status()
    seconds = time.monotonic() - begun
    assert '"error"' not in answer.text, answer.text
    world.api.remove_image(tag)
    return seconds


def timed(world: World, name: str) -> tuple[Night, dict[str, Any]]:
    begun = time.monotonic()
    night = world.project.check()
    builds = night.image()["builds"]
    return night, {
        "name": name,
        "seconds": time.monotonic() - begun,
        "builds": [build["role"] for build in builds],
        "building": sum(build["seconds"] for build in builds),
    }


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_builds_of_a_night(world: World) -> None:
    """apt's image: its noise has normal forms, its package a database: no second build is due."""
    url = world.debs(deb("1.0"))
    world.image(
        f"""\
        FROM {world.debian}
        RUN rm -rf /etc/apt/sources.list.d \\
         && echo 'deb [trusted=yes] {url} ./' > /etc/apt/sources.list
        RUN apt-get update && apt-get install -y greeting
        """
    )
    world.commit()
    world.project.check()
    bare = bare_build(world)
    _, quiet = timed(world, "quiet")
    world.debs(deb("1.1"))
    moved, named = timed(world, "a package moved")
    world.write(f"{(world.project.root / 'app/Dockerfile').read_text()}RUN echo more > /etc/more\n")
    world.debs(deb("1.2"))
    world.project.commit()
    _, both = timed(world, "an edit, and a package moved")
    _record(world, "apt", bare, [quiet, named, both])
    assert quiet["builds"] == ["nightly"]
    assert named["builds"] == ["nightly"], moved.causes()
    assert both["builds"].count("replay") == 1
    assert len(both["builds"]) <= 3


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_builds_of_a_night_with_noise(world: World) -> None:
    host, port = world.web.address.split(":")
    world.web.serve("/feed", "one\n")
    world.image(
        f"""\
        FROM {world.tools}
        RUN fetch {host} {port} /feed > /etc/feed-of-cost
        RUN head -c 99 /dev/urandom > /etc/seed-of-cost
        """
    )
    world.commit()
    world.project.check()
    bare = bare_build(world)
    _, quiet = timed(world, "quiet, but for random bytes")
    world.web.serve("/feed", "two\n")
    _, unnamed = timed(world, "an unread feed moved")
    _record(world, "random bytes and a feed", bare, [quiet, unnamed])
    assert quiet["builds"] == ["nightly", "control"]
    assert len(unnamed["builds"]) <= 3


def _record(world: World, image: str, bare: float, nights: list[dict[str, Any]]) -> None:
    place = os.environ.get("DRIFT_ACCURACY")
    if not place:
        return
    line = {"image": image, "builder": world.project.builder, "bare": bare, "nights": nights}
    directory = Path(place) / "cost"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{image.partition(' ')[0]}-{world.project.builder}.json").write_text(
        json.dumps(line, indent=1)
    )
