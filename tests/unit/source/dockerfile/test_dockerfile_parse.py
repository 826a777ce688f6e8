"""Reading a Dockerfile: directives, continuation, here-documents, flags, stages, errors."""

from __future__ import annotations

import pytest

from drift.errors import SourceError
from drift.source.dockerfile import DockerfileError, Heredoc, parse


def test_instructions_have_their_lines_and_one_logical_line_of_text() -> None:
    dockerfile = parse(
        b"# a comment\n\nFROM debian AS Build\nrun apt-get update \\\n  # why\n\n"
        b"    && apt-get install curl\nCOPY a b\n"
    )
    run, copy = dockerfile.stages[0].instructions
    assert (run.keyword, run.line, run.end_line) == ("RUN", 4, 7)
    assert run.text == "RUN apt-get update && apt-get install curl"
    assert run.value == "apt-get update     && apt-get install curl"
    assert (copy.line, copy.end_line) == (8, 8)
    assert dockerfile.stages[0].name == "build"
    assert dockerfile.stages[0].line == 3


def test_syntax_is_the_first_word_and_directives_end_at_the_first_other_line() -> None:
    dockerfile = parse(b"#syntax = docker/dockerfile:1 x\n# check=skip=all\n# escape = `\nFROM a\n")
    assert dockerfile.syntax == "docker/dockerfile:1"
    assert dockerfile.syntax_line == 1
    assert dockerfile.escape == "`"
    late = parse(b"\n# syntax=docker/dockerfile:1\n# escape=`\nFROM a\n")
    assert (late.syntax, late.escape) == (None, "\\")
    unknown = parse(b"# hello=world\n# syntax=docker/dockerfile:1\nFROM a\n")
    assert unknown.syntax is None


def test_a_shebang_does_not_hide_the_syntax() -> None:
    dockerfile = parse(b"#!/usr/bin/env docker\n# syntax=docker/dockerfile:1\nFROM a\n")
    assert (dockerfile.syntax, dockerfile.syntax_line) == ("docker/dockerfile:1", 2)


def test_a_backtick_continues_lines_where_it_is_the_escape_character() -> None:
    dockerfile = parse(b"# escape=`\nFROM a\nRUN dir C:\\ `\n  /s\nCOPY x C:\\\nUSER b\n")
    run, copy, user = dockerfile.stages[0].instructions
    assert run.value == "dir C:\\   /s"
    assert copy.value == "x C:\\"
    assert user.line == 6


def test_byte_order_mark_and_crlf() -> None:
    dockerfile = parse(
        b"\xef\xbb\xbfFROM a\r\nRUN x \\\r\n  y\r\nRUN <<E\r\nbody\r\nE\r\nUSER z\r\n"
    )
    run, heredoc, user = dockerfile.stages[0].instructions
    assert run.value == "x   y"
    assert heredoc.heredocs == (Heredoc("E", "body\r\n"),)
    assert user.value == "z"


def test_heredocs_keep_name_body_and_kind() -> None:
    dockerfile = parse(
        b"FROM a\nCOPY <<one <<-'two' /d/\nx $A\none\n\tFROM fake\n\ttwo\nRUN cat <<EOF >/x\nEOF\n"
        b"ONBUILD RUN <<T\nt\nT\nUSER u\n"
    )
    copy, run, onbuild, user = dockerfile.stages[0].instructions
    assert copy.heredocs == (
        Heredoc("one", "x $A\n", expand=True, chomp=False),
        Heredoc("two", "\tFROM fake\n", expand=False, chomp=True),
    )
    assert (copy.line, copy.end_line) == (2, 6)
    assert run.heredocs == (Heredoc("EOF", ""),)
    assert onbuild.trigger is not None
    assert onbuild.trigger.heredocs == (Heredoc("T", "t\n"),)
    assert user.line == 12


@pytest.mark.parametrize(
    "line",
    [
        'RUN ["sh", "-c", "cat <<EOF"]',
        "RUN cat <<< EOF",
        "RUN echo $((1 << 3))",
        "RUN echo '<<EOF'",
        "CMD cat <<EOF",
        "RUN echo it's <<EOF",
    ],
)
def test_what_is_no_heredoc(line: str) -> None:
    dockerfile = parse(f"FROM a\n{line}\nUSER u\n".encode())
    assert [s.heredocs for s in dockerfile.stages[0].instructions] == [(), ()]


