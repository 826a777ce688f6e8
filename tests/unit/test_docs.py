"""The documentation: it builds, its examples are valid, and what it names is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from drift.attribute.model import Kind
from drift.cli.app import app
from drift.config.schema import config_schema
from drift.publish.webhook import signature
from drift.report.remedies import docs_page
from drift.store.sightings import BROKEN

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
SCHEMA = config_schema()


def blocks(language: str, pages: list[Path] = PAGES) -> Iterator[tuple[str, str]]:
    """Each fenced block of a language: where it stands, and its text."""
    for path in pages:
        for match in re.finditer(rf"^```{language}\n(.*?)^```", path.read_text(), re.M | re.S):
            yield f"{path.relative_to(ROOT)}: {match[1][:40]!r}", match[1]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for kind in (*Kind, BROKEN):
        assert (tmp_path / "causes" / kind / "index.html").exists()
    commands = (tmp_path / "commands" / "index.html").read_text()
    assert all(f"drift {command.name}" in commands for command in app.registered_commands)
    pages = "".join(path.read_text() for path in tmp_path.rglob("*.html"))
    tags = r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]*)'
    loaded = re.findall(tags, pages)
    assert loaded == []  # nothing is fetched from elsewhere


def test_the_configuration_reference_is_what_the_schema_says() -> None:
    subprocess.run([sys.executable, DOCS / "reference.py", "--check"], cwd=ROOT, check=True)


def keys() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every table of drift.toml."""
    for table, node in SCHEMA["$defs"].items():
        for key, value in node.get("properties", {}).items():
            yield f"{table}.{key}", value


@pytest.mark.parametrize(("name", "value"), list(keys()), ids=lambda value: str(value)[:40])
def test_each_key_has_a_meaning_and_an_example_that_holds(name: str, value: dict[str, Any]) -> None:
    assert value.get("description"), f"{name}: give it a description in config/document.py"
    assert value.get("examples"), f"{name}: give it examples=[…] in config/document.py"
    for example in value["examples"]:
        jsonschema.validate(example, {"$defs": SCHEMA["$defs"], **value})


@pytest.mark.parametrize(("where", "text"), list(blocks("toml")), ids=lambda value: value[:60])
def test_each_toml_block_is_a_part_of_drift_toml(where: str, text: str) -> None:
    document = tomllib.loads(text)
    assert document, where
    document.setdefault("image", [{"name": "web"}])
    for rule in document.get("accept", []):
        rule["until"] = rule["until"].isoformat()
    jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(("where", "text"), list(blocks("yaml")), ids=lambda value: value[:60])
def test_each_yaml_block_is_yaml(where: str, text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict), where


def test_the_workflow_in_the_docs_is_the_one_that_is_shipped() -> None:
    shipped = (ROOT / ".github" / "workflows" / "nightly.yml").read_text()
    shown = next(text for _, text in blocks("yaml", [DOCS / "ci" / "github.md"]))
    assert yaml.safe_load(shown) == yaml.safe_load(shipped)


def test_the_action_s_inputs_and_outputs_are_documented() -> None:
    action = yaml.safe_load((ROOT / ".github/actions/drift/action.yml").read_text())
    text = (DOCS / "ci" / "github.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \|", text, re.M)
    assert set(rows) == {*action["inputs"], *action["outputs"]}


def test_every_kind_has_its_page() -> None:
    for kind in (*Kind, BROKEN):
        page = (DOCS / "causes" / f"{kind}.md").read_text()
        assert docs_page(kind).endswith(f"/causes/{kind}/")
        for heading in ("What it means", "How drift knows", "What to do", "Example"):
            assert f"\n## {heading}\n" in page
    named = re.findall(r"\]\(([a-z-]+)\.md\)", (DOCS / "causes" / "index.md").read_text())
    assert set(named) == {*Kind, BROKEN}


def test_the_webhook_s_signature_is_checked_as_the_docs_say() -> None:
    namespace: dict[str, Any] = {}
    exec(next(text for _, text in blocks("python", [DOCS / "delivery.md"])), namespace)
    now, body = str(int(time.time())), b'{"run": null}'

    def headers(secret: str, timestamp: str) -> dict[str, str]:
        signed = signature(secret, timestamp, body)
        return {"X-Drift-Timestamp": timestamp, "X-Drift-Signature-256": signed}

    is_drifts = namespace["is_drifts"]
    assert is_drifts(headers("secret", now), body, "secret")
    assert not is_drifts(headers("other", now), body, "secret")
    assert not is_drifts(headers("secret", now), b"{}", "secret")
    assert not is_drifts(headers("secret", str(int(now) - 3600)), body, "secret")


def said_commands() -> Iterator[str]:
    """Every command line of drift's that the docs tell a reader to run."""
    for language in ("sh", "yaml", "text", "ini"):
        for _, text in blocks(language):
            for line in text.splitlines():
                match = re.search(
                    r"(?:^\s*(?:- )?|&& |ExecStart=|\$ )(?:\S+/)?(drift [a-z-].*)", line
                )
                if match and not re.match(r"drift (report|keeps) (for|this)", match[1]):
                    yield re.split(r" #| \| | >|;", match[1])[0].strip()


@pytest.mark.parametrize("command", sorted(set(said_commands())))
def test_each_command_of_the_docs_exists(command: str) -> None:
    words = shlex.split(command)
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        found = found.commands[words.pop(1)]
    options = {name for parameter in found.params for name in parameter.opts} | {"--help"}
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert asked <= options
