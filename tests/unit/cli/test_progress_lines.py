"""Progress: one line for each thing that happens, and nothing hostile in it."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from drift.builds import Role
from drift.cli import output
from drift.cli.progress import LiveLines, PlainLines, elapsed, step_line, watching
from drift.nightly.watch import Watcher

HOSTILE = "RUN echo \x1b[2J\x9b31m\u202e\r\n::error::pwned ##[add-mask]x [bold]markup[/bold]"


@pytest.fixture(autouse=True)
def _nothing_concealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_masks", [])


def a_build(watcher: Watcher, image: str = "web", role: Role = Role.NIGHTLY) -> None:
    watcher.begins(image, role, "because")
    watcher.steps(image, 1, 2, "[runtime 1/2] FROM debian")
    watcher.steps(image, 1, 2, "[runtime 1/2] FROM debian")
    watcher.steps(image, 2, 2, "Step 2/2 : RUN apt-get update")
    watcher.ends(image, role, 21.44, "built")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def test_a_build_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    a_build(PlainLines())
    assert lines_of(capsys) == [
        "web: building: because",
        "web: step 1/2 FROM debian",
        "web: step 2/2 RUN apt-get update",
        "web: built in 21.4 s",
    ]


def test_another_role_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    a_build(PlainLines(), role=Role.CONTROL)
    assert all(line.startswith("web (control): ") for line in lines_of(capsys))


def test_a_failure_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    PlainLines().ends("web", Role.NIGHTLY, 3.0, "RUN make: exit status 2")
    assert lines_of(capsys) == ["web: not built, after 3.0 s: RUN make: exit status 2"]


def test_hostile_names_are_inert_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainLines()
    watcher.begins("::error::web", Role.NIGHTLY, HOSTILE)
    watcher.steps("::error::web", 1, 1, HOSTILE)
    watcher.says(HOSTILE)
    watcher.ends("::error::web", Role.NIGHTLY, 1.0, HOSTILE)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 4
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(printed)
    assert "##[" not in printed
    assert not any(line.startswith("::") for line in printed.splitlines())


def test_secrets_are_masked_and_long_lines_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.conceal(["hunter2secret"])
    PlainLines().steps("web", 1, 1, "RUN login hunter2secret " + "x" * 5000)
    (line,) = lines_of(capsys)
    assert line.startswith("web: step 1/1 RUN login *** xxx")
    assert len(line) == 200


def test_lines_from_several_threads_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = PlainLines()
    names = [f"image-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: a_build(watcher, name), names))
    lines = lines_of(capsys)
    assert len(lines) == 80
    for name in names:
        mine = [line for line in lines if line.startswith(f"{name}: ")]
        assert [line.split()[1] for line in mine] == ["building:", "step", "step", "built"]


def test_live_lines_say_why_another_build_is_made() -> None:
    stream = io.StringIO()
    with LiveLines(Console(file=stream, force_terminal=True, width=80, no_color=True)) as live:
        live.begins("web", Role.NIGHTLY, "of course")
        live.ends("web", Role.NIGHTLY, 1.0, "built")
        live.begins("web", Role.CONTROL, "do two builds agree?")
        assert "web (control)" in live._lines().plain
    assert "web (control): building: do two builds agree?" in stream.getvalue()
    assert "of course" not in stream.getvalue()


@pytest.mark.parametrize("width", [20, 80])
def test_live_lines_fit_the_terminal_and_are_inert(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, no_color=True)
    with LiveLines(console) as live:
        live.begins("web", Role.NIGHTLY, "because")
        live.steps("web", 3, 7, HOSTILE)
        shown = live._lines().plain
        live.ends("web", Role.NIGHTLY, 21.44, HOSTILE)
        assert live._lines().plain == ""
    assert len(shown) < width
    assert "web step" in shown
    written = stream.getvalue()
    assert "\x9b31m" not in written
    assert "\x1b[2J" not in written
    assert "\u202e" not in written
    assert "not built, after" in written


def test_markup_in_a_name_is_text() -> None:
    stream = io.StringIO()
    with LiveLines(Console(file=stream, force_terminal=True, width=80)) as live:
        live.says("[bold]markup[/bold] :smile:")
    assert "drift: [bold]markup[/bold] :smile:" in stream.getvalue()


def test_a_pipe_and_ci_get_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with watching() as watcher:
        assert isinstance(watcher, PlainLines)
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    with watching() as watcher:
        assert isinstance(watcher, LiveLines)
    monkeypatch.setenv("CI", "true")
    with watching() as watcher:
        assert isinstance(watcher, PlainLines)


def test_a_stderr_that_is_closed_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    a_build(PlainLines())
    assert closed.closed


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("[stage-1 2/9] COPY . .", "step 4/12 COPY . ."),
        ("Step 4/12 : RUN x", "step 4/12 RUN x"),
        ("RUN [ -f x ]", "step 4/12 RUN [ -f x ]"),
    ],
)
def test_the_builders_own_count_is_left_out(name: str, said: str) -> None:
    assert step_line(4, 12, name) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0s"), (59.9, "59s"), (125, "2m05s"), (3725, "1h02m")]
)
def test_elapsed_time(seconds: float, said: str) -> None:
    assert elapsed(seconds) == said
