"""The stages that an image copies from are had as the build used them, with either builder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import docker
import pytest

from drift.builds import StageSnapshot
from drift.config import load
from drift.engine.engine import Engine
from drift.engine.model import BuildRequest, BuildResult
from drift.nightly.job import check
from drift.nightly.stages import ANOTHER, NAMELESS
from drift.nightly.watch import NobodyWatches
from drift.snapshot.tree import merge
from drift.store.store import Store

# What a stage makes is random: only the very stage that the build used can agree with it.
DOCKERFILE = """\
FROM {base} AS Below
RUN head -c 32 /dev/urandom > /below
FROM below AS build
COPY src /src
WORKDIR /out
RUN head -c 32 /dev/urandom > tool && cat /src/a > copied && echo {mark}
FROM {base} AS not-needed
RUN head -c 32 /dev/urandom > /other
FROM {base} AS collect
COPY --from=build /out /collected/
RUN head -c 32 /dev/urandom > /collected/more
FROM {base}
RUN head -c 32 /dev/urandom > /own
WORKDIR /srv
COPY --from=build /out/to* /below bin/
COPY --from=collect /collected/ .
"""


@dataclass
class Stages:
    """A project whose image copies from stages, and its store."""

    root: Path
    mark: str
    host: str
    builder: str
    paths: dict[str, set[str]] = field(default_factory=dict)

    def write(self, dockerfile: str) -> None:
        (self.root / "Dockerfile").write_text(dockerfile)

    def built(self) -> tuple[StageSnapshot, ...]:
        """The stages of one more night, as the store gives them back."""
        config = load(self.root / "drift.toml", {})
        with Engine.connect(self.host) as engine, Store.open(config.store.url) as store:
            night = check(config, engine, store, NobodyWatches(), night=date(2026, 11, 1))
            assert night.images[0]["status"] == "first", night.images[0]["error"]
            build = store.builds(f"stages-{self.mark}")[0]
            for reference in engine.own_references():
                if self.mark in reference:
                    engine.remove(reference)
                    assert reference.endswith("-nightly"), "a stage's name was left"
            for stage in build.stages:
                layers = stage.snapshot.layers if stage.snapshot else ()
                tree = merge(store.layers.get(layer.diff_id) for layer in layers)
                self.paths[stage.name] = set(tree.nodes)
        return build.stages


@pytest.fixture
def stages(
    tmp_path: Path, api: docker.APIClient, engine_host: str, small_image: str, builder: str
) -> Iterator[Stages]:
    mark = uuid.uuid4().hex
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("one\n")
    (tmp_path / "drift.toml").write_text(
        f'[engine]\nhost = "{engine_host}"\nbuilder = "{builder}"\n'
        f'[[image]]\nname = "stages-{mark}"\npull = "never"\nnetwork = "host"\n'
    )
    project = Stages(tmp_path, mark, engine_host, builder)
    project.write(DOCKERFILE.format(base=small_image, mark=mark))
    before = {image["Id"] for image in api.images(all=True)}
    yield project
    left = [
        image["Id"]
        for image in api.images(all=True)
        if image["Id"] not in before and mark in str(_history(api, image["Id"]))
    ]
    assert left == []


def _history(api: docker.APIClient, image: str) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = api.history(image)
    except docker.errors.NotFound:
        return []
    return found


def test_each_stage_that_is_copied_from_is_the_one_that_was_used(stages: Stages) -> None:
    taken = stages.built()
    assert [(stage.name, stage.index, stage.problem) for stage in taken] == [
        ("build", 1, None),
        ("collect", 3, None),
    ]
    lines = [
        [layer.instruction.line if layer.instruction else None for layer in one.snapshot.layers]
        for one in taken
        if one.snapshot
    ]
    # A WORKDIR that makes a directory is a layer; the base's own are tied to nothing.
    assert lines == [[None, 2, 4, 5, 6], [None, 10, 11]]
    build = taken[0].snapshot
    assert build is not None
    assert [layer.base for layer in build.layers] == [True, False, False, False, False]
    assert {"/below", "/src/a", "/out/tool", "/out/copied"} <= stages.paths["build"]


def test_an_image_without_copies_has_no_stages(stages: Stages, small_image: str) -> None:
    stages.write(
        f"FROM {small_image} AS a\nRUN echo {stages.mark} > /a\n"
        f"FROM a\nCOPY --from={small_image} /etc/passwd /x\n"
    )
    assert stages.built() == ()


def test_a_stage_without_a_name(stages: Stages, small_image: str) -> None:
    stages.write(
        f"FROM {small_image}\nCOPY src/a s* /src/\n"
        f"RUN echo {stages.mark} && head -c 32 /dev/urandom > /a\n"
        f"FROM {small_image}\nCOPY --from=0 /a /a\n"
    )
    (stage,) = stages.built()
    assert (stage.name, stage.problem) == ("0", None)
    assert {"/src/a", "/a"} <= stages.paths["0"]
    assert not any("drift" in path for path in stages.paths["0"])


def test_a_nameless_stage_of_the_whole_context_is_a_problem_and_no_failure(
    stages: Stages, small_image: str
) -> None:
    stages.write(
        f"FROM {small_image}\nCOPY . /src\nRUN echo {stages.mark} > /a\n"
        f"FROM {small_image}\nCOPY --from=0 /a /a\n"
    )
    (stage,) = stages.built()
    assert (stage.name, stage.snapshot, stage.problem) == ("0", None, NAMELESS)


def test_another_stage_than_the_builds_is_told(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Engine.build

    def uncached(engine: Engine, request: BuildRequest, **options: Any) -> BuildResult:
        return real(engine, replace(request, cached=False), **options)

    monkeypatch.setattr(Engine, "build", uncached)
    problems = {stage.name: stage.problem for stage in stages.built()}
    assert problems == {"build": ANOTHER, "collect": ANOTHER}
