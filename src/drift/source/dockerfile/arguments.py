"""The arguments of instructions: JSON form, plain words, ``NAME=value`` lists, flags.

Specification: moby/buildkit ``frontend/dockerfile/parser/line_parsers.go`` and
``split_command.go``.
"""

from __future__ import annotations

import json
import re

# What Go's unicode.IsSpace takes for a space; Python's str.isspace takes more.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)
BLANKS = re.compile(r"[\t\v\f\r ]+")
_ANY_SPACES = re.compile(f"[{SPACES}]+")


def single_spaced(text: str) -> str:
    """The text as one line: every run of spaces and line ends is one space."""
    return _ANY_SPACES.sub(" ", text).strip(" ")


def json_form(value: str) -> list[str] | None:
    """The strings of ``["a", "b"]``; None where the value is not in JSON form.

    Raises:
        ValueError: a JSON array with something else than strings.
    """
    if not value.lstrip(SPACES).startswith("["):
        return None
    try:
        items = json.loads(value.strip(SPACES), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in items):
        raise ValueError("an array in JSON form may hold only strings")
    return [str(item) for item in items]


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def words(value: str) -> list[str]:
    """The arguments of an instruction in either form (COPY, ADD, FROM)."""
    form = json_form(value)
    return form if form is not None else [word for word in BLANKS.split(value) if word]


def assignments(value: str, escape: str) -> list[tuple[str, str | None]]:
    """``NAME=value NAME`` as pairs, values unquoted by nobody yet, None where there is no ``=``.

    ``NAME value words``, the old form of ENV and LABEL, is for the caller to see: its first
    pair has no value.
    """
    pairs = (word.partition("=") for word in _quoted_words(value, escape))
    return [(name, text if equals else None) for name, equals, text in pairs]


def environment(value: str, escape: str) -> list[tuple[str, str]]:
    """The pairs of an ENV or LABEL in either form, before substitution.

    Raises:
        ValueError: a name without a value.
    """
    pairs = assignments(value, escape)
    if pairs and pairs[0][1] is None:
        name, *rest = BLANKS.split(value, maxsplit=1)
        if not rest:
            raise ValueError("a name must be followed by a value")
        return [(name, rest[0])]
    if missing := [name for name, text in pairs if text is None]:
        raise ValueError(f"{missing[0]!r} must be of the form name=value")
    return [(name, text or "") for name, text in pairs]


def _quoted_words(value: str, escape: str) -> list[str]:
    found: list[str] = []
    word: list[str] = []
    quote, at = "", 0
    while at < len(value):
        character = value[at]
        if not quote and character in SPACES:
            found.append("".join(word))
            word = []
        elif character == escape and quote != "'":
            # At the very end an escape character escapes nothing, and is dropped.
            word.append(value[at : at + 2] if at + 1 < len(value) else "")
            at += 1
        else:
            word.append(character)
            if character == quote:
                quote = ""
            elif not quote and character in "'\"":
                quote = character
        at += 1
    return [text for text in (*found, "".join(word)) if text]


def split_flags(rest: str) -> tuple[tuple[tuple[str, str | None], ...], str]:
    """The leading ``--name[=value]`` words, quotes taken off, and what follows them."""
    flags: list[tuple[str, str | None]] = []
    at = 0
    while True:
        at += len(rest[at:]) - len(rest[at:].lstrip(SPACES))
        if not rest.startswith("--", at):
            return tuple(flags), rest[at:].strip(SPACES)
        word, at = _flag_word(rest, at)
        if word == "--":
            return tuple(flags), rest[at:].strip(SPACES)
        name, equals, value = word[2:].partition("=")
        flags.append((name, value if equals else None))


def _flag_word(rest: str, at: int) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while at < len(rest) and (quote or rest[at] not in SPACES):
        character = rest[at]
        if character == "\\":  # here always the backslash, whatever ``# escape`` says
            at += 1
            word.append(rest[at : at + 1])
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            word.append(character)
        at += 1
    return "".join(word), at
