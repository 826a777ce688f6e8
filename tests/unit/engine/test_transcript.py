from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drift.engine.transcript import BuildLog, LineCutter, error_of


@given(st.lists(st.sampled_from(["a", "ö", "\n", "\r\n", "xy"])), st.data())
def test_lines_do_not_depend_on_where_the_bytes_are_cut(
    parts: list[str], data: st.DataObject
) -> None:
    content = "".join(parts).encode()
    cutter, lines, rest = LineCutter(), [], content
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        lines += cutter.feed(rest[:size])
        rest = rest[size:]

    whole = "".join(parts).replace("\r\n", "\n").split("\n")
    assert lines + cutter.rest() == whole[:-1] + ([whole[-1]] if whole[-1] else [])


def test_progress_bars_become_lines_and_colours_go() -> None:
    cutter = LineCutter()

    assert cutter.feed(" 10%\r 50%\r\x1b[91mred\x1b[0m\n") == [" 10%", " 50%", "red"]


def test_a_log_is_bounded_and_keeps_its_end() -> None:
    log = BuildLog(limit=100)
    log.extend(f"line {number}" for number in range(1000))

    lines = log.lines()
    assert lines[0] == "line 0"
    assert lines[-1] == "line 999"
    assert len(lines) < 60
    assert any("lines left out" in line for line in lines)


def test_an_error_is_found_in_either_place() -> None:
    assert error_of({"stream": "x"}) is None
    assert error_of({"error": "gone"}) == "gone"
    assert error_of({"errorDetail": {"message": "gone"}}) == "gone"
    assert error_of({"errorDetail": None}) == "the engine gave no reason"
