"""One pattern of a ``.dockerignore``, matched as moby's ``patternmatcher`` (v0.6) does.

A pattern is turned into a Go regular expression by a few rewriting rules that look at one
character at a time, brackets or not; what looks like a bug there (``[*]`` is not a literal
star, ``\\d`` is any digit) is what docker does, so it is what we do. The Go expression is
then read again and written as a Python one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# moby lists "|{}" too, but its bitmap of eight bits loses every character from 64 on: they
# keep their meaning in the expression (measured; ``a|b`` matches all that begins with a).
_ESCAPED_BY_MOBY = frozenset(".+()$")
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CLASSES = {
    "d": "0-9",
    "s": "\\t\\n\\f\\r ",
    "w": "0-9A-Za-z_",
    "D": "\\x00-/:-\\U0010ffff",
    "S": "\\x00-\\x08\\x0b\\x0e-\\x1f!-\\U0010ffff",
    "W": "\\x00-/:-@\\[-\\^`{-\\U0010ffff",
}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t-\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
# Go's matching is linear, Python's backtracks. Between two stars of one path component the
# first place where the text fits is as good as any later one: no need to come back to it.
_STAR_TO_STAR = re.compile(r"\[\^/-/\]\*((?:\\[^\w/]|\w|\[\^/-/\](?![*{]))+)(?=\[\^/-/\]\*)")
_ATOMIC = r"(?>[^/]*?\1)"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern without its ``!``; ``exception`` says that it had one.

    Raises:
        ValueError: the pattern is not one for Go's ``filepath.Match``, or its expression
            is not one for Go's ``regexp``.
    """

    text: str
    exception: bool = False
    _expression: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _suffix: str | None = field(init=False, repr=False, compare=False)
    _prefix: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_syntax(self.text)
        kind, expression = _go_expression(self.text)
        compiled = _compile(expression) if kind == "expression" else None
        object.__setattr__(self, "_expression", compiled)
        object.__setattr__(self, "_suffix", self.text[2:] if kind == "suffix" else None)
        object.__setattr__(self, "_prefix", self.text[:-2] if kind == "prefix" else None)

    @property
    def literal(self) -> bool:
        """True where only a trailing ``/*`` or ``/**``, at most, is not a plain path."""
        text = self.text.removesuffix("/**").removesuffix("/*")
        return not any(character in "*[]?^\\" for character in text)

    def matches(self, path: str) -> bool:
        """Whether this very path, relative and with slashes, is meant; parents aside."""
        if self._expression is not None:
            return self._expression.search(path) is not None
        if self._suffix is not None:
            suffix = self._suffix
            return path.endswith(suffix) or (suffix[:1] == "/" and path == suffix[1:])
        if self._prefix is not None:
            return path.startswith(self._prefix)
        return path == self.text


