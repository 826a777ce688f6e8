"""Faults of the engine that cannot be had from a real one at will."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from drift.builds import FailureKind, Role
from drift.config import load
from drift.engine.engine import Engine
from drift.engine.model import (
    BuildRequest,
    BuildResult,
    DiskSpace,
    InspectedImage,
    PulledImage,
)
from drift.engine.pull import PullFailure
from drift.errors import EngineError
from drift.masking import Mask
from drift.nightly.bases import Bases
from drift.nightly.prepare import prepare
from drift.nightly.rounds import Built, Ordered, Rounds
from drift.nightly.watch import NobodyWatches
from drift.oci import DiffId, Digest, Platform
from drift.snapshot.model import LayersInMemory
from drift.source.checkout import Checkout
from support.faulty_engine import APP, BASE, BASE_ID, Faulty
from support.images import diff_id, file, tar

OTHER = tar([file("bin/sh", "#?")])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM base:1\nRUN make\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "app"\n')
    return tmp_path


def built(project: Path, engine: Faulty, seen: bool = False) -> Built:
    """One nightly build on an engine."""
    config = load(project / "drift.toml")
    real = cast(Engine, engine)
    prepared = prepare(config.images[0], Checkout(project), config, real, ())
    bases = Bases(real, lambda _reference: seen)
    bases.pull([prepared], NobodyWatches())
    rounds = Rounds(
        run="run",
        night=date(2026, 11, 1),
        config=config,
        engine=real,
        bases=bases,
        layers=LayersInMemory(),
        watcher=NobodyWatches(),
        jobs=1,
        mask=Mask(()),
    )
    return rounds.make(Ordered(prepared, Role.NIGHTLY, "a test"))


def failure_kind(made: Built) -> FailureKind | None:
    return made.build.failure.kind if made.build.failure else None


def test_a_sound_build_stands_on_its_base(project: Path) -> None:
    snapshot = built(project, Faulty()).build.snapshot
    assert snapshot is not None
    assert [layer.base for layer in snapshot.layers] == [True, False]


def test_nothing_is_built_on_a_disk_that_is_nearly_full(project: Path) -> None:
    engine = Faulty(free=100 << 20)
    made = built(project, engine)
    assert failure_kind(made) is FailureKind.RESOURCES
    assert engine.builds == 0
    assert made.build.failure is not None
    assert "100 MiB" in made.build.failure.message


@pytest.mark.parametrize(
    "engine",
    [
        Faulty(layers=(OTHER, APP)),
        Faulty(layers=(APP,)),
        Faulty(bases_used={"docker.io/library/base:1": Digest.of(b"another")}),
    ],
)
def test_a_build_on_another_base_than_the_pulled_one_says_nothing(
    project: Path, engine: Faulty
) -> None:
    made = built(project, engine)
    assert failure_kind(made) is FailureKind.ENGINE
    assert made.build.failure is not None
    assert "did not use the base:1 that was pulled" in made.build.failure.message


def test_an_export_that_breaks_off_is_unknown(project: Path) -> None:
    made = built(project, Faulty(exported=lambda content: content[:-9000]))
    assert failure_kind(made) is FailureKind.ENGINE
    assert made.build.snapshot is None


def test_an_engine_that_goes_away_is_unknown(project: Path) -> None:
    made = built(project, Faulty(build_error=EngineError("connection reset")))
    assert failure_kind(made) is FailureKind.ENGINE
    assert not FailureKind.ENGINE.broken


LOCAL = PulledImage("base:1", BASE_ID, None, (DiffId(diff_id(BASE)),), 1)


@pytest.mark.parametrize(
    ("error", "local", "seen", "kind"),
    [
        (PullFailure.NOT_FOUND, None, False, FailureKind.SOURCE),
        (PullFailure.NOT_FOUND, LOCAL, False, None),
        (PullFailure.NOT_FOUND, LOCAL, True, FailureKind.SOURCE),
        (PullFailure.DENIED, None, False, FailureKind.NETWORK),
        (PullFailure.DENIED, LOCAL, False, None),
        (PullFailure.AUTHENTICATION, LOCAL, False, FailureKind.NETWORK),
        (PullFailure.RATE_LIMIT, None, False, FailureKind.NETWORK),
        (PullFailure.NETWORK, LOCAL, False, FailureKind.NETWORK),
        (PullFailure.PLATFORM, None, False, FailureKind.INPUT),
        (PullFailure.ABSENT, None, False, FailureKind.INPUT),
        (PullFailure.RESOURCES, None, False, FailureKind.RESOURCES),
    ],
)
def test_why_a_base_cannot_be_had_decides_between_broken_and_unknown(
    project: Path,
    error: PullFailure,
    local: PulledImage | None,
    seen: bool,
    kind: FailureKind | None,
) -> None:
    made = built(project, Faulty(pull_error=error, local=local), seen)
    assert failure_kind(made) is kind
    if kind is None:
        assert made.build.inputs is not None
        assert made.build.inputs.bases[0].local


def test_a_context_that_changes_while_it_is_sent_fails_its_image_alone(project: Path) -> None:
    class Reading(Faulty):
        def build(self, request: BuildRequest, **_: Any) -> BuildResult:
            (project / "Dockerfile").write_text("FROM base:2\nRUN another\n")
            with request.context() as stream:
                stream.read()
            return super().build(request)

    made = built(project, Reading())
    assert failure_kind(made) is FailureKind.INPUT
    assert made.build.failure is not None
    assert ".dockerignore" in made.build.failure.message
    assert replace(made.build, failure=None).inputs is not None


@pytest.mark.parametrize(
    ("platform", "kind"),
    [
        ("linux/amd64", None),
        ("amd64", None),
        ("linux", None),
        ("not/a/plat/form", FailureKind.STEP),
        ("a b", FailureKind.STEP),
    ],
)
def test_a_platform_is_read_as_builders_read_it(
    project: Path, platform: str, kind: FailureKind | None
) -> None:
    (project / "drift.toml").write_text(f'[[image]]\nname = "app"\nargs = {{ P = "{platform}" }}\n')
    (project / "Dockerfile").write_text("ARG P\nFROM --platform=$P base:1\nRUN make\n")
    assert failure_kind(built(project, Faulty())) is kind


def test_an_engine_that_goes_away_while_bases_are_pulled_is_unknown(project: Path) -> None:
    class Gone(Faulty):
        def pull(self, reference: str, platform: Platform | None, policy: str) -> PulledImage:
            raise EngineError("the engine went away")

    assert failure_kind(built(project, Gone())) is FailureKind.ENGINE


def test_an_engine_that_goes_away_before_a_build_is_unknown(project: Path) -> None:
    class Gone(Faulty):
        def disk(self) -> DiskSpace:
            raise EngineError("the engine went away")

    assert failure_kind(built(project, Gone())) is FailureKind.ENGINE


def test_a_fault_of_drift_s_own_fails_its_image_alone(project: Path) -> None:
    class Odd(Faulty):
        def inspect(self, reference: str) -> InspectedImage:
            raise ValueError("what nobody thought of")

    made = built(project, Odd())
    assert failure_kind(made) is FailureKind.ENGINE
    assert made.build.failure is not None
    assert "what nobody thought of" in made.build.failure.message


def test_one_tag_with_two_digests_is_no_other_base(project: Path) -> None:
    used = {
        f"docker.io/library/base:1@{BASE_ID}": BASE_ID,
        "docker.io/library/base:1": Digest.of(b"pinned in another stage"),
    }
    assert failure_kind(built(project, Faulty(bases_used=used))) is None


def test_a_base_serves_every_stage_that_stands_on_it(project: Path) -> None:
    (project / "Dockerfile").write_text(
        "FROM base:1 AS tools\nRUN a\nFROM tools AS build\nRUN b\n"
        "FROM base:1\nRUN make\nCOPY --from=build /x /x\n"
    )
    inputs = built(project, Faulty()).build.inputs
    assert inputs is not None
    assert {"stage:tools", "stage:build", "stage:0", "stage:1", "final"} <= {*inputs.bases[0].roles}


def test_the_final_base_is_the_one_of_the_target_s_platform(project: Path) -> None:
    (project / "Dockerfile").write_text(
        "FROM --platform=linux/arm64 base:1 AS build\nFROM base:1\nRUN make\n"
    )
    inputs = built(project, Faulty()).build.inputs
    assert inputs is not None
    assert [base.final for base in inputs.bases] == [False, True]


class Listening(NobodyWatches):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def says(self, message: str) -> None:
        self.heard.append(message)


@pytest.mark.parametrize(
    ("policy", "local", "heard"),
    [
        ("always", LOCAL, ["pulling base:1"]),
        ("always", None, ["pulling base:1"]),
        ("missing", LOCAL, []),
        ("missing", None, ["pulling base:1"]),
        ("never", LOCAL, []),
        ("never", None, []),
    ],
)
def test_pulling_is_said_where_something_is_pulled(
    project: Path, policy: str, local: PulledImage | None, heard: list[str]
) -> None:
    (project / "drift.toml").write_text(f'[[image]]\nname = "app"\npull = "{policy}"\n')
    config, engine = load(project / "drift.toml"), cast(Engine, Faulty(local=local))
    prepared = prepare(config.images[0], Checkout(project), config, engine, ())
    watcher = Listening()
    Bases(engine, lambda _reference: False).pull([prepared], watcher)
    assert watcher.heard == heard


def test_an_engine_that_goes_away_while_a_base_is_looked_for_is_unknown(project: Path) -> None:
    class Gone(Faulty):
        def local_image(
            self, reference: str, platform: Platform | None = None
        ) -> PulledImage | None:
            raise EngineError("the engine went away")

    (project / "drift.toml").write_text('[[image]]\nname = "app"\npull = "missing"\n')
    assert failure_kind(built(project, Gone())) is FailureKind.ENGINE
