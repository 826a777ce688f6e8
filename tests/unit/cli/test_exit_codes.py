"""Errors, bugs and signals exit 2; 1 is for what is flagged alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
import typer

from drift import errors
from drift.cli import output
from drift.cli.exits import CANNOT, mapped, of_document


def documents(*images: tuple[bool, str]) -> dict[str, Any]:
    return {"images": [{"flagged": flagged, "status": status} for flagged, status in images]}


@pytest.mark.parametrize(
    ("images", "code"),
    [
        ([], 0),
        ([(False, "first")], 0),
        ([(False, "identical"), (False, "equivalent")], 0),
        ([(False, "drifted")], 0),  # by the repository, say
        ([(False, "broken")], 0),  # the policy does not fail on it
        ([(True, "drifted"), (False, "identical")], 1),
        ([(True, "broken")], 1),
        ([(False, "unknown"), (False, "identical")], 2),
        ([(False, "unknown"), (True, "drifted")], 1),
        ([(True, "unknown")], 1),
    ],
)
def test_a_report_has_the_code_of_the_contract(images: list[tuple[bool, str]], code: int) -> None:
    assert of_document(documents(*images)) == code


LEAVES = [leaf for leaf in vars(errors).values() if isinstance(leaf, type)]


@pytest.mark.parametrize(
    "raised",
    [
        *(leaf("what", hint="do this") for leaf in LEAVES if issubclass(leaf, errors.Error)),
        ValueError("a bug"),
        RecursionError(),
        OSError(5, "Input/output error"),
        EOFError(),
        BrokenPipeError(),
        KeyboardInterrupt(),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_whatever_escapes_a_command_is_a_2(
    raised: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())  # it is closed where its reader has left
    with pytest.raises(typer.Exit) as stopped, mapped():
        raise raised
    assert stopped.value.exit_code == CANNOT


def test_an_error_is_its_message_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), mapped():
        raise errors.ConfigError("a.toml:1: one\na.toml:2: two", hint="correct both")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "drift: error: a.toml:1: one",
        "  a.toml:2: two",
        "  hint: correct both",
    ]


def test_a_bug_is_one_line_and_how_to_report_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRIFT_DEBUG", raising=False)
    with pytest.raises(typer.Exit), mapped():
        raise ZeroDivisionError("division by zero")
    first, hint = capsys.readouterr().err.splitlines()
    assert first == "drift: error: this is a bug in drift: ZeroDivisionError: division by zero"
    assert "DRIFT_DEBUG=1" in hint


def test_drift_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFT_DEBUG", "1")
    with pytest.raises(typer.Exit), mapped():
        raise ZeroDivisionError
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "test_exit_codes.py" in told


def test_values_from_the_environment_are_in_no_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_masks", [])
    monkeypatch.setenv("DRIFT_DEBUG", "1")
    output.conceal(["hunter2secret", "line one\nline two"])
    with pytest.raises(typer.Exit), mapped():
        raise errors.StoreError(
            "refused hunter2secret\nand line one\nline two", hint="hunter2secret?"
        )
    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert "line one" not in told
    assert "line two" not in told
    assert "***" in told


def test_an_error_does_nothing_to_a_terminal_or_a_runner(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit), mapped():
        raise errors.SnapshotError("bad \x1b[31mname\u202e\n::error::pwned\n##[add-mask]x")
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "##[" not in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())
