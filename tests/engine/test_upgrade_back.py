"""``drift upgrade --apply`` on what does not work: the old ones run again, as they did."""

from __future__ import annotations

import json
import os
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.fleet import Fleet, tar
from support.registry import push
from support.services import RISK, Services, volume_of
from support.sharing import witness
from support.striking import striking

FAILING = 'HEALTHCHECK --interval=500ms --timeout=1s --retries=1 CMD ["false"]'
STARTING = 'HEALTHCHECK --interval=500ms --timeout=1s --start-period=1h --retries=1 CMD ["false"]'
WELL = 'HEALTHCHECK --interval=500ms --timeout=1s --retries=1 CMD ["true"]'


@pytest.mark.parametrize(
    ("first", "changes", "why"),
    [
        ("echo no rows >&2; exit 3", (), "app ended with exit code 3"),
        ("", (FAILING,), "app is unhealthy"),
        ("", ('ENTRYPOINT ["/no-such-program"]',), "no-such-program"),
    ],
    ids=["exits at once", "unhealthy", "cannot be started"],
)
def test_one_that_does_not_work(
    services: Services, first: str, changes: tuple[str, ...], why: str
) -> None:
    services.rules(watch="1s")
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", first=first, files={"etc/a": "2"}, changes=changes)
    services.give_back("app", old)
    made = services.service("app", "app")
    before = services.left()
    with witness(services.engine, "app-data") as seen:
        ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "went back" in ran.out
    assert why in ran.out
    assert ("app said: no rows" in ran.err) == ("no rows" in first), "its log goes with it"
    found = services.is_whole("app")
    assert (found["Id"], found["Image"]) == (made, old)
    assert services.left() == before
    assert seen.started[-1] == "app"
    assert services.upgrade().code == 0, "nothing is left to be put right"


@pytest.mark.parametrize("policy", ["always", "no"])
def test_one_that_cannot_be_made_leaves_the_old_one_running(
    services: Services, policy: str
) -> None:
    """The engine refuses it before anything was stopped, so nothing is started again."""
    old = services.publish("app", files={"etc/a": "1"})
    without_command = services.reference("app")
    Fleet(services.api).imported(without_command, tar({"etc/a": b"2"}))
    push(services.api, without_command, without_command)
    services.give_back("app", old)
    made = services.service("app", "app", restart_policy={"Name": policy})
    started = services.running("app")["State"]["StartedAt"]
    before = services.left()
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 1, ran
    assert "No command specified" in ran.out
    found = services.is_whole("app", policy)
    assert (found["Id"], found["Image"]) == (made, old)
    assert found["State"]["StartedAt"] == started
    assert services.left() == before


def test_one_that_becomes_healthy(services: Services) -> None:
    services.rules(watch="1h")
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "2"}, changes=(WELL,))
    services.give_back("app", old)
    services.service("app", "app")
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 0, ran
    assert services.is_whole("app")["Image"] == new


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "ended"])
@pytest.mark.parametrize("at", ["/containers/create", "/stop", "/start"])
def test_whoever_waits_too_long_may_stop_it(
    services: Services, tmp_path_factory: pytest.TempPathFactory, number: signal.Signals, at: str
) -> None:
    """Its start period does not end, so that it is neither well nor ill."""
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", files={"etc/a": "2"}, changes=(STARTING,))
    services.give_back("app", old)
    made = services.service("app", "app")
    before = services.left()

    def stop(pid: int) -> None:
        os.kill(pid, number)

    place, host = tmp_path_factory.mktemp("t"), services.engine.host
    with (
        witness(services.engine, "app-data"),
        striking(host, place, at, stop, heard=True) as proxy,
    ):
        ran = services.upgrade("--apply", RISK, "app", host=proxy.host)
    assert proxy.struck
    assert ran.code not in (0, 1), ran
    found = services.is_whole("app")
    assert (found["Id"], found["Image"]) == (made, old)
    assert services.left() == before


def test_a_port_that_is_taken_meanwhile(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", files={"etc/a": "2"})
    services.give_back("app", old)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    made = services.service("app", "app", network_mode="default", port_bindings=ports)
    before = services.left()
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def take(pid: int) -> None:
        taken.bind(("127.0.0.1", port))
        taken.listen()

    place, host = tmp_path_factory.mktemp("t"), services.engine.host
    with witness(services.engine, "app-data"), taken:
        with striking(host, place, "/stop", take, heard=True) as proxy:
            ran = services.upgrade("--apply", RISK, "app", host=proxy.host)
        assert ran.code in (1, 2), ran
        assert "address already in use" in ran.out + ran.err
        while_taken = services.upgrade()
        assert while_taken.code == 2, while_taken
        taken.close()
        after = services.upgrade()
    assert after.code == 0, after
    found = services.is_whole("app")
    assert (found["Id"], found["Image"]) == (made, old)
    assert found["NetworkSettings"]["Ports"] == ports
    assert services.left() == before


@pytest.mark.parametrize("killed", [False, True], ids=["drift goes on", "drift is killed"])
@pytest.mark.parametrize("at", [6, "/start"], ids=["not started", "started"])
def test_somebody_removes_the_old_one_meanwhile(
    services: Services, tmp_path_factory: pytest.TempPathFactory, at: int | str, killed: bool
) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "2"})
    services.give_back("app", old)
    services.service("app", "app")
    before = services.left()

    def remove(pid: int) -> None:
        services.api.remove_container("app.drift-old")
        if killed:
            os.kill(pid, signal.SIGKILL)

    place, host = tmp_path_factory.mktemp("t"), services.engine.host
    with striking(host, place, at, remove, heard=True) as proxy:
        ran = services.upgrade("--apply", RISK, "app", host=proxy.host)
    assert proxy.struck
    assert "/start" in proxy.calls[-1] or proxy.calls[5].endswith("/rename")
    assert (ran.code == 0) is not killed, ran
    assert services.upgrade().code == 0
    assert services.is_whole("app")["Image"] == new
    assert services.left() == before


