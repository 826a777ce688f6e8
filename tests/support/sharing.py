"""A witness: which containers ran with a volume, and whether two ever did at once.

Each way to see it has its gap, so there are three: the engine's events (what happens while the
engine is down makes none), its list of what runs (a look has a moment before and after), and the
kernel's word: what :mod:`support.services` runs holds a lock in its volume, and writes down where
that was taken.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from support.own_engine import OwnEngine

_GONE = (DockerException, requests.RequestException, OSError, ValueError)


@dataclass
class Witness:
    """``shared`` says, in words, each time that two ran at once. ``started`` are the names of
    who started with the volume, in order."""

    engine: OwnEngine
    volume: str
    shared: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    looks: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, str] = field(default_factory=dict)
    _mounts: dict[str, frozenset[str]] = field(default_factory=dict)
    _marks: set[str] = field(default_factory=set)

    def follow(self) -> None:
        """Follow the events, over restarts of the engine."""
        since = f"{time.time():.9f}"
        while not self.over.is_set():
            with suppress(*_GONE), self._client() as client:
                self._still_running(client)
                query = {"since": since, "filters": json.dumps({"type": ["container", "volume"]})}
                url = f"{client.base_url}/v1.41/events"
                with client.get(url, params=query, stream=True, timeout=(5, 60)) as got:
                    for line in got.iter_lines(chunk_size=None):
                        event = json.loads(line)
                        nanoseconds = int(event["timeNano"]) + 1
                        since = f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
                        self._take(event, client)
                        if self.over.is_set():
                            return
            self.over.wait(0.02)

    def look(self) -> None:
        """Ask again and again what runs."""
        while not self.over.is_set():
            with suppress(*_GONE), self._client() as client:
                while not self.over.wait(0.03):
                    found = client.containers(filters={"volume": [self.volume]})
                    self.looks += 1
                    if len(found) > 1:
                        self.shared.append(f"listed: {sorted(str(one['Names']) for one in found)}")
            self.over.wait(0.02)

    def catch_up(self) -> None:
        """Wait until the events of up to now have been taken."""
        mark = f"witness-{uuid.uuid4().hex}"
        client = self.engine.client()
        client.create_volume(mark)
        client.remove_volume(mark)
        deadline = time.monotonic() + 20
        while mark not in self._marks:
            assert time.monotonic() < deadline, "the engine's events do not come"
            time.sleep(0.01)

    def _take(self, event: dict[str, Any], client: docker.APIClient) -> None:
        who, action = event["Actor"]["ID"], event["Action"]
        if event["Type"] == "volume":
            self._marks.add(who)
            return
        name = event["Actor"]["Attributes"].get("name", "")
        if action in ("create", "start") and who not in self._mounts:
            self._mounts[who] = _volumes(client, who)
        if action == "start" and self.volume in self._mounts[who]:
            self.started.append(name)
            self._running[who] = name
            if len(self._running) > 1:
                self.shared.append(f"by events: {sorted(self._running.values())}")
        elif action == "die":
            self._running.pop(who, None)

    def _still_running(self, client: docker.APIClient) -> None:
        """Take out those whose end made no event: the engine itself had ended."""
        running = {one["Id"] for one in client.containers()}
        self._running = {k: name for k, name in self._running.items() if k in running}

    @contextmanager
    def _client(self) -> Iterator[docker.APIClient]:
        client = docker.APIClient(base_url=self.engine.host, version="1.41", timeout=10)
        try:
            yield client
        finally:
            client.close()


def _volumes(client: docker.APIClient, container: str) -> frozenset[str]:
    """The volumes of a container; one that is gone already may have had any."""
    try:
        found = client.inspect_container(container)["Mounts"]
    except APIError:
        return frozenset()
    return frozenset(one["Name"] for one in found if one["Type"] == "volume")


@contextmanager
def witness(engine: OwnEngine, volume: str) -> Iterator[Witness]:
    """Watch from here to the end of the block, which fails where two ran at once."""
    found = Witness(engine, volume)
    threads = [threading.Thread(target=one, daemon=True) for one in (found.follow, found.look)]
    for one in threads:
        one.start()
    try:
        found.catch_up()
        yield found
        found.catch_up()
    finally:
        found.over.set()
    assert not found.shared, found.shared
