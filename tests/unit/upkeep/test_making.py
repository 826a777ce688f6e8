"""The request that makes a container's next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drift.upkeep.making import Creation, creation
from drift.upkeep.mounting import Mounting
from drift.upkeep.settings import ENDPOINT, HOST, Fate
from drift.upkeep.subtraction import carried_over

OLD = "0123456789ab" + "c" * 52
PARENT, NEXT = "aa" * 32, "bb" * 32
NETWORK, OTHER = "d1" * 32, "d2" * 32


def made(
    config: Mapping[str, Any] | None = None,
    host: Mapping[str, Any] | None = None,
    networks: Mapping[str, Any] | None = None,
    **options: Any,
) -> Creation:
    document = {
        "Id": OLD,
        "Config": config or {},
        "HostConfig": host or {},
        "NetworkSettings": {"Networks": {"bridge": {}} if networks is None else networks},
    }
    mounting = Mounting(("/a:/a",), ({"Type": "volume", "Source": "v", "Target": "/v"},), ())
    options = {"label": {"mine": "1"}, **options}
    return creation(
        document, carried_over(document, {}, {}), mounting, "app:1", "sha256:new", **options
    )


def test_the_next_one_is_made_on_the_new_image_without_a_restart_policy() -> None:
    found = made({"Tty": True}, {"Memory": 7, "RestartPolicy": {"Name": "always"}}).body
    assert found == {
        "Image": "app:1",
        "Tty": True,
        "Labels": {"mine": "1"},
        "HostConfig": {
            "Memory": 7,
            "RestartPolicy": {"Name": "no"},
            "NetworkMode": "default",
            "Binds": ["/a:/a"],
            "Mounts": [{"Type": "volume", "Source": "v", "Target": "/v"}],
        },
    }


def test_composes_label_names_the_new_image_where_it_is_there() -> None:
    labels = {"com.docker.compose.image": "sha256:old", "com.docker.compose.service": "web"}
    assert made({"Labels": labels}).body["Labels"] == {
        "com.docker.compose.image": "sha256:new", "com.docker.compose.service": "web", "mine": "1",
    }  # fmt: skip
    assert made({"Labels": {"drift.upgrading": "{}"}}).body["Labels"] == {"mine": "1"}


def test_the_network_of_the_mode_first_and_the_others_by_their_id() -> None:
    networks = {
        "back": {
            "NetworkID": OTHER, "IPAddress": "10.0.0.9", "Gateway": "10.0.0.1",
            "Aliases": [OLD[:12]], "MacAddress": "02:42:0a:00:00:09",
        },
        "front": {
            "NetworkID": NETWORK, "IPAMConfig": {"IPv4Address": "10.1.0.9"},
            "Aliases": ["web", OLD[:12]], "Links": ["db:store"], "DriverOpts": {"a": "b"},
            "GwPriority": 3,
        },
    }  # fmt: skip
    found = made(host={"NetworkMode": "front"}, networks=networks)
    assert found.body["NetworkingConfig"]["EndpointsConfig"] == {
        "front": {
            "IPAMConfig": {"IPv4Address": "10.1.0.9"},
            "Aliases": ["web"],
            "Links": ["db:store"],
            "DriverOpts": {"a": "b"},
            "GwPriority": 3,
        }
    }
    assert found.networks == {OTHER: {}}
    by_id = made(host={"NetworkMode": NETWORK[:12]}, networks=networks)
    assert set(by_id.networks) == {OTHER}


def test_a_container_whose_networks_were_changed_gets_those_that_it_has() -> None:
    moved = made(networks={"front": {"NetworkID": NETWORK}}).body
    assert moved["HostConfig"]["NetworkMode"] == "default"
    assert moved["NetworkingConfig"] == {"EndpointsConfig": {"front": {}}}
    assert made(networks={}).body["HostConfig"]["NetworkMode"] == "none"
    assert made({"NetworkDisabled": True}, networks={}).body["HostConfig"]["NetworkMode"] == (
        "default"
    )


def test_what_is_joined_is_named_by_its_successors_id() -> None:
    replaced = {PARENT: NEXT, "db": NEXT}
    host = {
        "NetworkMode": f"container:{PARENT}", "IpcMode": "container:db",
        "PidMode": f"container:{PARENT[:12]}", "UTSMode": "",
    }  # fmt: skip
    config = {"Hostname": "db", "Domainname": "x", "ExposedPorts": {"80/tcp": {}}}
    found = made(config, host, networks={}, replaced=replaced).body
    for mode in ("NetworkMode", "IpcMode", "PidMode"):
        assert found["HostConfig"][mode] == f"container:{NEXT}"
    assert {"Hostname", "Domainname", "ExposedPorts"}.isdisjoint(found), "the other's, refused"
    links = ["/db:/web/store", "/cache:/web/cache"]
    linked = made(host={"Links": links}, replaced=replaced).body
    assert linked["HostConfig"]["Links"] == [f"{NEXT}:store", "cache:cache"]


def test_a_host_name_is_not_given_to_a_container_that_has_the_hosts() -> None:
    assert "Hostname" not in made({"Hostname": "h"}, {"UTSMode": "host"}).body
    assert made({"Hostname": "h"}, {"NetworkMode": "host"}).body["Hostname"] == "h"


JSON = st.recursive(
    st.integers() | st.text(max_size=5) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
PUT_IN_FORM = {"Binds", "Mounts", "RestartPolicy", "NetworkMode", "IpcMode", "PidMode"} | {
    *("Cgroup", "Links", "Aliases")
}


def carried_whole(table: Mapping[str, Any]) -> list[str]:
    return [n for n, f in table.items() if f.fate is Fate.CARRIED and n not in PUT_IN_FORM]


@given(st.sampled_from(carried_whole(HOST)), JSON)
def test_whatever_is_nested_in_a_setting_goes_over(name: str, value: Any) -> None:
    assert made(host={name: value}).body["HostConfig"][name] == value


@given(st.sampled_from(carried_whole(ENDPOINT)), st.dictionaries(st.text(max_size=5), JSON))
def test_whatever_is_nested_in_an_endpoints_setting_goes_over(name: str, value: Any) -> None:
    found = made(host={"NetworkMode": "n"}, networks={"n": {name: value}}).body
    first = found.get("NetworkingConfig", {}).get("EndpointsConfig", {}).get("n", {})
    assert first.get(name, {}) == value
