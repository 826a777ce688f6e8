"""The workflows and the action that are shipped: what runs, when, and with which rights."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "drift" / "action.yml"
RESTORE, SAVE, UPLOAD = "actions/cache/restore", "actions/cache/save", "actions/upload-artifact"

#: The rights of each workflow's jobs; all others have but `contents: read`.
RIGHTS: dict[str, dict[str, dict[str, str]]] = {
    "nightly.yml": {"drift": {"contents": "read", "issues": "write"}},
    "pull-request-comment.yml": {"comment": {"actions": "read", "pull-requests": "write"}},
}


def load(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text())
    if True in document:
        document["on"] = document.pop(True)  # YAML 1.1 reads the key `on` as a truth value
    assert isinstance(document, dict)
    return document


def workflow(name: str) -> dict[str, Any]:
    return load(ROOT / ".github" / "workflows" / name)


def steps_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document["jobs"].values():
        yield from job["steps"]


@dataclass(frozen=True)
class Done:
    """How the action went: the steps that ran, what was called, what it gave."""

    ran: tuple[str, ...]
    calls: tuple[str, ...]
    outputs: Mapping[str, str]
    succeeded: bool

    def called(self, start: str) -> list[str]:
        return [call for call in self.calls if call.startswith(start)]


DRIFT = """#!/bin/sh
[ "$1 $2" = "github touched" ] && { cat "$HERE/touched"; exit; }
printf '%s' "drift" >>"$HERE/log"; printf ' [%s]' "$@" >>"$HERE/log"; echo >>"$HERE/log"
while [ $# -gt 0 ]; do
  [ "$1" = check ] && check=1
  [ "$1" = --output ] && output=$2
  [ "$1" = --set ] && echo "$2" >>"$GITHUB_OUTPUT"
  shift
done
[ -z "$check" ] || [ -z "$LEAVES" ] || echo '{}' >"$output"
[ -z "$check" ] || exit "$EXITS"
"""


class Runner:
    """The composite action as GitHub's runner takes it: expressions, conditions, bash.

    A step runs while nothing has failed, or where its condition says ``always()``. Other actions
    are only noted. ``drift`` and ``python`` are stand-ins.
    """

    def __init__(self, directory: Path) -> None:
        self.here = directory
        self.programs = directory / "bin"
        self.programs.mkdir()
        for name, text in {"drift": DRIFT, "python": "#!/bin/sh\n"}.items():
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        (directory / "touched").write_text("")
        (directory / "log").write_text("")
        self.steps: dict[str, dict[str, str]] = {}

    def run(self, inputs: Mapping[str, str], exits: int = 0, leaves: bool = True) -> Done:
        document = load(ACTION)
        defaults = {name: one.get("default", "") for name, one in document["inputs"].items()}
        self.inputs = {**defaults, **inputs}
        self.steps = {}
        ran, failed = [], False
        for step in document["runs"]["steps"]:
            condition = step.get("if", "true")
            if failed and "always()" not in condition:
                continue
            if all(self._holds(term) for term in condition.split(" && ")):
                ran.append(step["name"])
                if "run" in step:
                    failed = not self._shell(step, exits, leaves) or failed
        outputs = {k: self._filled(one["value"]) for k, one in document["outputs"].items()}
        calls = tuple((self.here / "log").read_text().splitlines())
        return Done(tuple(ran), calls, outputs, not failed)

    def _holds(self, term: str) -> bool:
        if term in ("true", "always()"):
            return True
        left, sign, right = re.fullmatch(r"(\S+) (==|!=) '(.*)'", term).groups()  # type: ignore[union-attr]
        return (self._value(left) == right) is (sign == "==")

    def _value(self, name: str) -> str:
        room, key, *rest = name.split(".")
        if room == "inputs":
            return str(self.inputs[key])
        if room == "github":
            return f"the {key}"
        assert room == "steps"
        return self.steps.get(key, {}).get(rest[1], "")

    def _filled(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            choices = [choice.strip() for choice in match[1].split("||")]
            given = [c.strip("'") if c.startswith("'") else self._value(c) for c in choices]
            return next(filter(None, given), "")

        return re.sub(r"\$\{\{ (.*?) \}\}", value, str(text))

    def _shell(self, step: Mapping[str, Any], exits: int, leaves: bool) -> bool:
        outputs = self.here / "outputs"
        outputs.write_text("")
        given = {key: self._filled(value) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.here,
            env={
                "PATH": f"{self.programs}:/usr/bin:/bin",
                "RUNNER_TEMP": str(self.here / "temp"),
                "GITHUB_OUTPUT": str(outputs),
                "HERE": str(self.here),
                "EXITS": str(exits),
                "LEAVES": "1" if leaves else "",
                **given,
            },
            check=False,
        )
        lines = (line.partition("=") for line in outputs.read_text().splitlines())
        self.steps[step.get("id", "")] = {name: value for name, _, value in lines}
        return done.returncode == 0


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.mark.parametrize(("exits", "succeeds"), [(0, True), (1, False), (2, False)])
def test_the_store_is_saved_and_the_report_uploaded_whatever_drift_exits_with(
    runner: Runner, exits: int, succeeds: bool
) -> None:
    done = runner.run({}, exits)
    assert done.succeeded is succeeds
    assert done.ran == (
        "Set up Python",
        "Install drift",
        "Restore the store of earlier nights",
        "Check the fleet",
        "Save the store, whatever was found",
        "Upload the report's site",
        "Upload the report's one page",
        "Keep one issue for each standing event",
        "Say what it comes to",
    )
    (check,) = done.called("drift [check]")
    assert check.startswith("drift [check] [--config] [drift.toml] [--format] [json] [--output]")
    assert check.endswith(" [--]")
    assert done.called("drift [github] [step]")[0].endswith("drift.json]")
    assert done.outputs["json"].endswith("/drift.json")


def test_the_job_may_go_on_where_something_is_flagged(runner: Runner) -> None:
    done = runner.run({"fail": "false"}, 1)
    assert done.succeeded
    assert done.ran[-1] == "Keep one issue for each standing event"


def test_a_check_that_cannot_be_done_is_an_error_and_publishes_nothing(runner: Runner) -> None:
    done = runner.run({}, 2, leaves=False)
    assert not done.succeeded
    assert (done.outputs["status"], done.outputs["publish"]) == ("error", "[]")
    assert done.outputs["json"] == ""
    assert "Save the store, whatever was found" in done.ran


def test_named_images_are_words_and_nothing_else(runner: Runner) -> None:
    done = runner.run({"images": "web $(id) *\napi;x"})
    (check,) = done.called("drift [check]")
    assert check.endswith(" [--] [web] [$(id)] [*] [api;x]")


def test_a_pull_request_is_compared_and_nothing_is_saved_or_written(runner: Runner) -> None:
    (runner.here / "touched").write_text("web\napi\n")
    done = runner.run({"against": "abc"}, 1)
    (check,) = done.called("drift [check]")
    assert check.endswith("drift.json] [--against] [abc] [--] [web] [api]")
    assert "Upload what the pull request changes" in done.ran
    for step in ("Save the store", "Upload the report", "Keep one issue"):
        assert not any(name.startswith(step) for name in done.ran)


def test_a_pull_request_that_touches_no_image_builds_none(runner: Runner) -> None:
    done = runner.run({"against": "abc"})
    assert done.called("drift [check]") == []
    assert done.succeeded
    assert done.outputs["status"] == "ok"
    assert "Upload what the pull request changes" not in done.ran


def test_drift_may_be_there_already(runner: Runner) -> None:
    assert runner.run({"install": ""}).ran[0] == "Restore the store of earlier nights"


def test_the_store_is_restored_before_and_saved_after_the_check_under_a_key_of_its_own() -> None:
    steps = load(ACTION)["runs"]["steps"]
    uses = [step.get("uses", step["name"]).partition("@")[0] for step in steps]
    restore, check, save = (uses.index(name) for name in (RESTORE, "Check the fleet", SAVE))
    assert restore < check < save
    saved, restored = steps[save]["with"], steps[restore]["with"]
    assert saved["path"] == restored["path"] == "${{ inputs.store }}\n${{ inputs.reports }}\n"
    assert "github.run_id" in saved["key"]
    assert "github.run_attempt" in saved["key"]  # a second attempt cannot overwrite the first's
    assert saved["key"] == restored["key"]
    assert saved["key"].startswith(restored["restore-keys"])
    assert "always()" in steps[save]["if"]


def test_what_a_shell_runs_holds_no_expression() -> None:
    """A value that GitHub pastes into a script is a way in; an environment variable is none."""
    shells = [step["run"] for path in WORKFLOWS for step in steps_of(load(path)) if "run" in step]
    shells += [step["run"] for step in load(ACTION)["runs"]["steps"] if "run" in step]
    assert len(shells) > 8
    assert not any("${{" in shell for shell in shells)


def test_the_whole_history_is_there_each_night_and_by_hand() -> None:
    document = workflow("nightly.yml")
    assert set(document["on"]) == {"schedule", "workflow_dispatch"}
    checkout = next(s for s in steps_of(document) if "actions/checkout@" in s.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 0


def test_a_pull_request_runs_without_secrets_or_rights() -> None:
    document = workflow("pull-request.yml")
    assert set(document["on"]) == {"pull_request"}
    text = (ROOT / ".github" / "workflows" / "pull-request.yml").read_text()
    assert "secrets." not in text
    (step,) = (s for s in steps_of(document) if s.get("uses") == "./.github/actions/drift")
    assert set(step["with"]) == {"against", "fail"}
    checkout = next(s for s in steps_of(document) if "actions/checkout@" in s.get("uses", ""))
    assert checkout["with"]["persist-credentials"] is False


def test_the_comment_is_written_by_a_job_that_runs_nothing_of_the_pull_request() -> None:
    document = workflow("pull-request-comment.yml")
    assert document["on"]["workflow_run"]["workflows"] == [workflow("pull-request.yml")["name"]]
    uses = [step["uses"] for step in steps_of(document) if "uses" in step]
    assert len(uses) == 1
    assert uses[0].startswith("actions/setup-python@")
    shells = [step["run"] for step in steps_of(document) if "run" in step]
    assert shells[-1] == "drift github comment"
    assert "pull_request'" in document["jobs"]["comment"]["if"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_least_and_nothing_is_pull_request_target(path: Path) -> None:
    document = load(path)
    rights = RIGHTS.get(path.name, {})
    assert document["permissions"] == ({} if "comment" in path.name else {"contents": "read"})
    given = {n: job["permissions"] for n, job in document["jobs"].items() if "permissions" in job}
    assert given == rights
    assert "pull_request_target" not in document["on"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE)
    assert used
    for action in used:
        pinned = r"actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/actions/drift"
        assert re.fullmatch(pinned, action), action


def test_the_same_action_is_pinned_to_one_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, ACTION, *(ROOT / "docs").rglob("*.md")]:
        for action, commit in re.findall(
            r"uses: (actions/[a-z-]+)[a-z/-]*@(\w+)", path.read_text()
        ):
            commits.setdefault(action, set()).add(commit)
    assert {action: len(found) for action, found in commits.items() if len(found) > 1} == {}


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    ran = subprocess.run(
        [zizmor, "--offline", "--quiet", "--format=json", ".github"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert [finding["ident"] for finding in json.loads(ran.stdout)] == []
