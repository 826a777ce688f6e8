"""What ``drift doctor`` says of an engine, whatever the engine is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drift.cli.examination import Finding, examine
from drift.engine.engine import Engine
from drift.engine.model import DiskSpace
from drift.errors import EngineError
from drift.source.model import EngineIdentity
from drift.store.store import Store
from support.store_samples import record

GIB = 1 << 30


@dataclass
class FakeEngine:
    """Answers as it is told."""

    space: DiskSpace | None = None
    builder: str | EngineError = "buildkit"
    data_root: Path | None = Path("/var/lib/docker")
    connection: Any = field(
        default_factory=lambda: SimpleNamespace(
            api_version="1.51", endpoint=SimpleNamespace(host="unix:///run/docker.sock")
        )
    )

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None: ...

    def containers_labelled(self, label: str) -> tuple[str, ...]:
        return ()

    def identity(self, builder: str) -> EngineIdentity:
        return EngineIdentity("docker", "28.5.2", "1.52", builder, "linux/amd64")

    def choose_builder(self, setting: str, needs: str | None) -> str:
        if isinstance(self.builder, EngineError):
            raise self.builder
        return self.builder

    def disk(self) -> DiskSpace | None:
        return self.space


def findings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: FakeEngine
) -> dict[str, Finding]:
    monkeypatch.setattr(Engine, "connect", lambda _host: engine)
    found = examine(tmp_path / "drift.toml", optional=True)
    return {finding.of: finding for finding in found}


@pytest.mark.parametrize(
    ("space", "state", "said"),
    [
        (DiskSpace(100 * GIB, 500 * GIB), "ok", "107.4 GB of 536.9 GB free"),
        (DiskSpace(4 * GIB, 500 * GIB), "warn", "4.3 GB of"),
        (DiskSpace(GIB // 2, 500 * GIB), "fail", "536.9 MB of"),
        (None, "warn", "unknown"),
    ],
)
def test_room_on_the_engines_disk(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    space: DiskSpace | None,
    state: str,
    said: str,
) -> None:
    disk = findings(monkeypatch, tmp_path, FakeEngine(space))["disk"]
    assert disk.state == state
    assert said in disk.said
    assert (disk.mend is None) == (state == "ok")


def test_room_for_what_a_night_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\n')
    with Store.open(f"sqlite:///{tmp_path}/.drift/drift.db") as store:
        record(store, "r1")
    found = findings(monkeypatch, tmp_path, FakeEngine(DiskSpace(GIB + 25, 9 * GIB)))
    assert (found["disk"].state, "a night takes 20 B" in found["disk"].said) == ("ok", True)
    found = findings(monkeypatch, tmp_path, FakeEngine(DiskSpace(GIB + 15, 9 * GIB)))
    assert found["disk"].state == "fail"


def test_what_builds_are_to_be_given_and_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "there").write_text("secret")
    image = '[[image]]\nname = "{}"\nsecrets = [{{ id = "a", file = "{}" }}]\nssh = ["default"]\n'
    (tmp_path / "drift.toml").write_text(image.format("web", "there") + image.format("api", "gone"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(Engine, "connect", lambda _host: FakeEngine())
    found = [one for one in examine(tmp_path / "drift.toml", optional=True) if one.of == "mounts"]
    assert [one.state for one in found] == ["warn", "warn"]
    assert found[0].said.startswith("api: secret a: ")
    assert found[1].said == "web, api: SSH_AUTH_SOCK is not set: there is no ssh agent"


def test_the_engine_and_its_builder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = findings(monkeypatch, tmp_path, FakeEngine())
    said = "docker 28.5.2, API 1.51, linux/amd64, at unix:///run/docker.sock"
    assert found["engine"] == Finding("ok", "engine", said)
    assert found["builder"] == Finding("ok", "builder", "buildkit (engine.builder = auto)")


def test_a_builder_that_the_engine_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lacking = FakeEngine(builder=EngineError("no BuildKit", hint="upgrade it"))
    found = findings(monkeypatch, tmp_path, lacking)
    assert found["builder"] == Finding("fail", "builder", "no BuildKit", "upgrade it")
    assert "disk" in found  # the rest is looked at all the same
