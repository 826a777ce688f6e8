"""The syntax of a shell script: chains of pipelines of commands, and what they are nested in.

A tree of plain values, nothing expanded. A compound command is kept only as far as it matters
what runs surely, what runs perhaps, and what runs in a shell of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drift.source.shell.words import Here, Lexer, Operator, ShellError, Token, Unknown, Word

_MAX_DEPTH = 40
_REDIRECTIONS = frozenset({"<", ">", ">>", "<<", "<<-", "<<<", "<&", ">&", "<>", ">|", "&>", "&>>"})


@dataclass(frozen=True, slots=True)
class Redirection:
    """``descriptor operator target``; ``here`` is the number of a here-document's body."""

    operator: str
    target: Word
    descriptor: str = ""
    here: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, its assignments among the words."""

    words: tuple[Word, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    heres: Sequence[Here] = ()

    @property
    def here(self) -> Here | None:
        """The here-document that it reads, the last of several."""
        numbers = [one.here for one in self.redirections if one.here is not None]
        return self.heres[numbers[-1]] if numbers and numbers[-1] < len(self.heres) else None


@dataclass(frozen=True, slots=True)
class Group:
    """``{ … }``, or ``( … )`` in a shell of its own."""

    body: Script
    subshell: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """``if``: pairs of a condition and what follows it, the last without a condition for else."""

    branches: tuple[tuple[Script, Script], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """``case subject in``: the patterns of each branch, and its body."""

    subject: Word
    branches: tuple[tuple[tuple[Word, ...], Script], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``for name in words``; of ``while`` and ``until`` both scripts in one body, no name."""

    body: Script
    name: str = ""
    words: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """The definition of a function, which runs nothing yet."""

    name: str
    body: Node


Node = Command | Group | Choice | Case | Loop | Function


