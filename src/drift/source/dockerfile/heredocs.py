"""Here-documents of RUN, COPY and ADD (moby/buildkit ``frontend/dockerfile/parser``)."""

from __future__ import annotations

import re

from drift.source.dockerfile import arguments
from drift.source.dockerfile.model import Heredoc
from drift.source.dockerfile.words import Lexer

_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
_OPENING = re.compile(r"[0-9]*<<(?P<chomp>-?)(?P<name>[^<]*)")
_AS_WRITTEN = Lexer(raw_quotes=True, raw_escapes=True, keep_unset=True)
_UNQUOTED = Lexer(keep_unset=True)
_QUOTED = Lexer(raw_quotes=True, keep_unset=True)


def announced(keyword: str, value: str, line: str) -> list[Heredoc]:
    """The here-documents that an instruction's line opens, in order, with empty bodies.

    ``line`` is the whole logical line. Raises ValueError for an unreadable name.
    """
    if keyword not in _KEYWORDS or "<<" not in line or _in_json_form(value):
        return []
    try:
        candidates = _AS_WRITTEN.split(line)
    except ValueError:  # quotes that only the shell understands
        return []
    found = (opening(word) for word in candidates)
    return [heredoc for heredoc in found if heredoc is not None]


def opening(word: str) -> Heredoc | None:
    """The here-document that a word such as ``<<-"EOF"`` opens, with an empty body."""
    match = _OPENING.fullmatch(word)
    if match is None or not match["name"]:
        return None
    plain, quoted = _UNQUOTED.split(match["name"]), _QUOTED.split(match["name"])
    if len(plain) != 1 or not quoted:
        return None
    return Heredoc(plain[0], "", _quotes(plain[0]) == _quotes(quoted[0]), bool(match["chomp"]))


def closes(heredoc: Heredoc, line: str) -> bool:
    """Whether a line ends the here-document."""
    line = line.rstrip("\r\n")
    return (line.lstrip("\t") if heredoc.chomp else line) == heredoc.name


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def _in_json_form(value: str) -> bool:
    return arguments.json_form(value) is not None
