"""The workflows that are shipped: what they run, when their steps run, and what they pin."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text())
    document["on"] = document.pop(True)  # YAML 1.1 reads the key `on` as a truth value
    assert isinstance(document, dict)
    return document


def steps_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document["jobs"].values():
        yield from job["steps"]


def nightly() -> list[dict[str, Any]]:
    return list(steps_of(load(ROOT / ".github" / "workflows" / "nightly.yml")))


@dataclass(frozen=True)
class Job:
    """How a job went: the steps that ran, by name, and whether it succeeded."""

    ran: tuple[str, ...]
    succeeded: bool


def run_as_a_runner_does(steps: list[dict[str, Any]], directory: Path, drift_exits: int) -> Job:
    """Run a job's shell lines as GitHub's runner would; actions are only noted.

    A step runs while nothing has failed, or where its condition is ``always()``; the shell
    is ``bash -e``. ``python`` and ``drift`` are stand-ins.
    """
    programs = directory / "bin"
    programs.mkdir()
    for name, code in {"drift": drift_exits, "python": 0}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\necho "$0 $@" >> "{directory}/log"\nexit {code}\n')
        program.chmod(0o755)
    ran, failed = [], False
    for step in steps:
        if failed and step.get("if") != "always()":
            continue
        ran.append(step["name"])
        if "run" in step:
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=directory,
                env={"PATH": f"{programs}:/usr/bin:/bin"},
                check=False,
            )
            failed = failed or done.returncode != 0
    return Job(tuple(ran), not failed)


@pytest.mark.parametrize(("drift_exits", "succeeds"), [(0, True), (1, False), (2, False)])
def test_the_store_is_saved_and_the_report_uploaded_whatever_drift_exits_with(
    tmp_path: Path, drift_exits: int, succeeds: bool
) -> None:
    steps = nightly()
    job = run_as_a_runner_does(steps, tmp_path, drift_exits)
    assert job.ran == tuple(step["name"] for step in steps)
    assert job.succeeded is succeeds
    assert f"{tmp_path}/bin/drift check --format github" in (tmp_path / "log").read_text()


def test_the_store_is_restored_before_and_saved_after_the_check_under_a_key_of_its_own() -> None:
    steps = nightly()
    uses = [step.get("uses", "").partition("@")[0] or step["run"] for step in steps]
    restore, check, save = (
        uses.index(name)
        for name in ("actions/cache/restore", "drift check --format github", "actions/cache/save")
    )
    assert restore < check < save
    saved, restored = steps[save]["with"], steps[restore]["with"]
    assert saved["path"] == restored["path"] == ".drift"
    assert "github.run_id" in saved["key"]
    assert "github.run_attempt" in saved["key"]  # a second attempt cannot overwrite the first's
    assert saved["key"].startswith(restored["restore-keys"])


def test_the_whole_history_is_there_each_night_and_by_hand() -> None:
    document = load(ROOT / ".github" / "workflows" / "nightly.yml")
    assert set(document["on"]) == {"schedule", "workflow_dispatch"}
    checkout = next(step for step in nightly() if "actions/checkout@" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_least_and_actions_are_pinned_by_commit(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in document["jobs"].values())
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_the_readme_shows_the_workflow_as_it_is() -> None:
    text = (ROOT / "README.md").read_text()
    shown = re.search(r"```yaml\n(# A night of drift.*?)```", text, re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / ".github" / "workflows" / "nightly.yml").read_text()
