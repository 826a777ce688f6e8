"""The tokens of a shell script: operators, and words made of parts.

Nothing is expanded here. What cannot be told without running something is :class:`Unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEPTH = 40  # of what stands within words


class ShellError(ValueError):
    """No shell would read the script, or it goes beyond what is read here."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they are; ``quoted`` ones are never split, nor patterns."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` or ``${name…}``; ``operation`` is what follows the name within the braces."""

    name: str
    quoted: bool = False
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What only a run can tell; ``script`` is that of a command substitution."""

    quoted: bool = False
    script: str = ""


Part = Text | Parameter | Unknown


@dataclass(frozen=True, slots=True)
class Word:
    """One word. ``bare`` is its text where no part of it is quoted or expanded, else None."""

    parts: tuple[Part, ...]

    @property
    def bare(self) -> str | None:
        if len(self.parts) == 1 and isinstance(self.parts[0], Text) and not self.parts[0].quoted:
            return self.parts[0].text
        return None


@dataclass(frozen=True, slots=True)
class Operator:
    """A control or redirection operator; a line's end is ``\\n``."""

    text: str


@dataclass(frozen=True, slots=True)
class Here:
    """A here-document: its body as written, and whether it is expanded."""

    body: str
    expand: bool


Token = Word | Operator
# The longest first.
_OPERATORS = (
    "&>>", "<<<", "<<-", ";;&", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
    "&", "|", ";", "<", ">", "(", ")", "\n",
)  # fmt: skip
_SPECIAL = "@*#?-$!"
_ENDS = " \t\r\n&|;<>()"  # of a word


class Lexer:
    """Reads the tokens of a script one by one.

    A here-document's body follows the line that names it: :meth:`await_here` says that one is
    due, and :attr:`heres` has it, in order, once the line's end was read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.heres: list[Here] = []
        self._due: list[tuple[str, bool, bool]] = []

    def await_here(self, delimiter: Word, *, tabs: bool) -> int:
        """Expect a here-document; the index that it will have in :attr:`heres`."""
        name = "".join(part.text for part in delimiter.parts if isinstance(part, Text))
        quoted = any(part.quoted for part in delimiter.parts)
        self._due.append((name, tabs, not quoted))
        return len(self.heres) + len(self._due) - 1

    def token(self) -> Token | None:
        """The next token; None at the end.

        Raises:
            ShellError: a quote or brace that is never closed.
        """
        self._skip_blanks()
        if self.at >= len(self.text):
            self._read_heres()
            return None
        if self.text.startswith(("<(", ">("), self.at):
            return self.word()
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                if operator == "\n":
                    self._read_heres()
                return Operator(operator)
        return self.word()

    def _skip_blanks(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at] in " \t\r":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def _read_heres(self) -> None:
        for name, tabs, expand in self._due:
            lines: list[str] = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = end + 1
                line = line.lstrip("\t") if tabs else line
                if line == name:
                    break
                lines.append(line + "\n")
            self.heres.append(Here("".join(lines), expand))
        self._due = []

    def word(self) -> Word:
        """The word that begins where we are."""
        parts: list[Part] = []
        plain: list[str] = []

        def add(part: Part) -> None:
            if plain:
                parts.append(Text("".join(plain)))
                plain.clear()
            parts.append(part)

        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "(" and plain[-1:] == ["="]:
                self._bracketed()
                add(Unknown())  # an array
            elif self.text.startswith(("<(", ">("), self.at) and not (parts or plain):
                self.at += 1
                add(Unknown(script=self._bracketed()))
            elif character in _ENDS:
                break
            elif character == "\\":
                escaped = self.text[self.at + 1 : self.at + 2]
                self.at += 2
                if escaped != "\n":
                    add(Text(escaped or "\\", quoted=True))
            elif character == "'":
                add(Text(self._single(), quoted=True))
            elif character == '"':
                self.at += 1
                for part in self.double('"'):
                    add(part)
            elif character in "$`":
                add(self._expansion(quoted=False))
            else:
                plain.append(character)
                self.at += 1
        if plain:
            parts.append(Text("".join(plain)))
        return Word(tuple(parts))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise ShellError("a quote is never closed")
        start, self.at = self.at + 1, end + 1
        return self.text[start:end]

    def double(self, end: str) -> list[Part]:
        """The parts up to a closing quote, or up to the text's end where ``end`` is empty."""
        parts: list[Part] = [Text("", quoted=True)]
        plain: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != end:
            character = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if character == "\\" and following and following in '$`"\\\n':
                plain.append("" if following == "\n" else following)
                self.at += 2
            elif character in "$`":
                parts.extend((Text("".join(plain), quoted=True), self._expansion(quoted=True)))
                plain = []
            else:
                plain.append(character)
                self.at += 1
        if end and self.at >= len(self.text):
            raise ShellError("a quote is never closed")
        self.at += len(end)
        return [*parts, Text("".join(plain), quoted=True)]

    def _expansion(self, *, quoted: bool) -> Part:
        if self.text[self.at] == "`":
            return Unknown(quoted, self._backquoted())
        self.at += 1
        following = self.text[self.at : self.at + 1]
        if self.text.startswith("((", self.at):
            self._bracketed()
            return Unknown(quoted)
        if following == "(":
            return Unknown(quoted, self._bracketed())
        if following == "{":
            return _braced(self._bracketed(), quoted)
        if following == "'" and not quoted:
            self._ansi()
            return Unknown()
        name = self._name()
        return Parameter(name, quoted) if name else Text("$", quoted=True)

    def _ansi(self) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != "'":
            self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at >= len(self.text):
            raise ShellError("a quote is never closed")
        self.at += 1

    def _name(self) -> str:
        start = self.at
        first = self.text[start : start + 1]
        if first and (first in _SPECIAL or first.isdigit()):
            self.at += 1
        elif _starts_name(first):
            while _in_name(self.text[self.at : self.at + 1]):
                self.at += 1
        return self.text[start : self.at]

    def _backquoted(self) -> str:
        self.at += 1
        found: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != "`":
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("$`\\"):
                self.at += 1
            found.append(self.text[self.at : self.at + 1])
            self.at += 1
        if self.at >= len(self.text):
            raise ShellError("a quote is never closed")
        self.at += 1
        return "".join(found)

    def _bracketed(self, depth: int = 0) -> str:
        """What stands between the bracket where we are and the one that closes it."""
        if depth > MAX_DEPTH:
            raise ShellError("brackets are nested too deeply")
        closing = ")" if self.text[self.at] == "(" else "}"
        self.at += 1
        start = self.at
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == closing:
                self.at += 1
                return self.text[start : self.at - 1]
            if character == "'":
                self._single()
            elif character == '"':
                self._pass_over_quoted(depth)
            elif character == "(" and closing == ")":
                self._bracketed(depth + 1)
            else:
                self._pass_over(depth)
        raise ShellError("a bracket is never closed")

    def _pass_over_quoted(self, depth: int) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            self._pass_over(depth)
        self.at += 1

    def _pass_over(self, depth: int) -> None:
        """One character, or all of an expansion."""
        if self.text[self.at] == "\\":
            self.at += 2
        elif self.text.startswith(("$(", "${"), self.at):
            self.at += 1
            self._bracketed(depth + 1)
        else:
            self.at += 1


def here_word(body: str) -> Word:
    """The body of a here-document as one quoted word."""
    return Word(tuple(Lexer(body).double("")))


def argument_word(text: str) -> Word:
    """What stands behind the operator within ``${…}``, blanks included, as one word."""
    lexer = Lexer(text)
    parts: list[Part] = []
    while lexer.at < len(text):
        if text[lexer.at] in _ENDS:
            parts.append(Text(text[lexer.at]))
            lexer.at += 1
        else:
            parts.extend(lexer.word().parts)
    return Word(tuple(parts))


def _braced(inner: str, quoted: bool) -> Part:
    end = 0
    if inner[:1] and (inner[0] in _SPECIAL or inner[0].isdigit()) and len(inner) == 1:
        end = 1
    elif _starts_name(inner[:1]):
        while _in_name(inner[end : end + 1]):
            end += 1
    return Parameter(inner[:end], quoted, inner[end:]) if end else Unknown(quoted)


def _starts_name(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalpha())


def _in_name(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())
