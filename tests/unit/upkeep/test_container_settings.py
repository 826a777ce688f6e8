"""What goes over to a container's next one, and what gives way to the new image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.upkeep.model import Container, Mount
from drift.upkeep.mounting import mounting_of
from drift.upkeep.settings import CONFIG, ENDPOINT, HOST, Fate, unknown_fields
from drift.upkeep.subtraction import Moved, carried_over

FIXTURES = Path(__file__).parent / "fixtures"
SCHEMAS = {
    "1.41": json.loads((FIXTURES / "engine-api-1.41.json").read_text()),
    **json.loads((FIXTURES / "engine-api-later.json").read_text()),
}
VERSIONS = ("1.41", "1.51", "1.56")


@pytest.mark.parametrize(
    ("part", "table"),
    [("ContainerConfig", CONFIG), ("HostConfig", HOST), ("EndpointSettings", ENDPOINT)],
)
def test_every_field_of_the_schemas_has_its_fate(part: str, table: Any) -> None:
    for version in VERSIONS:
        assert set(SCHEMAS[version][part]) - set(table) == set(), version
    assert set(table) == {name for version in VERSIONS for name in SCHEMAS[version][part]}
    assert all(field.why for field in table.values() if field.fate is Fate.NOT_APPLICABLE)


def test_a_field_that_nobody_knows_is_named_where_it_is_set() -> None:
    document = {
        "Config": {"User": "x", "Novel": "y", "Other": ""},
        "HostConfig": {"Sound": {"a": "b"}, "Quiet": None},
        "NetworkSettings": {"Networks": {"n": {"Colour": 3}}},
    }
    assert unknown_fields(document) == (
        "Config.Novel", "EndpointSettings.Colour", "HostConfig.Sound",
    )  # fmt: skip


def container(**config: Any) -> dict[str, Any]:
    return {"Id": "0123456789abcdef", "Config": config, "HostConfig": {"Memory": 7}}


def test_what_the_owner_set_goes_over_and_the_rest_gives_way() -> None:
    old = {"User": "app", "Env": ["PATH=/bin", "MODE=safe"], "Cmd": ["old"]}
    new = {"User": "web", "Env": ["PATH=/bin", "MODE=fast", "NEW=1"], "Cmd": ["new"]}
    now = container(
        User="app", Env=["PATH=/bin", "MODE=safe", "TOKEN=x"], Cmd=["mine"], Tty=True,
        Hostname="0123456789ab",
    )  # fmt: skip
    made = carried_over(now, old, new)
    assert made.config == {"Env": ["TOKEN=x"], "Cmd": ["mine"], "Tty": True}
    assert made.host == {"Memory": 7}
    assert made.moved == (Moved("User", "app", "web"), Moved("Env.MODE", "safe", "fast"))
    kept = carried_over(now, old, new, keep=["Env.MODE", "User"])
    assert kept.config["Env"] == ["MODE=safe", "TOKEN=x"]
    assert (kept.config["User"], kept.moved) == ("app", ())


def test_a_variable_that_the_owner_took_out_stays_out() -> None:
    made = carried_over(container(Env=["A=1"]), {"Env": ["A=1", "B=2"]}, {"Env": ["A=1", "B=3"]})
    assert made.config == {"Env": ["B"]}


def test_an_entrypoint_that_is_set_takes_the_command_with_it() -> None:
    old, new = {"Entrypoint": ["/e"], "Cmd": ["a"]}, {"Entrypoint": ["/e"], "Cmd": ["b"]}
    made = carried_over(container(Entrypoint=["/mine"], Cmd=["a"]), old, new)
    assert made.config == {"Entrypoint": ["/mine"], "Cmd": ["a"]}
    assert made.moved == ()


def test_an_entrypoint_without_a_command_was_given_without_one() -> None:
    old, new = {"Entrypoint": ["/e"], "Cmd": ["a"]}, {"Entrypoint": ["/f"], "Cmd": ["b"]}
    made = carried_over(container(Entrypoint=["/e"], Cmd=None), old, new)
    assert (made.config, made.moved) == ({"Entrypoint": ["/e"]}, ())


def test_an_entrypoint_that_its_owner_reset_stays_reset() -> None:
    """As the engine shows it: null for ``--entrypoint ""``, which takes no Cmd of the image."""
    old, new = {"Entrypoint": ["/e"], "Cmd": ["a"]}, {"Entrypoint": ["/f"], "Cmd": ["b"]}
    made = carried_over(container(Entrypoint=None, Cmd=["a"]), old, new)
    assert (made.config, made.moved) == ({"Entrypoint": [""], "Cmd": ["a"]}, ())
    made = carried_over(container(Entrypoint=[], Cmd=["a"]), old, new)
    assert made.config == {"Entrypoint": []}, "the request's own empty list leaves Cmd the image's"
    assert made.moved == (Moved("Cmd", ["a"], ["b"]),)


def test_what_an_engine_does_not_take_from_an_image_is_not_said_to_move() -> None:
    old, new = {"OnBuild": ["RUN a"], "ArgsEscaped": True}, {"OnBuild": None, "Shell": ["/bin/b"]}
    made = carried_over(container(ArgsEscaped=True), old, new)
    assert (made.config, made.moved) == ({}, ())


def test_a_working_directory_that_the_engine_cleaned_is_still_the_images() -> None:
    made = carried_over(container(WorkingDir="/app"), {"WorkingDir": "/app/"}, {"WorkingDir": "/b"})
    assert (made.config, made.moved) == ({}, (Moved("WorkingDir", "/app", "/b"),))


def test_a_health_check_part_by_part() -> None:
    old = {"Healthcheck": {"Test": ["CMD", "a"], "Interval": 5}}
    new = {"Healthcheck": {"Test": ["CMD", "b"], "Interval": 5}}
    made = carried_over(container(Healthcheck={"Test": ["CMD", "a"], "Interval": 9}), old, new)
    assert made.config == {"Healthcheck": {"Interval": 9}}
    assert made.moved == (Moved("Healthcheck.Test", ["CMD", "a"], ["CMD", "b"]),)


VARIABLES = st.dictionaries(st.sampled_from("ABCD"), st.sampled_from("123"), max_size=4)


@given(VARIABLES, VARIABLES, VARIABLES)
def test_what_the_owner_set_is_never_lost(
    own: dict[str, str], old: dict[str, str], new: dict[str, str]
) -> None:
    """The engine puts the image's variables below those that are given."""

    def lines(values: dict[str, str]) -> list[str]:
        return [f"{name}={value}" for name, value in values.items()]

    value = {**old, **own}
    made = carried_over(container(Env=lines(value)), {"Env": lines(old)}, {"Env": lines(new)})
    given_over = dict(line.split("=") for line in made.config.get("Env", []))
    after = {**new, **given_over}
    for name, held in own.items():
        assert after.get(name) == held or held == old.get(name), "or it cannot be told"
    for name in set(old) - set(own):
        assert after.get(name) == new.get(name), "what was inherited is the new image's"


