"""The stages of a build, kept with it and forgotten with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from drift.builds import Build, StageSnapshot
from drift.oci import DiffId
from drift.snapshot.model import Layer, LayerDescriptor
from drift.store.store import Store
from support.store_samples import ENGINE, LAYER, MANIFEST, NIGHT, NOW, build, document, snapshot

OF_STAGE = DiffId.of(b"a stage's layer")


def _with_stages(run: str, night: date) -> Build:
    stage = replace(snapshot("7"), layers=(LayerDescriptor(OF_STAGE, 1),))
    stages = (
        StageSnapshot("lost", problem="gone"),
        StageSnapshot("build", stage, index=1),
        StageSnapshot("same", snapshot(), index=2),
    )
    return replace(build(run, night=night), stages=stages)


def _record(store: Store, made: Build) -> None:
    store.begin_run(made.run, made.night, NOW, ENGINE)
    store.save_image(made.run, made.image, document(), [made], {})
    store.finish_run(made.run, NOW)


def test_stages_come_back_with_their_packages(store: Store) -> None:
    made = _with_stages("one", NIGHT)
    _record(store, made)
    assert store.build(made.id) == made
    assert store.builds("web") == (made,)


def test_a_stage_s_layers_and_packages_stay_as_long_as_the_build(store: Store) -> None:
    store.layers.put(MANIFEST)
    store.layers.put(Layer(OF_STAGE, 1, ()))
    first = _with_stages("one", date(2026, 11, 1))
    _record(store, first)
    store.prune(date(2026, 11, 2), 1, 0)
    assert store.build(first.id) == first  # the baseline of tonight
    assert OF_STAGE in store.layers
    second = build("two", night=date(2026, 11, 3))
    _record(store, second)
    store.prune(date(2026, 11, 4), 1, 0)
    assert store.build(first.id) is None
    assert OF_STAGE not in store.layers
    assert LAYER in store.layers
    assert store.build(second.id) == second