def test_one_that_does_not_work_stays_where_the_old_one_was_removed(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", first="echo no rows >&2; exit 3", files={"etc/a": "2"})
    services.give_back("app", old)
    services.service("app", "app")

    def remove(pid: int) -> None:
        services.api.remove_container("app.drift-old")

    place, host = tmp_path_factory.mktemp("t"), services.engine.host
    with striking(host, place, "/start", remove, heard=True) as proxy:
        ran = services.upgrade("--apply", RISK, "app", host=proxy.host)
    assert ran.code == 2, ran
    assert "app ended with exit code 3; it stays: the one before it was removed" in ran.err
    assert "app said: no rows" in ran.err
    found = services.api.inspect_container("app")
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert volume_of(found) == "app-data"


def test_held_and_back_again(services: Services) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "2"})
    services.give_back("app", old)
    made = services.service("app", "app")
    before = services.left()
    nothing = services.upgrade("--rollback", "app")
    assert nothing.code == 2, nothing
    assert "no earlier container of 'app' is held" in nothing.err
    assert services.upgrade("--apply", "--hold", RISK, "app").code == 0
    services.write("app", "of-the-new-one")
    held = services.api.inspect_container("app.drift-held")
    assert (held["Id"], held["State"]["Running"]) == (made, False)
    assert held["HostConfig"]["RestartPolicy"]["Name"] == "no", "the engine must not start it"
    assert services.is_whole("app")["Image"] == new
    (plan,) = json.loads(services.upgrade("--format", "json", "app").out)
    kept = {"container": "app.drift-held", "image_id": old}
    assert {**plan["held"], **kept} == plan["held"]
    left = datetime.fromisoformat(plan["held"]["until"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=50) < left < timedelta(hours=24)
    ran = services.upgrade("--rollback", "--format", "json", "app")
    assert ran.code == 0, ran
    assert json.loads(ran.out) == [
        {"container": "app", "image": services.reference("app"), "from": new, "to": old}
    ]
    found = services.is_whole("app")
    assert (found["Id"], found["Image"]) == (made, old)
    assert services.left() == before
    rows = services.read("app", "/data/rows") or ""
    assert "of-the-new-one" in rows, "without copies a rollback does not undo what was written"


def test_held_ones_copies_are_what_it_goes_back_to(services: Services) -> None:
    services.rules("backup = true")
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", files={"etc/a": "2"}, first="rm /data/rows; echo spoilt >/data/rows")
    services.give_back("app", old)
    services.service("app", "app")
    before = services.left()
    assert services.upgrade("--apply", "--hold", RISK, "app").code == 0
    assert services.read("app", "/data/rows") == "spoilt\n"
    assert services.upgrade("--rollback", "app").code == 0
    assert services.is_whole("app")["Image"] == old
    assert "spoilt" not in (services.read("app", "/data/rows") or "")
    assert services.left() == before


def test_a_copy_is_put_back_where_the_new_one_fails(services: Services) -> None:
    services.rules("backup = true", watch="1s")
    old = services.publish("app", files={"etc/a": "1"})
    services.publish("app", files={"etc/a": "2"}, first="rm /data/rows; echo x >/data/new; exit 1")
    services.give_back("app", old)
    services.service("app", "app")
    before = services.left()
    assert services.upgrade("--apply", RISK, "app").code == 1
    assert services.is_whole("app")["Image"] == old
    assert services.read("app", "/data/new") is None
    assert services.left() == before


def test_one_after_the_other_in_two_places_at_once(services: Services, tmp_path: Path) -> None:
    """A second one neither disturbs the first, nor takes it for one that was interrupted."""
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "2"})
    services.give_back("app", old)
    services.service("app", "app")
    codes = []

    def meanwhile(pid: int) -> None:
        codes.append(services.upgrade_beside())

    with striking(services.engine.host, tmp_path, "/stop", meanwhile, heard=True) as proxy:
        ran = services.upgrade("--apply", RISK, "app", host=proxy.host)
    assert (ran.code, codes) == (0, [2]), ran
    found = services.is_whole("app")
    assert (found["Image"], volume_of(found)) == (new, "app-data")