# Volumes

ANONYMOUS = "a" * 64


def with_mounts(*mounts: Mount) -> Container:
    return Container("i", "c", "", "", "running", None, None, "no", False, {}, (), mounts, 0)


def test_every_volume_goes_over_by_name_however_it_was_declared() -> None:
    made = mounting_of(
        with_mounts(
            Mount("volume", "named", "/v/named", "/named", True),
            Mount("volume", ANONYMOUS, "/v/a", "/image", True),
            Mount("volume", "b" * 64, "/v/b", "/unnamed", True),
            Mount("volume", "other", "/v/o", "/from", False),
            Mount("bind", None, "/host", "/bound", False),
            Mount("bind", None, "/shared", "/from-bind", True, ("Z", "rslave")),
            Mount("tmpfs", None, "", "/fast", True),
        ),
        {
            "Binds": ["named:/named:nocopy", "/host:/bound:ro"],
            "Mounts": [
                {"Type": "volume", "Target": "/unnamed", "VolumeOptions": {"NoCopy": True}},
                {"Type": "tmpfs", "Target": "/fast"},
            ],
            "VolumesFrom": ["other"],
        },
    )
    assert made.binds == (
        "named:/named:nocopy",
        "/host:/bound:ro",
        "/shared:/from-bind:rw,Z,rslave",
    )
    placed = {str(one["Target"]): one for one in made.mounts}
    assert placed["/unnamed"]["Source"] == "b" * 64
    assert placed["/unnamed"]["VolumeOptions"] == {"NoCopy": True}
    assert (placed["/image"]["Source"], placed["/image"]["ReadOnly"]) == (ANONYMOUS, False)
    assert (placed["/from"]["Source"], placed["/from"]["ReadOnly"]) == ("other", True)
    assert made.lost == ("/fast",)


def test_a_bare_path_is_bound_by_the_name_that_it_got() -> None:
    volume = Mount("volume", ANONYMOUS, "/v", "/data", True)
    made = mounting_of(with_mounts(volume), {"Binds": ["/data"]})
    assert (made.binds, made.mounts) == ((f"{ANONYMOUS}:/data",), ())


def test_a_mount_that_was_written_with_a_slash_is_not_made_twice() -> None:
    mounts = [Mount("volume", name, f"/v/{name}", f"/{name}", True) for name in ("one", "two")]
    asked = {"Binds": ["one:/one/:ro"], "Mounts": [{"Type": "volume", "Target": "/two/"}]}
    made = mounting_of(with_mounts(*mounts), asked)
    assert made.binds == ("one:/one/:ro",)
    assert [one["Source"] for one in made.mounts] == ["two"]
