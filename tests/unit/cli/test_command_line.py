"""The command line as a whole: what it lists, how fast it answers, what it refuses."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from drift import __version__
from drift.cli.options import Format, Listing
from drift.config.schema import config_schema
from drift.report.formats import FORMATS
from drift.report.schema import report_schema
from support.command import Drift, drift_process, environment

COMMANDS = [
    "init",
    "check",
    "diff",
    "report",
    "history",
    "explain",
    "accept",
    "notify",
    "gc",
    "ps",
    "upgrade",
    "doctor",
    "schema",
    "demo",
]


def test_help_lists_what_is_there_and_nothing_more(drift: Drift) -> None:
    ran = drift("--help")
    assert ran.code == 0
    listed = ran.out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == COMMANDS
    assert "..." not in listed  # each summary fits on its line
    assert "Exit codes: 0" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_examples(drift: Drift, command: str) -> None:
    ran = drift(command, "--help")
    assert ran.code == 0
    examples = ran.out.partition("Examples:\n")[2]
    assert f"drift {command}" in examples
    assert all(len(line) <= 100 for line in ran.out.splitlines())


def test_the_version(drift: Drift) -> None:
    ran = drift("--version")
    assert (ran.code, ran.out) == (0, f"drift {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["check", "--format", "yaml"],
        ["check", "--jobs", "0"],
        ["check", "--as-of", "yesterday"],
        ["check", "--as-of", "2026-02-30"],
        ["check", "--plan", "--against", "main"],
        ["check", "--plan", "--format", "html"],
        ["check", "--as-of", "2026-11-23", "--against", "main"],
        ["diff", "one"],
        ["diff", "a", "b", "--platform", "amd64"],
        ["schema", "drift"],
        ["explain"],
        ["history", "--limit", "0"],
    ],
)
def test_wrong_usage_is_a_2_on_stderr(drift: Drift, arguments: list[str]) -> None:
    ran = drift(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--as-of", "2026-13-01"], "expected a date as YYYY-MM-DD, found '2026-13-01'"),
        (["check", "--format", "xml"], ": 'xml' is not one of 'text', 'json'"),
        (["schema", "drift"], "'drift' is not one of 'config', 'report'"),
    ],
)
def test_wrong_usage_is_said_in_the_words_of_a_user(
    drift: Drift, arguments: list[str], said: str
) -> None:
    told = drift(*arguments).err
    assert said in told
    assert "Value error" not in told


def test_without_a_command_the_help_is_shown(drift: Drift) -> None:
    ran = drift()
    assert ran.code in (0, 2)
    assert "Commands:" in ran.out + ran.err


def test_help_answers_at_once(tmp_path: Path) -> None:
    """0.3 s is promised at rest. A busy machine takes longer, but no more of a processor; the
    bound, and the best of five, allow for what it does to caches."""
    took = []
    for _ in range(5):
        began = _processor_time_of_children()
        ran = drift_process("--help", cwd=tmp_path)
        took.append(_processor_time_of_children() - began)
        assert ran.returncode == 0
    assert 0.01 < min(took) < 0.6


def _processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from drift.cli.app import run; run(['--help']);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        check=True,
    )
    heavy = {"rich", "sqlalchemy", "docker", "git", "pydantic", "jinja2", "deepdiff", "requests"}
    assert heavy.isdisjoint(ran.stderr.split())


def test_the_formats_are_those_of_the_report() -> None:
    assert [form.value for form in Format] == list(FORMATS)
    assert {form.value for form in Listing} == {"text", "json"}


def test_the_schemas_are_the_published_ones(drift: Drift) -> None:
    assert json.loads(drift("schema", "config").out) == config_schema()
    assert json.loads(drift("schema", "report").out) == report_schema()
