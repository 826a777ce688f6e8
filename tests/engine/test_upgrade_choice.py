"""``drift upgrade --apply``: who is taken, who is only shown, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.services import RISK, Services, packaged

MINE = {"drift.upgrade": "true"}


def newer(services: Services, name: str, **of_both: Any) -> tuple[str, str]:
    """An image and its newer one, which differ in a package; the old one has the name here."""
    old = services.publish(name, files=packaged("1", "a"), **of_both)
    new = services.publish(name, files=packaged("2", "b"), **of_both)
    services.give_back(name, old)
    return old, new


def started(services: Services, name: str) -> tuple[str, str]:
    found = services.running(name)
    return found["Id"], found["State"]["StartedAt"]


def documents(services: Services, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = services.upgrade("--format", "json", *arguments)
    return ran.code, {one["container"]: one for one in json.loads(ran.out)}


def test_by_glob_and_by_label(services: Services) -> None:
    services.rules('upgrade = ["web-*"]')
    _, new = newer(services, "app")
    services.service("web-1", "app")
    services.service("mine", "app", labels=MINE)
    services.service("other", "app")
    untouched = started(services, "other")
    code, found = documents(services, "--apply")
    assert code == 0
    assert {name: one["chosen_by"] for name, one in found.items()} == {
        "web-1": "glob",
        "mine": "label",
    }
    assert all(one["upgraded"] for one in found.values()), found
    for name in found:
        assert services.is_whole(name)["Image"] == new
        assert services.running(name)["Config"]["Image"] == services.reference("app")
    assert started(services, "other") == untouched
    again = services.upgrade("--apply")
    assert again.code == 0
    assert again.out.count("current") == 2, again.out


def test_the_plan_changes_nothing(services: Services) -> None:
    services.rules('upgrade = ["app"]')
    newer(services, "app")
    services.service("app", "app")
    before, was = started(services, "app"), services.left()
    ran = services.upgrade("--pull")
    assert ran.code == 0, ran
    assert "1 package" in ran.out
    assert (started(services, "app"), services.left()) == (before, was)


@pytest.mark.parametrize("files", [{"etc/a": "2"}, packaged("1", "republished")])
def test_a_risk_only_by_name_and_said_so(services: Services, files: dict[str, str]) -> None:
    services.rules('upgrade = ["glob"]')
    old = services.publish("app", files=packaged("1", "a"))
    new = services.publish("app", files={**packaged("1", "a"), **files})
    services.give_back("app", old)
    services.service("glob", "app")
    services.service("label", "app", labels=MINE)
    services.service("name", "app")
    was = {name: started(services, name) for name in ("glob", "label", "name")}
    for arguments in ([], [RISK]):
        code, found = documents(services, "--apply", *arguments)
        assert code == 1
        assert set(found) == {"glob", "label"}
        for one in found.values():
            assert "only by its name, with --accept-risk" in one["refused"][0]
    code, found = documents(services, "--apply", "name")
    assert (code, found["name"]["upgraded"]) == (1, False)
    assert {name: started(services, name) for name in was} == was, "none was restarted"
    code, found = documents(services, "--apply", RISK, "name")
    assert (code, found["name"]["upgraded"]) == (0, True)
    assert services.is_whole("name")["Image"] == new
    assert started(services, "glob") == was["glob"]


def test_rebuilt_but_the_same_in_content(services: Services) -> None:
    old = services.publish("app", files={"etc/a": "1"})
    new = services.publish("app", files={"etc/a": "1"}, changes=['LABEL "built"="again"'])
    services.publish("app", files={"etc/a": "1"})
    services.give_back("app", old)
    assert old != new
    services.service("app", "app")
    before = started(services, "app")
    ran = services.upgrade("--apply", RISK, "app")
    assert ran.code == 0, ran
    assert "not restarted: newer, but the same in content" in ran.out
    assert started(services, "app") == before


def test_images_do_not_choose_themselves(services: Services) -> None:
    newer(services, "app", changes=('LABEL "drift.upgrade"="true"',))
    services.service("app", "app")
    services.service("set-too", "app", labels=MINE)
    was = started(services, "app"), started(services, "set-too")
    ran = services.upgrade("--apply")
    assert ran.code == 0
    assert "No running container is chosen" in ran.out
    assert (started(services, "app"), started(services, "set-too")) == was


def test_a_forged_mark_of_an_image_changes_nothing(services: Services) -> None:
    """An image that says that an upgrade was interrupted, of which a victim was the old one."""
    services.publish("app")
    services.service("victim", "app", restart_policy={"Name": "no"})
    victim = services.running("victim")["Id"]
    policy = {"Name": "no", "MaximumRetryCount": 0}
    for name in ("victim", "forged"):
        mark = {
            "id": "0" * 16,
            "at": "2026-01-01T00:00:00+00:00",
            "hold": False,
            "members": [{"old": victim, "name": name, "policy": policy, "named": None}],
        }
        text = json.dumps(mark, separators=(",", ":")).replace('"', '\\"')
        services.publish(f"forger-{name}", changes=(f'LABEL "drift.upgrading"="{text}"',))
    services.service("forged.drift-new", "forger-forged")
    services.service("forged", "forger-forged")
    services.service("victim.drift-new", "forger-victim")
    assert "drift.upgrading" in services.running("forged")["Config"]["Labels"]
    names = ("victim", "forged", "forged.drift-new", "victim.drift-new")
    was = {name: started(services, name) for name in names}
    before = services.left()
    ran = services.upgrade()
    assert ran.code == 0, ran
    assert "interrupted" not in ran.err
    assert {name: started(services, name) for name in names} == was
    assert services.left() == before


def test_a_strangers_name_is_left_to_it(services: Services) -> None:
    newer(services, "app")
    services.service("app", "app")
    services.service("app.drift-new", "app")
    was = started(services, "app"), started(services, "app.drift-new")
    code, found = documents(services, "--apply", "app")
    assert code == 1
    (why,) = found["app"]["refused"]
    assert "app.drift-new" in why
    assert (started(services, "app"), started(services, "app.drift-new")) == was


def test_shown_and_never_touched(services: Services) -> None:
    newer(services, "app")
    services.service("gone", "app", auto_remove=True, restart_policy=None)
    services.service("paused", "app")
    services.api.pause("paused")
    was = services.left()
    code, found = documents(services, "--apply", "gone", "paused")
    assert code == 1
    assert "removes itself when it stops" in found["gone"]["refused"][0]
    assert found["paused"]["refused"] == ["it is paused"]
    assert services.api.inspect_container("paused")["State"]["Paused"]
    services.api.unpause("paused")
    assert services.left() == was
    services.running("gone")


def test_pinned_and_made_from_an_id(services: Services) -> None:
    old, _ = newer(services, "app")
    digests = services.api.inspect_image(old)["RepoDigests"]
    for name, image in (("pinned", digests[0]), ("by-id", old)):
        services.service(name, image)
    was = started(services, "pinned"), started(services, "by-id")
    ran = services.upgrade("--apply", "pinned", "by-id")
    assert ran.code == 0, ran
    assert "not restarted: pinned by digest" in ran.out
    assert "not restarted: made from an id" in ran.out
    assert (started(services, "pinned"), started(services, "by-id")) == was


def test_what_the_owner_set_and_what_the_image_brought(services: Services) -> None:
    old = services.publish("app", files={"etc/a": "1"}, changes=('ENV MODE="safe" LEVEL="1"',))
    services.publish("app", files={"etc/a": "2"}, changes=('ENV MODE="fast" LEVEL="2"',))
    services.give_back("app", old)
    services.service("app", "app", environment={"TOKEN": "hunter2"}, mem_limit="64m")
    plan = services.upgrade("--pull", RISK, "app")
    assert "Env.MODE: safe → fast" in plan.out
    assert "Env.LEVEL: 1 → 2" in plan.out
    assert "hunter2" not in plan.out + plan.err
    ran = services.upgrade("--apply", RISK, "--keep", "Env.MODE", "app")
    assert ran.code == 0, ran
    assert "hunter2" not in ran.out + ran.err
    found = services.is_whole("app")
    assert {"MODE=safe", "LEVEL=2", "TOKEN=hunter2"} <= set(found["Config"]["Env"])
    assert found["HostConfig"]["Memory"] == 64 << 20
    assert "hunter2" not in json.dumps(found["Config"]["Labels"])


def test_names_that_do_not_run(services: Services) -> None:
    ran = services.upgrade("--apply", "nobody")
    assert (ran.code, ran.out) == (2, "")
    assert "no container 'nobody' is running" in ran.err
    assert services.upgrade("--rollback").code == 2
    assert services.upgrade("--rollback", "--apply", "app").code == 2
