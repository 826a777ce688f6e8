"""Where text goes, and in which shape: colours, encodings, full disks, readers that leave."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drift.cli import output, rendering
from drift.errors import ReportError
from drift.report import markdown
from support import report_samples as samples
from support.command import drift_process, environment


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(environ: dict[str, str], terminal: bool, coloured: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert output.is_coloured(stream, environ) is coloured


def test_a_table_is_aligned_and_inert() -> None:
    told = output.table([("A", "NAME"), ("long", "::x\x1b[1m"), ("::error::", "")])
    assert told == "A          NAME\nlong       ::x\\x1b[1m\n\\::error::\n"


def test_a_file_is_written_as_utf_8(tmp_path: Path) -> None:
    output.deliver("→ ü\n", tmp_path / "report")
    assert (tmp_path / "report").read_bytes() == "→ ü\n".encode()


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    output.check_output(None)
    output.check_output(tmp_path / "report.json")
    for place in (tmp_path, tmp_path / "no" / "report.json"):
        with pytest.raises(ReportError, match="cannot write"):
            output.check_output(place)
        with pytest.raises(ReportError, match="cannot write"):
            output.deliver("", place)


def test_the_step_summary_is_appended_to(tmp_path: Path) -> None:
    summary, document = tmp_path / "summary.md", samples.fleet()
    summary.write_text("before\n")
    rendering.append_summary(document, {"GITHUB_STEP_SUMMARY": str(summary)})
    rendering.append_summary(document, {})
    assert summary.read_text() == f"before\n{markdown.render(document)}"
    with pytest.raises(ReportError, match="GITHUB_STEP_SUMMARY"):
        rendering.append_summary(document, {"GITHUB_STEP_SUMMARY": str(tmp_path)})


@pytest.mark.parametrize("before", [0, 1, 500_000, 1_040_000, (1 << 20) - 100, 1 << 20])
def test_a_step_summary_never_grows_too_large(tmp_path: Path, before: int) -> None:
    document = samples.fleet()
    wide = {**document["images"][0], "notes": ["→" * 300] * 40}
    document["images"] = [{**wide, "name": f"web{n}"} for n in range(100)]
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * before)
    rendering.append_summary(document, {"GITHUB_STEP_SUMMARY": str(summary)})
    grown = summary.stat().st_size
    assert grown <= max(before, (1 << 20) - 1)
    room = (1 << 20) - before
    assert (grown > before) == (room > 2000)
    report = summary.read_text()[before:]
    assert report.count("<details>") == report.count("</details>")
    assert room <= 2000 or "cut here" in report
    assert grown > (1 << 20) - 10_000, "what room there is, is used"


@pytest.mark.parametrize("here", [True, False])
def test_in_a_workflow_a_report_is_no_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], here: bool
) -> None:
    environ = {"GITHUB_ACTIONS": "true"} if here else {}
    for _ in range(2):
        with output.unheeded(sys.stdout, environ):
            print("::error::pwned")
    lines = capsys.readouterr().out.splitlines()
    if not here:
        assert lines == ["::error::pwned"] * 2
        return
    tokens = [lines[at].removeprefix("::stop-commands::") for at in (0, 3)]
    assert lines[2::3] == [f"::{token}::" for token in tokens]
    assert tokens[0] != tokens[1]
    assert all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens)
    with (tmp_path / "out").open("w") as file, output.unheeded(file, environ):
        file.write("text")
    assert (tmp_path / "out").read_text() == "text"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_every_locale(tmp_path: Path, encoding: str) -> None:
    ran = drift_process("schema", "report", cwd=tmp_path, environ={"PYTHONIOENCODING": encoding})
    assert ran.returncode == 0
    assert json.loads(ran.stdout.decode("utf-8"))["title"] == "drift report"


def test_a_terminal_that_lacks_a_character_gets_its_escape(tmp_path: Path) -> None:
    missing = tmp_path / "ä→\U0001f600.toml"
    environ = {"PYTHONIOENCODING": "ascii"}
    ran = drift_process("check", "--config", missing, cwd=tmp_path, environ=environ)
    assert ran.returncode == 2
    assert b"\\xe4\\u2192\\U0001f600.toml: there is no such file" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_full_disk_behind_a_redirection_is_an_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "drift", "schema", "report"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(),
            check=False,
        )
    assert ran.returncode == 2
    assert b"No space left on device" in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["schema", "config"], 0), (["--help"], 0), (["init", "--help"], 2)]
)
def test_a_reader_that_has_left_is_met_in_silence(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "drift", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(),
            check=False,
        )
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (code, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_leads_nowhere(tmp_path: Path, closed: str) -> None:
    command = f'"{sys.executable}" -m drift schema config {closed}'
    ran = subprocess.run(
        ["sh", "-c", command], capture_output=True, cwd=tmp_path, env=environment(), check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
