"""Where text goes, and in which shape: colours, encodings, full disks, readers that leave."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drift.cli import output
from drift.errors import ReportError
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
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    output.append_summary("after\n", {"GITHUB_STEP_SUMMARY": str(summary)})
    output.append_summary("nowhere\n", {})
    assert summary.read_text() == "before\nafter\n"
    with pytest.raises(ReportError, match="GITHUB_STEP_SUMMARY"):
        output.append_summary("x", {"GITHUB_STEP_SUMMARY": str(tmp_path)})


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
