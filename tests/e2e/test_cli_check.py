"""``drift check`` as a process of its own, where no engine answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import NO_ENGINE, drift_process


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\n')
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--format", "json"], ["--against", "HEAD"]])
def test_an_engine_that_is_away_is_a_2(here: Path, options: list[str]) -> None:
    ran = drift_process("check", *options, cwd=here, environ={"DOCKER_HOST": NO_ENGINE})
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"no engine answers" in ran.stderr
    assert b"hint: start it" in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert sorted(path.name for path in here.iterdir()) == ["Dockerfile", "drift.toml"]


def test_the_configurations_mistakes_are_told_together(here: Path) -> None:
    (here / "drift.toml").write_text('[egnine]\n[store]\nurl = 3\n[[image]]\nname = "web"\n')
    ran = drift_process("check", cwd=here, environ={"DOCKER_HOST": NO_ENGINE})
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"drift.toml:1: " in ran.stderr
    assert b"drift.toml:3: " in ran.stderr
    assert b"did you mean" in ran.stderr


def test_a_secret_in_the_engines_address_is_masked(here: Path) -> None:
    (here / "drift.toml").write_text(
        '[engine]\nhost = "unix:///nowhere/${TOKEN}.sock"\n[[image]]\nname = "web"\n'
    )
    for debug in ("0", "1"):
        environ = {"TOKEN": "hunter2secret", "DRIFT_DEBUG": debug}
        ran = drift_process("check", cwd=here, environ=environ)
        assert ran.returncode == 2
        assert b"unix:///nowhere/***.sock" in ran.stderr
        assert b"hunter2" not in ran.stderr


def test_usage_errors_show_arguments_harmlessly(here: Path) -> None:
    for arguments in (["\x1b[31mred"], ["check", "--format", "\x1b[31m"], ["--\x1b[31m"]):
        ran = drift_process(*arguments, cwd=here)
        assert (ran.returncode, ran.stdout) == (2, b"")
        assert b"\x1b" not in ran.stderr