def test_a_space_before_the_name_makes_a_heredoc_where_it_is_closed() -> None:
    closed = parse(b"FROM a\nRUN cat << EOF > /x\nbody\nEOF\nUSER u\n")
    run, user = closed.stages[0].instructions
    assert run.heredocs == (Heredoc("EOF", "body\n"),)
    assert user.line == 5
    (shift,) = parse(b"FROM a\nRUN echo $((1 << 3))\n").stages[0].instructions
    assert shift.heredocs == ()


def test_flags_come_before_the_value_and_lose_their_quotes() -> None:
    dockerfile = parse(
        b'FROM --platform=linux/arm64 a\nCOPY --from=b --chown="1:1 2" --link x --y /z\n'
        b"RUN --mount=type=ssh --mount=type=secret,id=x make\n"
    )
    copy, run = dockerfile.stages[0].instructions
    assert dockerfile.stages[0].platform == "linux/arm64"
    assert copy.flags == (("from", "b"), ("chown", "1:1 2"), ("link", None))
    assert copy.value == "x --y /z"
    assert run.flag_values("mount") == ("type=ssh", "type=secret,id=x")
    assert (copy.flag("link"), copy.flag("chmod")) == ("", None)


def test_stages_and_global_arguments() -> None:
    dockerfile = parse(b"ARG A=1\narg B\nFROM a AS x\nARG C\nFROM x\nRUN y\n")
    assert [s.value for s in dockerfile.global_args] == ["A=1", "B"]
    assert [(s.index, s.name, s.base, s.line) for s in dockerfile.stages] == [
        (0, "x", "a", 3),
        (1, None, "x", 5),
    ]
    assert [s.label for s in dockerfile.stages] == ["x", "1"]
    assert len(dockerfile.instructions) == 6


def test_a_target_is_a_name_in_any_case_or_a_number() -> None:
    dockerfile = parse(b"FROM a AS x\nFROM b AS y\nFROM c\n")
    assert dockerfile.stage(None).index == 2
    assert dockerfile.stage("X").index == 0
    assert dockerfile.stage("1").index == 1
    with pytest.raises(DockerfileError, match="no stage 'z'") as caught:
        dockerfile.stage("z")
    assert caught.value.hint == "set target to one of: x, y, 2"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "no FROM"),
        (b"# only a comment\n", 1, "no FROM"),
        (b"ARG A\n", 1, "no FROM"),
        (b"RUN x\nFROM a\n", 1, "RUN comes before the first FROM"),
        (b"FROM a\n\nFOO x\n", 3, "unknown instruction: FOO"),
        (b"FROM a b\n", 1, "one argument, or three"),
        (b"FROM a AS 1x\n", 1, "invalid name for a build stage: '1x'"),
        (b"FROM\n", 1, "FROM needs an argument"),
        (b"FROM a\nCOPY x\n", 2, "COPY needs at least a source"),
        (b"FROM a\nRUN <<E\nx\n", 2, "'E' is never closed"),
        (b"FROM a\nENV A\n", 2, "followed by a value"),
        (b"FROM a\nENV A=1 B\n", 2, "'B' must be of the form"),
        (b'FROM a\nRUN ["a", 1]\n', 2, "only strings"),
        (b"# escape=x\nFROM a\n", 1, "invalid escape character 'x'"),
        (b"# escape=`\n# escape=`\nFROM a\n", 2, "only once"),
        (b"FROM a\nONBUILD ONBUILD RUN x\n", 2, "ONBUILD isn't allowed"),
        (b"FROM a\nONBUILD FROM x\n", 2, "FROM isn't allowed"),
        (b"FROM a\nRUN " + b"x" * 70000, 2, "longer than 65535 bytes"),
    ],
)
def test_errors_name_the_line(content: bytes, line: int, message: str) -> None:
    with pytest.raises(DockerfileError, match=message) as caught:
        parse(content)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"Dockerfile line {line}: ")
    assert isinstance(caught.value, SourceError)
