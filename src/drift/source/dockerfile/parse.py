"""Dockerfile bytes to a :class:`Dockerfile`.

Specification: the Dockerfile reference, and moby/buildkit ``frontend/dockerfile/parser``.
What a builder refuses because of *what* an instruction asks (an unknown flag, a bad port) is
left to the builder; what keeps a file from being read at all is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from drift.source.dockerfile import heredocs
from drift.source.dockerfile.arguments import SPACES
from drift.source.dockerfile.directives import Directives
from drift.source.dockerfile.model import Dockerfile, DockerfileError, Heredoc, Statement
from drift.source.dockerfile.statements import read_statement, split_stages

MAX_LINE = 65536  # bytes, as the builders have it


def parse(content: bytes) -> Dockerfile:
    """Parse a Dockerfile.

    Raises:
        DockerfileError: no builder would read it; with the line.
    """
    lines = _lines(content)
    directives = Directives.read(lines)
    statements = tuple(_Reader(lines, directives.escape).statements())
    first = next((n for n, s in enumerate(statements) if s.keyword == "FROM"), len(statements))
    for statement in statements[:first]:
        if statement.keyword != "ARG":
            raise DockerfileError(
                f"{statement.keyword} comes before the first FROM; only ARG may",
                line=statement.line,
            )
    if first == len(statements):
        raise DockerfileError(
            "the file has no FROM instruction",
            line=statements[-1].line if statements else 1,
            hint="a Dockerfile needs at least `FROM image`",
        )
    return Dockerfile(
        stages=tuple(split_stages(statements[first:])),
        global_args=statements[:first],
        syntax=directives.syntax,
        escape=directives.escape,
        instructions=statements,
        syntax_line=directives.syntax_line,
    )


def parse_trigger(text: str, line: int) -> Statement:
    """An ONBUILD trigger as an image holds it, placed on a line: that of the FROM it fires at.

    Raises:
        DockerfileError: it is not one instruction.
    """
    lines = _lines(text.encode("utf-8", "surrogateescape"))
    try:
        (statement,) = _Reader(lines, "\\").statements()
    except (DockerfileError, ValueError) as error:
        raise DockerfileError(
            f"the base's ONBUILD trigger {text[:80]!r}: {error}", line=line
        ) from error
    return replace(statement, line=line, end_line=line, text=f"ONBUILD {statement.text}")


def _lines(content: bytes) -> list[str]:
    """The physical lines with their ends; the byte order mark is gone."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if len(line) >= MAX_LINE:
            raise DockerfileError(f"the line is longer than {MAX_LINE - 1} bytes", line=number)
    text = [line.decode("utf-8", "surrogateescape") + "\n" for line in lines]
    text[-1] = text[-1][:-1]
    return text if text[-1] else text[:-1]


@dataclass(slots=True)
class _Reader:
    """Walks the physical lines; ``at`` is the next one's index."""

    lines: Sequence[str]
    escape: str
    at: int = 0
    last_lines: dict[bool, dict[str, int]] = field(default_factory=dict)

    def statements(self) -> Iterator[Statement]:
        while self.at < len(self.lines):
            start = self.at + 1
            line = self._logical_line()
            if line.strip(SPACES):
                try:
                    statement = read_statement(line, start, self.escape)
                    yield self._with_heredocs(statement, line)
                except ValueError as error:
                    raise DockerfileError(str(error), line=start) from error

    def _logical_line(self) -> str:
        """The next line with those that continue it: comments and blank lines fall out."""
        parts: list[str] = []
        continued = True
        while continued and self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r\n")
            self.at += 1
            if line.lstrip(SPACES).startswith("#") or (parts and not line.strip(SPACES)):
                if not parts:
                    break
                continue
            part, continued = self._continuation(line if parts else line.lstrip(SPACES))
            parts.append(part)
        return "".join(parts)

    def _continuation(self, line: str) -> tuple[str, bool]:
        body = line.rstrip(" \t")
        if not body.endswith(self.escape) or body[-2:-1] == self.escape:
            return line, False
        return body[:-1], True

    def _with_heredocs(self, statement: Statement, line: str) -> Statement:
        subject = statement.trigger or statement
        opened = heredocs.announced(subject.keyword, subject.value, line)
        read = (self._read_heredoc(heredoc, sure, statement.line) for heredoc, sure in opened)
        bodies = tuple(heredoc for heredoc in read if heredoc is not None)
        trigger = statement.trigger and replace(
            statement.trigger, heredocs=bodies, end_line=self.at
        )
        return replace(statement, heredocs=bodies, end_line=self.at, trigger=trigger)

    def _read_heredoc(self, heredoc: Heredoc, sure: bool, line: int) -> Heredoc | None:
        """The here-document with its body; None for one that is none after all."""
        start, chomp = self.at, heredoc.chomp
        if self._last_lines(chomp).get(heredoc.name, -1) >= start:
            while heredocs.terminator(self.lines[self.at], chomp=chomp) != heredoc.name:
                self.at += 1
            self.at += 1
            return replace(heredoc, content="".join(self.lines[start : self.at - 1]))
        if not sure:
            return None
        raise DockerfileError(
            f"the here-document {heredoc.name!r} is never closed",
            line=line,
            hint=f"end it with a line that holds {heredoc.name} alone",
        )

    def _last_lines(self, chomp: bool) -> dict[str, int]:
        """Where each line stands last: looking for an end must not read the file anew."""
        if chomp not in self.last_lines:
            self.last_lines[chomp] = {
                heredocs.terminator(line, chomp=chomp): n for n, line in enumerate(self.lines)
            }
        return self.last_lines[chomp]
