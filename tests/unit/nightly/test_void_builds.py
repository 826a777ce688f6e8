"""A control or replay that shared a step with another build proves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from drift.builds import Role
from drift.engine.model import BuildResult, Step
from drift.masking import Mask
from drift.nightly.rounds import Built, Ordered, Rounds, shared_step
from drift.nightly.watch import NobodyWatches
from drift.snapshot.model import LayersInMemory

BEGUN = datetime(2026, 11, 2, 3, 0, 0, tzinfo=UTC)


def result(*steps: tuple[str, float]) -> BuildResult:
    """A build of steps, each begun some seconds after the build's own first one."""
    told = (Step(name, BEGUN + timedelta(seconds=seconds)) for name, seconds in steps)
    return BuildResult(None, "", tuple(told), BEGUN, 1.0)


OWN = ("[internal] load remote build context", 0.0)


@pytest.mark.parametrize(
    ("steps", "shared"),
    [
        ([OWN, ("[2/3] RUN make", 1.0), ("[3/3] COPY a /a", 2.0)], None),
        ([OWN, ("[2/3] RUN make", -4.0)], "[2/3] RUN make"),
        ([OWN, ("[build 2/3] RUN make", -4.0)], "[build 2/3] RUN make"),
        ([OWN, ("[2/2] ADD http://example.org/x /x", -0.5)], "[2/2] ADD http://example.org/x /x"),
        ([OWN, ("[1/3] FROM debian", -9.0), ("[2/3] COPY a /a", -9.0)], None),
        ([("[2/3] RUN make", -4.0)], None),  # nothing tells when the build itself began
        ([("Step 2/3 : RUN make", -4.0)], None),  # the classic builder shares nothing
    ],
)
def test_a_step_that_had_begun_before_is_another_builds(
    steps: Iterable[tuple[str, float]], shared: str | None
) -> None:
    assert shared_step(result(*steps)) == shared


class Engine:
    """Notes what is removed."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove(self, reference: str) -> bool:
        self.removed.append(reference)
        return True


class Prepared:
    class image:  # noqa: N801 (an attribute's name)
        name = "app"


@pytest.mark.parametrize(("role", "made"), [(Role.CONTROL, 2), (Role.REPLAY, 2), (Role.NIGHTLY, 1)])
def test_a_void_build_is_made_again_alone(
    role: Role, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Ordered] = []

    def make(rounds: Rounds, order: Ordered) -> Built:
        asked.append(order)
        build = rounds.blank("app", order.role, order.reason, order.attempt)
        return Built(build, shared="[2/3] RUN make" if len(asked) == 1 else None)

    monkeypatch.setattr(Rounds, "make", make)
    engine: Any = Engine()
    config, bases = cast(Any, None), cast(Any, None)
    night = (date(2026, 11, 2), config, engine, bases)
    rounds = Rounds("run", *night, LayersInMemory(), NobodyWatches(), 2, Mask(()))
    told: list[Built] = []
    rounds.phase([Ordered(cast(Any, Prepared()), role, "why")], told.append)
    assert len(told) == len(asked) == made
    assert len({built.build.id for built in told}) == 1
    if made == 2:
        assert "alone" in told[-1].build.reason
        assert engine.removed == [f"drift.local/app:{told[0].build.id}"]
