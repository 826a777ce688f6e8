"""What holds for any bytes."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from drift.oci import HistoryEntry, Platform
from drift.source.dockerfile import (
    Dockerfile,
    DockerfileError,
    bases,
    needs_buildkit,
    parse,
    required_mounts,
    tie_layers,
)

PLATFORM = Platform("linux", "amd64")
PIECES = st.sampled_from(
    """FROM a|FROM a AS b|FROM $A|RUN x|RUN x <<E|E|COPY <<-F <<'G' /d|F|G|COPY --from=b x y|ENV A=1
ENV A b|ARG A|ARG A=${A:-x}|ONBUILD RUN y|# c|# escape=`|# syntax=s|RUN --mount=type=secret,id=x y
RUN ["a", "b"]|USER "u|CMD||LABEL a='|WORKDIR /w|\\|`|${|$|"|'| |--x=|\\\\
\ufeff|\u0085|\x1c|é""".replace("\n", "|").split("|")
)
ENDS = st.sampled_from(["\n", "\r\n", " \\\n", "`\n", "", " ", "\t"])
LINES = st.lists(st.tuples(PIECES, ENDS), max_size=12).map(
    lambda parts: "".join(piece + end for piece, end in parts).encode()
)
CONTENT = st.one_of(
    LINES,
    LINES.map(lambda text: b"FROM a\n" + text),
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda text: b"FROM a\nRUN " + text),
)


def escape_of(dockerfile: Dockerfile | None) -> bytes:
    return dockerfile.escape.encode() if dockerfile else b"\\"


def is_inside(error: DockerfileError, content: bytes) -> bool:
    return 1 <= error.line <= content.count(b"\n") + 1


def read(content: bytes) -> Dockerfile | None:
    try:
        dockerfile = parse(content)
    except DockerfileError as error:
        outside = not is_inside(error, content)
    else:
        return dockerfile
    assert not outside
    return None


@given(CONTENT)
def test_parsing_gives_a_value_or_our_error_and_lines_inside_the_file(content: bytes) -> None:
    dockerfile = read(content)
    if dockerfile is None:
        return
    last = 0
    for statement in dockerfile.instructions:
        assert last < statement.line <= statement.end_line <= content.count(b"\n") + 1
        last = statement.end_line
    assert dockerfile.stages[0].line in {s.line for s in dockerfile.instructions}


@given(CONTENT)
def test_the_text_of_an_instruction_parses_to_the_same_instruction(content: bytes) -> None:
    dockerfile = read(content)
    for statement in dockerfile.instructions if dockerfile else ():
        text = statement.text.encode("utf-8", "surrogateescape")
        assert b"\n" not in text
        if b"<<" not in text and text[-1:] not in (b"\\", b"`"):
            again = parse(b"# escape=%s\nFROM a\n%s" % (escape_of(dockerfile), text))
            assert again.instructions[-1].text == statement.text
            assert again.instructions[-1].keyword == statement.keyword


@given(CONTENT, st.sampled_from(["buildkit", "classic"]))
def test_questions_have_answers_or_our_error(content: bytes, builder: str) -> None:
    dockerfile = read(content)
    if dockerfile is None:
        return
    reason = needs_buildkit(dockerfile)
    assert reason is None or "line" in reason
    try:
        found = bases(dockerfile, {"A": "x"}, None, PLATFORM, builder=builder)
        assert all(base.reference and base.roles for base in found)
        assert all(mount.line >= 1 for mount in required_mounts(dockerfile))
    except DockerfileError as error:
        outside = not is_inside(error, content)
    else:
        outside = False
    assert not outside


@given(CONTENT, st.lists(st.tuples(st.text(max_size=30), st.booleans()), max_size=6))
def test_tying_layers_never_fails(content: bytes, lines: list[tuple[str, bool]]) -> None:
    dockerfile = read(content)
    if dockerfile is None:
        return
    history = [HistoryEntry(text, empty_layer=empty) for text, empty in lines]
    layers = sum(not empty for _, empty in lines)
    assert len(tie_layers(history, 0, 0, dockerfile, {}, None)) == layers


@given(st.lists(st.sampled_from(["RUN a", "RUN b", "COPY x /y", "ENV A=1"]), max_size=8))
def test_a_faithful_history_is_tied_whole_and_right(lines: list[str]) -> None:
    dockerfile = parse("\n".join(["FROM scratch", *lines]).encode())
    history = [
        HistoryEntry(line.replace("RUN ", "RUN /bin/sh -c "), empty_layer=line.startswith("ENV"))
        for line in lines
    ]
    found = tie_layers(history, 0, 0, dockerfile, {}, None)
    expected = [n for n, line in enumerate(lines, start=2) if not line.startswith("ENV")]
    assert [instruction and instruction.line for instruction in found] == expected


def test_large_hostile_files_are_read_in_time() -> None:
    started = time.process_time()
    for content in (
        b"FROM a\n" + b"RUN x \\\n" * 100_000,
        b"FROM a\n" + b"RUN x\n" * 100_000,
        b"FROM a\nRUN " + (b"<<A " * 10_000) + b"\n" + b"A\n" * 10_000,
        b"FROM a\nRUN " + b"[" * 60_000,
        b"FROM a\nENV " + b"'\\" * 30_000,
        b"\\\n" * 300_000,
        b"FROM a\nCOPY " + b"--x " * 15_000 + b"a b",
    ):
        read(content)
    assert time.process_time() - started < 20
