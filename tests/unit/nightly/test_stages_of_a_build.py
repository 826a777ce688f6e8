"""Which stages are had again, and what becomes of one that cannot be had."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from drift.builds import Failure, FailureKind, StageSnapshot
from drift.engine.build import BuildCancelled
from drift.engine.engine import Engine
from drift.engine.model import BuildRequest, BuildResult
from drift.errors import EngineError, SnapshotError, StoreError
from drift.nightly.prepare import Prepared
from drift.nightly.stages import ANOTHER, CopiedStages, copied_stages
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory, Snapshot
from drift.source.dockerfile import parse
from drift.source.dockerfile.model import Stage
from drift.source.dockerfile.stages import Build
from drift.source.dockerfile.stages import Build as StageBuild
from support.images import Member, file, snapshot_of

DOCKERFILE = """\
FROM a AS below
FROM a AS tool
FROM below AS build
COPY --from=tool /t /t
FROM a AS unused
FROM b AS last
COPY --from=build /out /app
COPY --from=image:1 /x /x
"""
IMAGE = BuildResult(Digest.of(b"x"), "", (), datetime(2026, 11, 1, tzinfo=UTC), 30.0)
REQUEST = BuildRequest(lambda: cast(Any, None), "Dockerfile", "drift.local/app:1", "classic")


def _names(dockerfile: str, target: str | None = None) -> list[str]:
    build = Build(target=target, builder="buildkit")
    return [stage.label for stage in copied_stages(parse(dockerfile.encode()), build)]


def test_the_stages_that_files_are_copied_from_by_way_of_others_too() -> None:
    assert _names(DOCKERFILE) == ["tool", "build"]
    assert _names(DOCKERFILE, "build") == ["tool"]
    assert _names("FROM a\nFROM 0\nCOPY --from=0 /x /x\n") == ["0"]


@pytest.mark.parametrize("text", ["FROM a\n", "FROM a AS b\nRUN x\nFROM b\nCOPY --from=c:1 x y\n"])
def test_an_image_that_copies_from_no_stage(text: str) -> None:
    assert _names(text) == []


@dataclass
class Fake:
    """An engine that remembers what it is asked."""

    error: Exception | None = None
    failure: Failure | None = None
    asked: list[BuildRequest] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def build(self, request: BuildRequest, **_: Any) -> BuildResult:
        self.asked.append(request)
        if self.error:
            raise self.error
        return replace(IMAGE, failure=self.failure, left_images=("left",))

    def remove(self, reference: str) -> bool:
        self.removed.append(reference)
        raise EngineError("used by a container")


LAYERS = LayersInMemory()
STAGE = snapshot_of([[file("out/tool", "1"), file("out/more", "2")]], LAYERS)


def _copying(text: str, *members: Member) -> Snapshot:
    image = snapshot_of([list(members)], LAYERS)
    layer = replace(image.layers[0], instruction=Instruction("last", 7, text))
    return replace(image, layers=(layer,))


def _taken(
    engine: Fake,
    image: Snapshot,
    read: Callable[[], Snapshot] = lambda: STAGE,
) -> StageSnapshot:
    asked = Stage("build", 1, "a", None, 1, "FROM a")
    stages = CopiedStages(
        cast(Engine, engine),
        (asked,),
        cast(Prepared, None),  # what a stage with a name does not ask for
        StageBuild(),
        LAYERS,
        lambda _tag, _stage: read(),
        threading.Event(),
    )
    with stages:
        stages.build(REQUEST, IMAGE)
        (taken,) = stages.snapshots(image)
    assert engine.removed == ["drift.local/app:1-s1"]
    return taken


COPIED = _copying("COPY --from=build /out/ /usr/bin/", file("usr/bin/tool", "1"))


def test_a_stage_is_asked_for_with_cache_and_its_name_goes() -> None:
    engine = Fake()
    assert _taken(engine, COPIED) == StageSnapshot("build", STAGE, index=1)
    (asked,) = engine.asked
    assert (asked.target, asked.cached, asked.timeout) == ("build", True, 90.0)


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("COPY --from=build /out/ /usr/bin/", file("usr/bin/tool", "another")),
        ("COPY --from=1 /out/ /usr/bin/", file("usr/bin/tool", "another")),
        ("COPY --from=BUILD /out/tool /tool", file("tool", "2")),  # it is another file's
    ],
)
def test_content_that_the_stage_does_not_hold_there_tells_another_stage(
    text: str, member: Member
) -> None:
    assert _taken(Fake(), _copying(text, member)) == StageSnapshot(
        "build", index=1, problem=ANOTHER
    )


def test_what_others_copied_says_nothing_of_a_stage() -> None:
    image = _copying("COPY --from=other /out/ /usr/bin/", file("usr/bin/tool", "another"))
    assert _taken(Fake(), image).problem is None


def _raising(error: Exception) -> Callable[[], Snapshot]:
    def read() -> Snapshot:
        raise error

    return read


@pytest.mark.parametrize(
    ("engine", "read", "said"),
    [
        (Fake(EngineError("it went away")), lambda: STAGE, "it went away"),
        (Fake(failure=Failure(FailureKind.STEP, "RUN x failed")), lambda: STAGE, "RUN x failed"),
        (Fake(), _raising(SnapshotError("cut short")), "cut short"),
        (Fake(), _raising(RecursionError("a bug")), "a bug"),
    ],
)
def test_whatever_goes_wrong_is_the_stage_s_problem(
    engine: Fake, read: Callable[[], Snapshot], said: str
) -> None:
    taken = _taken(engine, COPIED, read)
    assert taken.snapshot is None
    assert said in str(taken.problem)


@pytest.mark.parametrize("error", [BuildCancelled("stopped"), StoreError("out of reach")])
def test_a_run_that_cannot_go_on_stops(error: Exception) -> None:
    with pytest.raises(type(error)):
        _taken(Fake(), COPIED, _raising(error))