def _compile(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(f"^{_STAR_TO_STAR.sub(_ATOMIC, _to_python(expression))}\\Z")
    except (re.error, OverflowError) as error:
        raise ValueError(f"it cannot be read as an expression ({error})") from error


def _check_syntax(text: str) -> None:
    """Refuse what Go's ``filepath.Match`` calls ``ErrBadPattern``."""
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "\\":
            if position == len(text):
                raise ValueError("it ends in a backslash")
            position += 1
        elif character == "[":
            position = _end_of_class(text, position)


def _end_of_class(text: str, position: int) -> int:
    if text[position : position + 1] == "^":
        position += 1
    first = True
    while first or text[position : position + 1] != "]":
        position = _end_of_class_character(text, position)
        if text[position : position + 1] == "-":
            position = _end_of_class_character(text, position + 1)
        first = False
    return position + 1


def _end_of_class_character(text: str, position: int) -> int:
    character = text[position : position + 1]
    if character in ("", "-", "]"):
        raise ValueError("it has a character class that is not closed or not well formed")
    position += 2 if character == "\\" else 1
    if position >= len(text):
        raise ValueError("it has a character class that is not closed")
    return position


def _go_expression(text: str) -> tuple[str, str]:
    """How moby would match it (``exact``, ``prefix``, ``suffix``, ``expression``), and its regexp.

    The order of the tests is that of moby's ``Pattern.compile``, which decides odd cases.
    """
    kind, parts, position = "exact", [], 0
    while position < len(text):
        start, character = position, text[position]
        position += 1
        if text.startswith("**", start):
            position = start + 2 + (text[start + 2 : start + 3] == "/")
            if position < len(text):
                parts.append("(.*/)?")
                kind = "expression"
            elif kind == "exact":
                kind = "prefix"
            else:
                parts.append(".*")
                kind = "expression"
            if start == 0:
                kind = "suffix"
        elif character in "*?":
            parts.append("[^/]*" if character == "*" else "[^/]")
            kind = "expression"
        elif character in _ESCAPED_BY_MOBY:
            parts.append("\\" + character)
        elif character == "\\":
            parts.append(text[start : start + 2])
            position += 1
            kind = "expression"
        else:
            parts.append(character)
            kind = "expression" if character in "[]" else kind
    return kind, "".join(parts)


def _to_python(expression: str) -> str:
    """A Go expression, of those that moby makes, as a Python one."""
    parts, position = [], 0
    while position < len(expression):
        character = expression[position]
        if character == "\\":
            parts.append(_escape(expression[position + 1]))
            position += 2
        elif character == "[":
            written, position = _class(expression, position + 1)
            parts.append(written)
        else:
            # Of the characters with a meaning, these are moby's own or left as they are.
            parts.append(character if character in "().*?^|" else _bare(expression, position))
            position += 1
    return "".join(parts)


def _bare(expression: str, position: int) -> str:
    repetition = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
    start = expression.rfind("{", 0, position + 1)
    match = repetition.match(expression, start) if start >= 0 else None
    character = expression[position]
    return character if match is not None and position < match.end() else re.escape(character)


def _escape(character: str) -> str:
    if character in _CLASSES:
        return f"[{_CLASSES[character]}]"
    assertions = {"A": "\\A", "z": "\\Z", "b": "(?a:\\b)", "B": "(?a:\\B)"}
    return assertions.get(character) or re.escape(_literal(character))


def _literal(character: str) -> str:
    if character in _CONTROLS:
        return _CONTROLS[character]
    if character.isalnum() or not character.isascii():
        raise ValueError(f"it escapes {character!r}, which needs no escape")
    return character


def _class(expression: str, position: int) -> tuple[str, int]:
    """The bracketed class that begins before ``position``, and where it ends."""
    negated = expression.startswith("^", position)
    position += negated
    parts, first = [], True
    while first or not expression.startswith("]", position):
        first = False
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(expression, position)
        if posix is not None and (posix[1] or posix[2] not in _POSIX):
            raise ValueError(f"it has the class {posix[0]}, which is not known")
        if posix is not None:
            parts.append(_POSIX[posix[2]])
            position = posix.end()
        elif expression.startswith("\\", position) and expression[position + 1] in _CLASSES:
            parts.append(_CLASSES[expression[position + 1]])
            position += 2
        else:
            written, position = _range(expression, position)
            parts.append(written)
    return f"[{'^' if negated else ''}{''.join(parts)}]", position + 1


def _range(expression: str, position: int) -> tuple[str, int]:
    low, position = _class_character(expression, position)
    high = low
    if expression.startswith("-", position) and not expression.startswith("-]", position):
        high, position = _class_character(expression, position + 1)
    if high < low:
        raise ValueError(f"it has the range {low}-{high}, which is empty")
    return f"{re.escape(low)}-{re.escape(high)}", position


def _class_character(expression: str, position: int) -> tuple[str, int]:
    if position >= len(expression):
        raise ValueError("it has a character class that is not closed")
    if expression[position] != "\\":
        return expression[position], position + 1
    if position + 1 >= len(expression):
        raise ValueError("it ends in a backslash")
    return _literal(expression[position + 1]), position + 2
