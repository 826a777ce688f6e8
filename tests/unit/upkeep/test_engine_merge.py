"""What goes over, put together with an image as an engine does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from drift.upkeep.subtraction import carried_over

Config = Mapping[str, Any]
PLAIN = ("User", "WorkingDir", "StopSignal")
MAPS = ("Labels", "ExposedPorts", "Volumes")


def merged(asked: Config, image: Config) -> dict[str, Any]:
    """A container's Config as engine 20.10 makes it of a request and an image (tried on one)."""
    made = dict(asked)
    for name in PLAIN:
        made[name] = asked.get(name) or image.get(name) or ""
    for name in MAPS:
        made[name] = {**(image.get(name) or {}), **(asked.get(name) or {})}
    given_over = {line.partition("=")[0] for line in asked.get("Env") or ()}
    made["Env"] = [*(asked.get("Env") or ())] + [
        line for line in image.get("Env") or () if line.partition("=")[0] not in given_over
    ]
    made["Entrypoint"], made["Cmd"] = asked.get("Entrypoint"), asked.get("Cmd")
    if not made["Entrypoint"]:
        made["Cmd"] = made["Cmd"] or image.get("Cmd")
        if made["Entrypoint"] is None:
            made["Entrypoint"] = image.get("Entrypoint")
    if made["Entrypoint"] == [""]:
        made["Entrypoint"] = None
    mine, its = asked.get("Healthcheck"), image.get("Healthcheck")
    made["Healthcheck"] = {**its, **mine} if mine and its else mine or its
    return made


def canonical(config: Config) -> dict[str, Any]:
    """The same where an engine would act the same."""
    lines = config.get("Env") or ()
    return {
        **{name: value or None for name, value in config.items()},
        "Env": {line.partition("=")[0]: line for line in lines},
    }


WORDS = st.sampled_from(["a", "b", "c"])
LISTS = st.lists(WORDS, min_size=1, max_size=2)
IMAGES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(PLAIN, WORDS),
        **{name: st.dictionaries(WORDS, st.just({}), max_size=2) for name in MAPS[1:]},
        "Labels": st.dictionaries(WORDS, WORDS, max_size=2),
        "Env": st.dictionaries(WORDS, WORDS | st.just(""), max_size=3).map(
            lambda values: [f"{name}={value}" for name, value in values.items()]
        ),
        "Cmd": LISTS,
        "Entrypoint": LISTS,
        "Healthcheck": st.fixed_dictionaries(
            {"Test": st.sampled_from([["NONE"], ["CMD", "a"], ["CMD", "b"]])},
            optional={name: st.integers(1, 3) for name in ("Interval", "Retries", "StartInterval")},
        ),
    },
)
REQUESTS = st.builds(
    lambda image, own: {**image, **own},
    IMAGES,
    st.fixed_dictionaries(
        {},
        optional={
            "Entrypoint": LISTS | st.just([""]) | st.just([]),
            "Env": st.lists(st.sampled_from(["a", "b=", "c=1", "d=e=f"]), max_size=3),
            "Healthcheck": st.fixed_dictionaries({"Interval": st.integers(1, 3)}),
        },
    ),
)


def container(asked: Config, image: Config) -> dict[str, Any]:
    made = merged(asked, image)
    assume(made["Entrypoint"] or made["Cmd"])  # the engine refuses one without a command
    return made


@given(REQUESTS, IMAGES)
def test_on_an_image_that_is_configured_alike_nothing_changes(asked: Config, image: Config) -> None:
    before = container(asked, image)
    carried = carried_over({"Id": "x", "Config": before}, image, image)
    assert carried.moved == ()
    assert canonical(merged(carried.config, image)) == canonical(before)


@given(REQUESTS, IMAGES, IMAGES)
def test_what_the_owner_set_stays_and_what_else_changes_is_told(
    asked: Config, old: Config, new: Config
) -> None:
    before = container(asked, old)
    carried = carried_over({"Id": "x", "Config": before}, old, new)
    after = merged(carried.config, new)
    told = {one.field.partition(".")[0] for one in carried.moved}
    for name in (*PLAIN, "Cmd", "Entrypoint"):
        if (before[name] or None) != (after[name] or None):
            assert name in told
            assert (before[name] or None) == (old.get(name) or None), "not its owner's"
    for name in (*MAPS, "Env", "Healthcheck"):
        was, now, its = (_entries(name, one.get(name)) for one in (before, after, old))
        for key in was:
            if now.get(key) != was[key]:
                assert f"{name}.{key}" in {one.field for one in carried.moved}
                assert was[key] == its.get(key), "not its owner's"


def _entries(name: str, value: Any) -> dict[str, Any]:
    if name == "Env":
        return {line.partition("=")[0]: line for line in value or ()}
    return dict(value or {})
