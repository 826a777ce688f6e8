"""One logical line to an instruction, and instructions to stages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from drift.source.dockerfile import arguments
from drift.source.dockerfile.arguments import SPACES
from drift.source.dockerfile.model import DockerfileError, Stage, Statement

# fmt: off
_NEED_A_VALUE = frozenset({
    "ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "MAINTAINER", "ONBUILD", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
})
# fmt: on
_KEYWORDS = _NEED_A_VALUE | {"CMD", "ENTRYPOINT", "HEALTHCHECK", "RUN", "SHELL"}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")


def read_statement(line: str, number: int, escape: str) -> Statement:
    """One logical line as an instruction. Raises ValueError with the reason."""
    word, *rest = arguments.BLANKS.split(line.strip(SPACES), maxsplit=1)
    keyword = word.upper()
    if keyword not in _KEYWORDS:
        raise ValueError(f"unknown instruction: {word}")
    flags, value = arguments.split_flags(rest[0] if rest else "")
    if keyword in _NEED_A_VALUE and not value:
        raise ValueError(f"{keyword} needs an argument")
    _check(keyword, value, escape)
    return Statement(
        keyword=keyword,
        value=value,
        line=number,
        end_line=number,
        text=arguments.single_spaced(" ".join([keyword, *rest])),
        flags=flags,
        trigger=_trigger(value, number, escape) if keyword == "ONBUILD" else None,
    )


def _check(keyword: str, value: str, escape: str) -> None:
    if keyword in ("CMD", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"):
        arguments.json_form(value)
    if keyword in ("ENV", "LABEL"):
        arguments.environment(value, escape)
    if keyword in ("ADD", "COPY") and len(arguments.words(value)) < 2:
        raise ValueError(f"{keyword} needs at least a source and a destination")


def _trigger(value: str, number: int, escape: str) -> Statement:
    keyword = arguments.BLANKS.split(value, maxsplit=1)[0].upper()
    if keyword in ("ONBUILD", "FROM", "MAINTAINER"):
        raise ValueError(f"{keyword} isn't allowed as an ONBUILD trigger")
    statement = read_statement(value, number, escape)
    return replace(statement, text=f"ONBUILD {statement.text}")


def split_stages(statements: Sequence[Statement]) -> Iterator[Stage]:
    starts = [n for n, statement in enumerate(statements) if statement.keyword == "FROM"]
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else len(statements)
        statement = statements[start]
        base, name = _from(statement)
        yield Stage(
            name=name,
            index=index,
            base=base,
            platform=statement.flag("platform"),
            line=statement.line,
            text=statement.text,
            instructions=tuple(statements[start + 1 : end]),
        )


def _from(statement: Statement) -> tuple[str, str | None]:
    """Base and name of a FROM instruction, both before substitution."""
    words = arguments.BLANKS.split(statement.value)
    if len(words) == 1:
        return words[0], None
    if len(words) != 3 or words[1].lower() != "as":
        raise DockerfileError(
            "FROM needs one argument, or three: `image AS name`", line=statement.line
        )
    name = words[2].lower()
    if _STAGE_NAME.fullmatch(name) is None:
        raise DockerfileError(
            f"invalid name for a build stage: {words[2]!r}",
            line=statement.line,
            hint="a name starts with a letter and goes on with letters, digits, and - _ .",
        )
    return words[0], name
