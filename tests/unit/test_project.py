"""What stands around the code agrees with it: locks, scripts, the README's tables."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
SCRIPTS = [
    ROOT / ".ci" / "run",
    *(path for path in sorted((ROOT / "scripts").iterdir()) if path.is_file()),
]


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {normal(name): version for name, version in found}


def bounds() -> dict[str, str]:
    """The distribution's dependencies, with the lower end of each."""
    given = {}
    for requirement in PROJECT["project"]["dependencies"]:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)", requirement)
        assert match is not None, f"{requirement}: a lower end and nothing else"
        given[normal(match[1])] = match[2]
    return given


def numbers(version: str) -> list[int]:
    """A version's release, without trailing zeros."""
    found = [int(part) for part in re.findall(r"\d+", version)]
    while found and not found[-1]:
        found.pop()
    return found


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_hashes_and_no_index(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "--index" not in text
    for entry in re.split(r"\n(?=[a-z])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)):
        assert "--hash=sha256:" in entry, entry


def test_every_dependency_is_locked() -> None:
    assert set(bounds()) <= set(locked(ROOT / "requirements" / "dev.txt"))


def test_the_lowest_lock_is_at_the_lower_ends() -> None:
    lowest = locked(ROOT / "requirements" / "lowest.txt")
    for name, version in bounds().items():
        assert numbers(lowest[name]) == numbers(version), f"{name}: run `make lock`"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash_that_parses_and_stops_at_errors(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)
    if path.suffix != ".sh":
        assert path.stat().st_mode & 0o111, f"{path.name} cannot be executed"
        assert "set -euo pipefail" in path.read_text()


def test_no_daemon_is_started_without_a_bridge_of_its_own() -> None:
    started = (ROOT / "scripts" / "with-engine").read_text()
    code = "\n".join(line for line in started.splitlines() if not line.lstrip().startswith("#"))
    assert "--bridge=" in code
    assert "--bridge=none" not in code  # it deletes the docker0 of another daemon


def test_make_alone_shows_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets == re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    assert sorted(targets) == re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE)


def test_the_readme_lists_every_command() -> None:
    from drift.cli.app import app

    listed = re.findall(r"^\| `drift ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(listed) == {command.name for command in app.registered_commands}


def test_the_example_is_a_report_as_the_schema_has_it() -> None:
    from drift.report.schema import report_schema

    example = ROOT / "reports" / "example"
    document = json.loads((example / "drift.json").read_text())
    jsonschema.validate(document, report_schema())
    page = (example / "index.html").read_text()
    for target in re.findall(r'href="(?!#|data:|https:)([^"#]*)', page):
        assert (example / target).is_file(), f"the example's page links to {target}"