@dataclass(frozen=True, slots=True)
class Pipeline:
    parts: tuple[Node, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Pipelines joined by ``&&`` and ``||``: each with what stands before it."""

    pipelines: tuple[tuple[str, Pipeline], ...]
    background: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    chains: tuple[Chain, ...] = field(default_factory=tuple)


def parse(text: str) -> Script:
    """The tree of a script.

    Raises:
        ShellError: no shell would read it.
    """
    parser = _Parser(text)
    script = parser.script(frozenset())
    if parser.token is not None:
        raise ShellError(f"unexpected {parser.token}")
    return script


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self.lexer = Lexer(text)
        self.depth = 0
        self.token: Token | None = self.lexer.token()

    def next(self) -> Token | None:
        token, self.token = self.token, self.lexer.token()
        return token

    def at_operator(self, *texts: str) -> bool:
        return isinstance(self.token, Operator) and self.token.text in texts

    def at_word(self, *texts: str) -> bool:
        return isinstance(self.token, Word) and self.token.bare in texts

    def expect(self, text: str) -> None:
        if not (self.at_word(text) or self.at_operator(text)):
            raise ShellError(f"{text!r} is missing")
        self.next()

    def skip_lines(self) -> None:
        while self.at_operator("\n"):
            self.next()

    def script(self, ends: frozenset[str]) -> Script:
        """Chains up to a reserved word, or an operator that begins none."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ShellError("commands are nested too deeply")
        chains: list[Chain] = []
        while True:
            self.skip_lines()
            if (
                self.token is None
                or self.at_word(*ends)
                or self.at_operator(")", ";;", ";&", ";;&")
            ):
                break
            chains.append(self.chain())
        self.depth -= 1
        return Script(tuple(chains))

    def chain(self) -> Chain:
        pipelines = [("", self.pipeline())]
        while self.at_operator("&&", "||"):
            joint = self._operator()
            self.skip_lines()
            pipelines.append((joint, self.pipeline()))
        background = self.at_operator("&")
        if self.at_operator("&", ";", "\n"):
            self.next()
        elif self.token is not None and not self.at_operator(")", ";;", ";&", ";;&"):
            raise ShellError(f"unexpected {self.token}")
        return Chain(tuple(pipelines), background)

    def _operator(self) -> str:
        token = self.next()
        return token.text if isinstance(token, Operator) else ""

    def pipeline(self) -> Pipeline:
        negated = False
        while self.at_word("!"):
            self.next()
            negated = not negated
        parts = [self.command()]
        while self.at_operator("|"):
            self.next()
            if self.at_operator("&"):  # ``|&``
                self.next()
            self.skip_lines()
            parts.append(self.command())
        return Pipeline(tuple(parts), negated)

    def command(self) -> Node:
        node = self.compound()
        if node is None:
            return self.simple()
        while isinstance(self.token, Operator) and self.token.text in _REDIRECTIONS:
            self.redirection("")
        return node

    def compound(self) -> Node | None:
        if self.at_operator("("):
            self.next()
            body = self.script(frozenset())
            self.expect(")")
            return Group(body, subshell=True)
        readers = {
            "{": self.group, "if": self.choice, "case": self.case, "for": self.loop,
            "select": self.loop, "while": self.while_loop, "until": self.while_loop,
            "function": self.function, "[[": self.test,
        }  # fmt: skip
        reader = readers.get(self.token.bare or "") if isinstance(self.token, Word) else None
        if reader is None:
            return None
        self.next()
        return reader()

    def group(self) -> Node:
        body = self.script(frozenset({"}"}))
        self.expect("}")
        return Group(body, subshell=False)

    def choice(self) -> Node:
        branches: list[tuple[Script, Script]] = []
        while True:
            condition = self.script(frozenset({"then"}))
            self.expect("then")
            branches.append((condition, self.script(frozenset({"elif", "else", "fi"}))))
            if not self.at_word("elif"):
                break
            self.next()
        if self.at_word("else"):
            self.next()
            branches.append((Script(), self.script(frozenset({"fi"}))))
        self.expect("fi")
        return Choice(tuple(branches))

    def case(self) -> Node:
        subject = self._next_word()
        self.skip_lines()
        self.expect("in")
        self.skip_lines()
        branches: list[tuple[tuple[Word, ...], Script]] = []
        while not self.at_word("esac"):
            if self.at_operator("("):
                self.next()
            patterns = [self._next_word()]
            while self.at_operator("|"):
                self.next()
                patterns.append(self._next_word())
            self.expect(")")
            branches.append((tuple(patterns), self.script(frozenset({"esac"}))))
            if self.at_operator(";;"):
                self.next()
            elif not self.at_word("esac"):
                raise ShellError("esac is missing")
            self.skip_lines()
        self.expect("esac")
        return Case(subject, tuple(branches))

    def _next_word(self) -> Word:
        token = self.next()
        if not isinstance(token, Word):
            raise ShellError("a word is missing")
        return token

    def loop(self) -> Node:
        name = self._next_word().bare or ""
        self.skip_lines()
        words: list[Word] = []
        given = self.at_word("in")
        if given:
            self.next()
            while isinstance(self.token, Word):
                words.append(self._next_word())
        while self.at_operator(";", "\n"):
            self.next()
        return Loop(self._body(), name, tuple(words) if given else None)

    def while_loop(self) -> Node:
        condition = self.script(frozenset({"do"}))
        body = self._body()
        return Loop(Script((*condition.chains, *body.chains)))

    def _body(self) -> Script:
        self.expect("do")
        body = self.script(frozenset({"done"}))
        self.expect("done")
        return body

    def function(self) -> Node:
        name = self._next_word().bare or ""
        if self.at_operator("("):
            self.next()
            self.expect(")")
        return self.function_body(name)

    def function_body(self, name: str) -> Node:
        self.skip_lines()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ShellError("functions are nested too deeply")
        body = self.command()
        self.depth -= 1
        return Function(name, body)

    def test(self) -> Node:
        """``[[ … ]]``, whose operators are its own."""
        while not self.at_word("]]"):
            if self.token is None:
                raise ShellError("]] is missing")
            self.next()
        self.next()
        return Command((Word((Unknown(),)),))

    def simple(self) -> Node:
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            if isinstance(self.token, Word):
                word, end = self._next_word_with_end()
                touches = isinstance(self.token, Operator) and self.token.text in _REDIRECTIONS
                if touches and end and (word.bare or "").isdigit():
                    redirections.append(self.redirection(word.bare or ""))
                else:
                    words.append(word)
            elif isinstance(self.token, Operator) and self.token.text in _REDIRECTIONS:
                redirections.append(self.redirection(""))
            elif self.at_operator("(") and len(words) == 1 and words[0].bare:
                self.next()
                self.expect(")")
                return self.function_body(words[0].bare)
            else:
                break
        if not words and not redirections:
            raise ShellError(f"a command is missing before {self.token}")
        return Command(tuple(words), tuple(redirections), self.lexer.heres)

    def _next_word_with_end(self) -> tuple[Word, bool]:
        """The next word, and whether what follows touches it (``2>``, not ``2 >``)."""
        # The token ahead was read last: where it is one of redirection, it ends here.
        word = self._next_word()
        ahead = self.token
        if not isinstance(ahead, Operator):
            return word, False
        before = self.lexer.at - len(ahead.text) - 1
        return word, before >= 0 and self.lexer.text[before] not in " \t"

    def redirection(self, descriptor: str) -> Redirection:
        operator = self._operator()
        if operator in ("<<", "<<-"):
            # The name is still the token ahead: its line's end is not read yet.
            if not isinstance(self.token, Word):
                raise ShellError("a here-document has no name")
            number = self.lexer.await_here(self.token, tabs=operator == "<<-")
            return Redirection(operator, self._next_word(), descriptor, number)
        return Redirection(operator, self._next_word(), descriptor)
