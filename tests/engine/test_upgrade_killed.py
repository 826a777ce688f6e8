"""``drift upgrade --apply`` ended at any moment: what is left is put right by the next one.

Each test ends drift, or the engine, after its first call that changes something, then after its
second, and so on until an upgrade passes.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.services import RISK, Services, volume_of
from support.sharing import witness
from support.striking import Strike, kill, striking

AT_MOST = 60  # calls


@dataclass
class Trials:
    """One upgrade of ``names``, tried again and again from the same beginning."""

    services: Services
    place: Path
    names: tuple[str, ...] = ("app",)
    arguments: tuple[str, ...] = ("--apply", RISK, "app")
    held: bool = False
    old: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    before: tuple[set[str], set[str]] = (set(), set())

    def publish(self, **of_both: Any) -> None:
        for name in self.names:
            self.old[name] = self.services.publish(name, files={"etc/a": "1"}, **of_both)
            self.new[name] = self.services.publish(name, files={"etc/a": "2"}, **of_both)

    def begin(self, **host: Any) -> None:
        """The containers, on their old images, the later ones in the first one's network."""
        self.services.clean()
        for name in self.names:
            self.services.give_back(name, self.old[name])
            joins = {} if name == self.names[0] else {"network_mode": f"container:{self.names[0]}"}
            self.services.service(name, name, **{**host, **joins})
        self.before = self.services.left()
        if "--rollback" in self.arguments:
            ran = self.services.upgrade("--apply", "--hold", RISK, *self.names)
            assert ran.code == 0, ran

    def until_it_passes(self, strike: Strike) -> list[str]:
        """All trials; gives the calls of the one that was let pass."""
        for at in range(1, AT_MOST):
            self.begin()
            calls, struck = self.once(at, strike)
            if not struck:
                return calls
        raise AssertionError(f"more than {AT_MOST} calls: {calls}")

    def once(self, at: int | str, strike: Strike, *, early: bool = False) -> tuple[list[str], bool]:
        """Strike one upgrade, let the next ``drift upgrade`` put it right, and look."""
        with ExitStack() as seen:
            for name in self.names:
                seen.enter_context(witness(self.services.engine, f"{name}-data"))
            host = self.services.engine.host
            with striking(host, self.place, at, strike, early=early) as proxy:
                ran = self.services.upgrade(*self.arguments, host=proxy.host)
            if not proxy.struck:
                assert ran.code == 0, ran
            after = self.services.upgrade()
            where = f"struck after {proxy.calls[-1]}: {after}"
            assert after.code == 0, where
            self.is_whole(where)
        return proxy.calls, proxy.struck

    def is_whole(self, where: str) -> None:
        """All are as before, or all are new, with their data; nothing else is there."""
        found = {name: self.services.is_whole(name) for name in self.names}
        first = found[self.names[0]]
        for name, one in found.items():
            assert volume_of(one) == f"{name}-data", where
            if one is not first:
                assert one["HostConfig"]["NetworkMode"] == f"container:{first['Id']}", where
        images = {name: one["Image"] for name, one in found.items()}
        assert images in (self.old, self.new), where
        held = {f"{name}.drift-held" for name in self.names if self.held and images == self.new}
        names, volumes = self.services.left()
        assert (names - held, volumes) == self.before, where
        assert held <= names, where


@pytest.fixture
def trials(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(services, tmp_path_factory.mktemp("t"))


def test_drift_is_killed(trials: Trials) -> None:
    trials.publish()
    calls = trials.until_it_passes(kill)
    done = [call.rpartition("/")[2] for call in calls]
    assert {"create", "update", "stop", "rename", "start"} <= set(done), "each was struck"
    assert trials.services.running("app")["Image"] == trials.new["app"]


def test_drift_is_killed_with_copies_of_volumes(trials: Trials) -> None:
    trials.services.rules("backup = true")
    trials.publish()
    trials.until_it_passes(kill)


def test_drift_is_killed_with_the_old_one_held(trials: Trials) -> None:
    trials.arguments, trials.held = ("--apply", "--hold", RISK, "app"), True
    trials.publish()
    trials.until_it_passes(kill)
    assert "app.drift-held" in trials.services.left()[0]


def test_drift_is_killed_with_one_that_stands_on_another(trials: Trials) -> None:
    trials.names = ("app", "side")
    trials.arguments = ("--apply", RISK, "app", "side")
    trials.publish()
    trials.until_it_passes(kill)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_the_engine_goes_down_and_comes_back(trials: Trials, how: signal.Signals) -> None:
    def restart(pid: int) -> None:
        trials.services.engine.stop(how)
        trials.services.engine.start()

    trials.publish()
    trials.until_it_passes(restart)


def test_drift_is_killed_on_the_way_back_to_one_that_is_held(trials: Trials) -> None:
    trials.held, trials.arguments = True, ("--rollback", "app")
    trials.publish()
    trials.until_it_passes(kill)
    assert trials.services.running("app")["Image"] == trials.old["app"]


def test_an_interrupted_rollback_is_asked_for_again(trials: Trials) -> None:
    trials.held, trials.arguments = True, ("--rollback", "app")
    trials.publish()
    trials.begin()
    with striking(trials.services.engine.host, trials.place, "/rename", kill) as proxy:
        trials.services.upgrade(*trials.arguments, host=proxy.host)
    assert proxy.struck
    again = trials.services.upgrade(*trials.arguments)
    assert again.code == 0, again
    trials.is_whole("asked for again")
    assert trials.services.running("app")["Image"] == trials.old["app"]


def test_the_engine_goes_down_on_the_way_back_to_one_that_is_held(trials: Trials) -> None:
    def restart(pid: int) -> None:
        trials.services.engine.stop()
        trials.services.engine.start()

    trials.held, trials.arguments = True, ("--rollback", "app")
    trials.publish()
    trials.until_it_passes(restart)
    assert trials.services.running("app")["Image"] == trials.old["app"]


@pytest.mark.parametrize("at", ["/stop", "/start", "/containers/create", "/rename", "DELETE"])
def test_drift_is_killed_while_the_engine_is_at_it(trials: Trials, at: str) -> None:
    """The engine goes on with what it was asked, beside whoever comes next."""
    trials.publish(last="sleep 2;")
    trials.begin()
    _, struck = trials.once(at, kill, early=True)
    assert struck
    time.sleep(2.5)  # by then the engine has done whatever it was still to do
    trials.services.is_whole("app")
