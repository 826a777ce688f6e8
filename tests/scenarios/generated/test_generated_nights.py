"""200 generated nights: random moves of world, repository, toolchain and noise; truth is known.

Half of them begin with each builder. The seed is printed, and DRIFT_SEED gives it again;
DRIFT_FLEETS=2 makes half as many. No change of the world may be missed: said to be anything else
than ``external``, though a file that depends on what moved changed.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path as FilePath
from typing import Any

import pytest

from support.generated import NOISE, WORLD, Generator, Image, told
from support.generated import Path as Generated
from support.world import World

SEEN = {WORLD, "unexplained"}  # what is not missed: a path named anew is two, each its own
IMAGES, NIGHTS = 5, 10
FLEETS = int(os.environ.get("DRIFT_FLEETS") or 4)
SEED = int(os.environ.get("DRIFT_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.parametrize(
    ("fleet", "builder"), [(n, ("classic", "buildkit")[n % 2]) for n in range(FLEETS)]
)
def test_no_change_of_the_world_is_missed(world: World, fleet: int) -> None:
    seed = SEED + fleet
    print(f"seed {seed} (DRIFT_SEED={SEED}, fleet {fleet})")
    generator = Generator.make(world, random.Random(seed), f"gen{fleet}x", IMAGES)
    night = world.project.check()
    assert {i["status"] for i in night.document["images"]} == {"first"}, night.stderr
    matrix: Counter[tuple[str, str]] = Counter()
    builds: Counter[str] = Counter()
    missed = []
    for _ in range(NIGHTS):
        generator.day()
        night = world.project.check()
        for image in generator.images:
            document = night.image(image.name)
            assert document["status"] in ("identical", "equivalent", "drifted"), document["error"]
            builds.update(build["role"] for build in document["builds"])
            for path in image.paths:
                truth, said = _row(image, path), _told(document, path)
                matrix[truth, said] += 1
                if WORLD in image.truth(path) and not told(document, path) & SEEN:
                    missed.append(_shown(night.document["run"]["night"], image, path, document))
    _record(fleet, seed, matrix, builds, world.project.builder)
    for (truth, said), count in sorted(matrix.items()):
        print(f"{truth:35} told {said:20} {count}")
    assert not missed, "\n".join(missed)


def _row(image: Image, path: Generated) -> str:
    """The truth as the matrix has it."""
    moved = sorted(image.truth(path))
    return " + ".join([*moved, *([NOISE] if path.noise else [])]) or "nothing"


def _told(document: dict[str, Any], path: Generated) -> str:
    return " + ".join(sorted(told(document, path))) or "nothing"


def _shown(night: str, image: Image, path: Generated, document: dict[str, Any]) -> str:
    causes = [
        (c["origin"], c["kind"], c["subject"], c["evidence"])
        for c in document["causes"]
        if any(
            e["cause"] == c["id"] and path.holds(e["path"]) for e in document["files"]["entries"]
        )
    ]
    return f"{night} {image.name} {path}: moved {sorted(image.moved)}, told {causes}"


def _record(
    fleet: int, seed: int, matrix: Counter[tuple[str, str]], builds: Counter[str], builder: str
) -> None:
    place = os.environ.get("DRIFT_ACCURACY")
    if not place:
        return
    rows = [{"truth": t, "told": s, "paths": n} for (t, s), n in sorted(matrix.items())]
    line = {"seed": seed, "matrix": rows, "builds": builds, "nights": NIGHTS * IMAGES}
    directory = FilePath(place) / "generated"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"fleet-{fleet}.json").write_text(json.dumps(line, indent=1))
