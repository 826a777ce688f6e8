"""Docker's shell lexer: quotes, escapes and ``$VARIABLE`` substitution within a word.

Specification: the Dockerfile reference, "Environment replacement", and moby/buildkit
``frontend/dockerfile/shell/lex.go``. Untrusted text: what a substitution may grow to, how
deep braces may nest and how long a pattern may search are all bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drift.source.dockerfile import patterns

MAX_LENGTH = 1 << 20  # characters of one word after substitution: ``ENV A=$A$A`` doubles
MAX_DEPTH = 50  # of braces within braces
_SPECIAL = frozenset("@*#?-$!0")


@dataclass(frozen=True, slots=True)
class Lexer:
    """How words are read: the escape character, and what is kept as written.

    With ``keep_unset`` a variable that is not set stays as ``$NAME`` (else it is empty).
    ``raw_quotes`` and ``raw_escapes`` keep quotes and escape characters in the result.
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False
    joins_heredocs: bool = False  # the space between ``<<`` and a name splits no words

    def expand(self, text: str, variables: Mapping[str, str]) -> str:
        """The word after substitution, quotes and escapes taken off.

        Raises:
            ValueError: bad syntax, ``${X:?message}`` unmet, or a result beyond all measure.
        """
        return _Reading(self, text, variables).until(None, self.raw_escapes)[0]

    def split(self, text: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """As :meth:`expand`, split at the spaces that are not quoted."""
        return _Reading(self, text, variables or {}).until(None, self.raw_escapes)[1]


class _Words:
    """Collects the result twice: as a whole, and split into words."""

    def __init__(self) -> None:
        self.whole: list[str] = []
        self._word: list[str] = []
        self.words: list[str] = []
        self.length = 0

    def add(self, text: str, *, splits: bool) -> None:
        self.length += len(text)
        if self.length > MAX_LENGTH:
            raise ValueError("the result of a substitution is too long")
        self.whole.append(text)
        if not splits:
            self._word.append(text)
            return
        for character in text:
            if not character.isspace():
                self._word.append(character)
            elif any(self._word):
                self.finish()

    def finish(self) -> None:
        word = "".join(self._word)
        if word:
            self.words.append(word)
        self._word = []


class _Reading:
    def __init__(self, lexer: Lexer, text: str, variables: Mapping[str, str]) -> None:
        self.lexer, self.text, self.variables = lexer, text, variables
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        character = self.peek()
        self.at += len(character)
        return character

    def until(self, stop: str | None, raw_escapes: bool) -> tuple[str, list[str]]:
        out = _Words()
        while character := self.peek():
            if character == stop:
                self.at += 1
                break
            if character == "$":
                out.add(self.dollar(), splits=True)
            elif character in "'\"":
                out.add(self.quoted(raw_escapes), splits=False)
            elif character == self.lexer.escape:
                out.add(self.escaped(raw_escapes), splits=False)
            elif self.lexer.joins_heredocs and self.text.startswith("<<", self.at):
                out.add(self.heredoc(), splits=False)
            else:
                out.add(self.next(), splits=True)
        else:
            if stop is not None:
                raise ValueError(f"unexpected end while looking for a matching {stop}")
        out.finish()
        return "".join(out.whole), out.words

    def heredoc(self) -> str:
        start = self.at
        self.at += 2
        while self.peek() in tuple(" \t\r\n"):
            self.at += 1
        return self.text[start : self.at]

    def escaped(self, raw: bool) -> str:
        escape, character = self.next(), self.next()
        return escape + character if raw else character

    def quoted(self, raw_escapes: bool) -> str:
        quote = self.next()
        out = [quote] if self.lexer.raw_quotes else []
        while (character := self.peek()) != quote:
            if not character:
                raise ValueError(f"unexpected end while looking for a matching {quote}")
            if quote == '"' and character == "$":
                out.append(self.dollar())
            elif quote == '"' and character == self.lexer.escape:
                out.append(self._escaped_in_quotes(raw_escapes))
            else:
                out.append(self.next())
        self.at += 1
        return "".join([*out, quote] if self.lexer.raw_quotes else out)

    def _escaped_in_quotes(self, raw: bool) -> str:
        escape = self.next()
        following = self.peek()
        if not following:
            return escape if raw else ""
        if following in ('"', "$", escape):
            self.at += 1
            return escape + following if raw else following
        return escape * 2 if raw else escape

    def name(self) -> str:
        start = self.at
        first = self.peek()
        if first.isdecimal():
            while self.peek().isdecimal():
                self.at += 1
        elif first and first in _SPECIAL:
            self.at += 1
        else:
            while self.peek() == "_" or self.peek().isalpha() or self.peek().isdecimal():
                self.at += 1
        return self.text[start : self.at]

    def dollar(self) -> str:
        self.at += 1
        if self.peek() != "{":
            name = self.name()
            unset = f"${name}" if self.lexer.keep_unset else ""
            return self.variables.get(name, unset) if name else "$"
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("braces are nested too deeply")
        value = self._braced()
        self.depth -= 1
        return value

    def _braced(self) -> str:
        if self.peek() in ("", "{", "}", ":"):
            raise ValueError("bad substitution" if self.peek() else "missing '}'")
        start = self.at
        name = self.name()
        operator = self.next()
        value = self.variables.get(name)
        if operator == "}":
            result = value or ""
        elif operator == "/":
            result = self._replaced(value)
        else:
            result = self._modified(name, operator, value)
        if value is None and self.lexer.keep_unset:
            return "${" + self.text[start : self.at]
        return result

    def _replaced(self, value: str | None) -> str:
        everywhere = self.peek() == "/"
        self.at += everywhere
        pattern = self.until("/", True)[0]
        replacement = self.until("}", True)[0]
        return patterns.replace(value or "", pattern, replacement, everywhere=everywhere)

    def _modified(self, name: str, operator: str, value: str | None) -> str:
        colon = operator == ":"
        if colon:
            operator = self.next()
        if not operator or operator not in "+-?#%":
            raise ValueError(f"unsupported modifier ({operator}) in substitution of {name}")
        word = self.until("}", operator in "#%")[0]
        absent = value is None or (colon and not value)
        if operator == "-":
            return word if absent else value or ""
        if operator == "+":
            return "" if absent else word
        if operator == "?":
            if absent and not self.lexer.keep_unset:
                raise ValueError(f"{name}: {word or 'is not allowed to be unset or empty'}")
            return value or ""
        longest = word[:1] == operator
        return patterns.trim(value or "", word[longest:], suffix=operator == "%", longest=longest)
