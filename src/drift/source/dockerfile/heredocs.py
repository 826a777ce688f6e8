"""Here-documents of RUN, COPY and ADD (moby/buildkit ``frontend/dockerfile/parser``)."""

from __future__ import annotations

import re

from drift.source.dockerfile import arguments
from drift.source.dockerfile.model import Heredoc
from drift.source.dockerfile.words import Lexer

_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
_OPENING = re.compile(r"[0-9]*<<(?P<chomp>-?)\s*(?P<name>[^<]*)")
_AS_WRITTEN = Lexer(raw_quotes=True, raw_escapes=True, keep_unset=True, joins_heredocs=True)
_SPACED = re.compile(r"[0-9]*<<\s")
_UNQUOTED = Lexer(keep_unset=True)
_QUOTED = Lexer(raw_quotes=True, keep_unset=True)


def announced(keyword: str, value: str, line: str) -> list[tuple[Heredoc, bool]]:
    """The here-documents that an instruction's line opens, in order, with empty bodies.

    ``line`` is the whole logical line. Each comes with whether every frontend that has
    here-documents takes it for one: older ones let ``<< NAME``, with a space, to the shell
    (and ``$((1 << 3))`` is meant so). Raises ValueError for an unreadable name.
    """
    if keyword not in _KEYWORDS or "<<" not in line or _in_json_form(value):
        return []
    try:
        candidates = _AS_WRITTEN.split(line)
    except ValueError:  # quotes that only the shell understands
        return []
    found = ((opening(word), _SPACED.match(word) is None) for word in candidates)
    return [(heredoc, sure) for heredoc, sure in found if heredoc is not None]


def opening(word: str) -> Heredoc | None:
    """The here-document that a word such as ``<<-"EOF"`` opens, with an empty body."""
    match = _OPENING.fullmatch(word)
    if match is None or not match["name"]:
        return None
    plain, quoted = _UNQUOTED.split(match["name"]), _QUOTED.split(match["name"])
    if len(plain) != 1 or not quoted:
        return None
    return Heredoc(plain[0], "", _quotes(plain[0]) == _quotes(quoted[0]), bool(match["chomp"]))


def terminator(line: str, *, chomp: bool) -> str:
    """The name that a physical line closes a here-document of."""
    line = line.rstrip("\r\n")
    return line.lstrip("\t") if chomp else line


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def _in_json_form(value: str) -> bool:
    return arguments.json_form(value) is not None
