"""Two nights of a small fleet: lines, bases, failures, and what is left behind."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import docker
import pytest

from drift.builds import Build, FailureKind
from drift.config import load
from drift.engine.engine import Engine
from drift.nightly.job import Night, check
from drift.nightly.watch import NobodyWatches
from drift.store.store import Store
from support.images import file, tar

FLEET = {
    "stages": """\
FROM {base} AS made
RUN echo {mark} > /made
RUN echo two > /made2
FROM {base} AS standing
RUN echo {mark} > /below
FROM standing
WORKDIR /srv/app
ENV A="b c"
COPY --from=made /made /made2 /copied/
RUN cat /copied/made > /printed
""",
    "triggers": "FROM {onbuild}\nRUN echo {mark} > /own\n",
    "fails": """\
FROM {base}
ARG WHO=world
RUN test ! -e /again && echo $WHO {mark} > /again
ENV A=b
RUN test ! -e /again && echo $WHO {mark} > /again
""",
}
LINES = {"stages": [None, 5, 7, 9, 10], "triggers": [None, 1, 2]}


@dataclass(frozen=True)
class Fleet:
    """A drift.toml on disk, and the word that all its builds can be told by."""

    root: Path
    mark: str
    began_at: int


@pytest.fixture
def fleet(
    tmp_path: Path, api: docker.APIClient, engine_host: str, base_image: str, builder: str
) -> Iterator[Fleet]:
    mark = uuid.uuid4().hex
    onbuild = f"drift-test/onbuild:{mark}"
    trigger = f"FROM {base_image}\nONBUILD RUN echo trigger > /trigger\n"
    answer = api.post(
        f"{api.base_url}/v{api.api_version}/build",
        params={"t": onbuild, "version": "1", "networkmode": "host"},
        data=tar([file("Dockerfile", trigger)]),
        headers={"Content-Type": "application/x-tar"},
    )
    assert '"error' not in answer.text
    lines = [f'[engine]\nhost = "{engine_host}"\nbuilder = "{builder}"\njobs = 1\n']
    for name, dockerfile in FLEET.items():
        (tmp_path / name).mkdir()
        text = dockerfile.format(base=base_image, onbuild=onbuild, mark=mark)
        (tmp_path / name / "Dockerfile").write_text(text)
        lines.append(f'[[image]]\nname = "{name}-{mark}"\ncontext = "{name}"\n')
        lines.append('pull = "never"\nnetwork = "host"\n')
    (tmp_path / "drift.toml").write_text("\n".join(lines))
    yield Fleet(tmp_path, mark, int(time.time()) - 1)
    api.remove_image(onbuild)


def test_two_nights(fleet: Fleet, api: docker.APIClient) -> None:
    config = load(fleet.root / "drift.toml", {})
    with Engine.connect(config.engine.host) as engine, Store.open(config.store.url) as store:
        nights = [
            check(config, engine, store, NobodyWatches(), night=date(2026, 11, day))
            for day in (1, 2)
        ]
        builds = {name: _build(store, f"{name}-{fleet.mark}") for name in FLEET}
        _assert_left_nothing(engine, api, fleet)
        for reference in engine.own_references():
            if fleet.mark in reference:
                engine.remove(reference)

    assert [_statuses(night) for night in nights] == [
        ["first", "first", "broken"],
        ["equivalent", "equivalent", "broken"],
    ]
    assert {name: _lines(builds[name]) for name in LINES} == LINES
    failure = builds["fails"].failure
    assert failure is not None
    assert failure.kind is FailureKind.STEP
    assert failure.instruction is not None
    assert failure.instruction.line == 5
    assert _made_since(api, fleet) == []


def _build(store: Store, image: str) -> Build:
    """The newest build."""
    return store.builds(image)[0]


def _statuses(night: Night) -> list[str]:
    return [image["status"] for image in night.images]


def _lines(build: Build) -> list[int | None]:
    """The line that each layer is tied to; None for those of the base, which say so."""
    assert build.snapshot is not None, build.failure
    layers = build.snapshot.layers
    assert [layer.base for layer in layers] == [True, *[False] * (len(layers) - 1)]
    return [layer.instruction.line if layer.instruction else None for layer in layers]


def _assert_left_nothing(engine: Engine, api: docker.APIClient, fleet: Fleet) -> None:
    """No cache record of the builds, and no image but those that stay and their parents."""
    assert not [r for r in engine.cache_records().values() if fleet.mark in r.description]
    images = {_bare(image["Id"]): image for image in api.images(all=True)}
    stay: set[str] = set()
    for key, image in images.items():
        if any(fleet.mark in tag for tag in image["RepoTags"] or ()):
            while key in images:
                stay.add(key)
                key = _bare(images[key].get("ParentId"))
    assert [key for key in _made_since(api, fleet) if _bare(key) not in stay] == []


def _bare(image_id: object) -> str:
    """An ID as all engines write it: podman leaves the algorithm out of a parent's."""
    return str(image_id).removeprefix("sha256:")


def _made_since(api: docker.APIClient, fleet: Fleet) -> list[str]:
    """The images, nameless ones too, that the fleet's builds made and that are there."""
    young = [i for i in api.images(all=True) if i["Created"] >= fleet.began_at]
    return [
        str(image["Id"])
        for image in young
        if any(fleet.mark in str(entry["CreatedBy"]) for entry in _history(api, str(image["Id"])))
    ]


def _history(api: docker.APIClient, image: str) -> list[dict[str, object]]:
    """An image's history; empty where it went meanwhile."""
    try:
        found: list[dict[str, object]] = api.history(image)
    except docker.errors.NotFound:
        return []
    return found
