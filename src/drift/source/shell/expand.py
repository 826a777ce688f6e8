"""What the words of a script stand for, as far as its variables are known."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from drift.source.dockerfile import patterns
from drift.source.shell.words import (
    Parameter,
    Part,
    ShellError,
    Text,
    Unknown,
    Word,
    argument_word,
)

MAX_LENGTH = 1 << 16  # characters of one word after expansion
MAX_DEPTH = 20  # of parameters within parameters
# Set by the shell or the builder's runtime, whatever the Dockerfile says.
# fmt: off
_NEVER_UNSET = frozenset({
    "HOME", "HOSTNAME", "IFS", "LINENO", "OLDPWD", "OPTIND", "PATH", "PPID", "PS1", "PS2", "PS4",
    "PWD", "RANDOM", "SECONDS", "SHELL", "SHLVL", "TERM", "UID", "EUID", "USER", "_",
    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy",
})
# fmt: on


@dataclass(slots=True)
class Environment:
    """What a script's shell holds: variables, None where unknown, and the working directory.

    With ``complete`` a variable that is not there is unset; else it may be set by what is
    not known here (a base image). ``directory`` is absolute, None where unknown.
    """

    variables: dict[str, str | None] = field(default_factory=dict)
    directory: str | None = None
    complete: bool = False

    def copy(self) -> Environment:
        """The environment of a shell of its own."""
        return replace(self, variables=dict(self.variables))

    def merge(self, others: Iterable[Environment]) -> None:
        """Know only what is the same here and in all others."""
        for other in others:
            for name in {*self.variables, *other.variables}:
                there = name in self.variables and name in other.variables
                if not there or self.variables[name] != other.variables[name]:
                    self.variables[name] = None
            self.directory = self.directory if self.directory == other.directory else None
            self.complete = self.complete and other.complete

    def is_unset(self, name: str) -> bool:
        """Whether a variable is surely not set."""
        usual = name[:1].isalpha() or name[:1] == "_"
        unset = usual and not name.startswith("BASH") and name not in _NEVER_UNSET
        return unset and self.complete and name not in self.variables

    def given(self, names: Iterable[str]) -> dict[str, str | None]:
        """Those of some variables that may be set, with their values."""
        return {name: self.variables.get(name) for name in names if not self.is_unset(name)}

    def path(self, name: str) -> str | None:
        """A path as an absolute one."""
        if name.startswith("/"):
            return posixpath.normpath(name)
        return posixpath.normpath(posixpath.join(self.directory, name)) if self.directory else None


def fields(word: Word, environment: Environment) -> list[str | None]:
    """The fields that a word becomes; None for one that is not known.

    Unquoted values are split at blanks. Patterns of file names are left as they are.
    """
    found: list[str | None] = []
    current: str | None = ""
    begun = False
    for part in word.parts:
        splits = isinstance(part, Parameter) and not part.quoted
        value = _value(part, environment, 0)
        if value is None or (splits and "IFS" in environment.variables):
            current, begun = None, True
            continue
        if splits:
            first, *rest = _split(value)
            current = None if current is None else current + first
            begun = begun or bool(first)
            for piece in rest:
                if begun:
                    found.append(current)
                current, begun = piece, bool(piece)
            continue
        current = None if current is None else current + value
        begun = begun or bool(value) or part.quoted
    if begun:
        found.append(current)
    if any(text is not None and len(text) > MAX_LENGTH for text in found):
        raise ShellError("a word is too long")
    return found


def _split(value: str) -> list[str]:
    pieces = value.split()
    if not pieces:
        return ["", ""] if value else [""]
    return [*([""] if value[0].isspace() else []), *pieces, *([""] if value[-1].isspace() else [])]


def text_of(word: Word, environment: Environment, depth: int = 0) -> str | None:
    """A word's value without splitting, as in an assignment; None where it is not known."""
    values = [_value(part, environment, depth) for part in word.parts]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    text = "".join(known)
    if len(text) > MAX_LENGTH:
        raise ShellError("a word is too long")
    return text


def _value(part: Part, environment: Environment, depth: int) -> str | None:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Unknown) or depth > MAX_DEPTH:
        return None
    if part.name == "PWD" and not part.operation:
        return environment.directory
    value = environment.variables.get(part.name)
    if value is None and not environment.is_unset(part.name):
        return None
    if not part.operation:
        return value or ""
    try:
        return _modified(value, part, environment, depth)
    except ValueError:
        return None


def _modified(
    value: str | None, part: Parameter, environment: Environment, depth: int
) -> str | None:
    """``${name:-word}`` and its kin; ``value`` is None where the variable is unset."""
    operation = part.operation

    def word(text: str) -> str | None:
        return text_of(argument_word(text), environment, depth + 1)

    colon = operation[0] == ":"
    operator, argument = operation[colon : colon + 1], operation[colon + 1 :]
    absent = value is None or (colon and not value)
    if operator and operator in "-=":
        return word(argument) if absent else value
    if operator == "+":
        return "" if absent else word(argument)
    if operator == "?":
        return None if absent else value
    if colon:
        return None
    if operator and operator in "#%":
        longest = argument.startswith(operator)
        pattern = word(argument[longest:])
        if pattern is None or "[" in pattern:
            return None
        return patterns.trim(value or "", pattern, suffix=operator == "%", longest=longest)
    return _replaced(value or "", argument, environment, depth) if operator == "/" else None


def _replaced(value: str, argument: str, environment: Environment, depth: int) -> str | None:
    """``${name/pattern/replacement}``, with ``//`` every match."""
    everywhere = argument.startswith("/")
    pattern, _, replacement = argument[everywhere:].partition("/")
    texts = [
        text_of(argument_word(text), environment, depth + 1) for text in (pattern, replacement)
    ]
    if texts[0] is None or texts[1] is None or pattern[:1] in ("#", "%", "\\") or "[" in pattern:
        return None
    return patterns.replace(value, texts[0], texts[1], everywhere=everywhere)
