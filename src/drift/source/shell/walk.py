"""The commands of a script in the order of a run, with what is literal in them.

Nothing runs. A variable that is set on some ways through the script only is unknown behind
them; what a subshell or a part of a pipeline sets does not reach the rest. A branch whose
condition is decided by literals (``case``, ``[ a = b ]``) is taken or left out; all others
are walked one by one, as each of them may be the one that runs. A command that nothing
depends on is taken to succeed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

from drift.source.shell import builtins
from drift.source.shell.expand import Environment, fields, text_of
from drift.source.shell.syntax import (
    Case,
    Chain,
    Choice,
    Command,
    Group,
    Loop,
    Node,
    Pipeline,
    Script,
    parse,
)
from drift.source.shell.words import ShellError, Unknown, Word, here_word

MAX_STEPS = 20_000  # commands walked in one script
MAX_DEPTH = 8  # of scripts within scripts
MAX_SCRIPT = 1 << 20  # characters
MAX_LENGTH = 1 << 22  # characters of all words after expansion
MAX_ROUNDS = 64  # of one loop

Fields = tuple[str | None, ...]
Status = bool | None  # how a command ends; None where only a run can tell


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command as it would be run; what is not literal is None.

    ``directory`` is where it runs. ``output`` is the file that its output is redirected to,
    ``piped`` the words of the command that reads it, ``made`` the file that the last command
    of the pipeline writes. ``given`` are those of the environment variables asked for that may
    be set, with None for a value that is not known.
    """

    words: Fields
    directory: str | None = None
    output: str | None = None
    piped: Fields | None = None
    given: Mapping[str, str | None] = field(default_factory=dict)
    made: str | None = None


@dataclass(frozen=True, slots=True)
class _Pipe:
    """What reads a command's output, and the file that is made of it in the end."""

    words: Fields
    made: str | None


Steps = Generator[Invocation, None, Status]


def invocations(
    script: str, environment: Environment, asked: tuple[str, ...] = ()
) -> tuple[Invocation, ...]:
    """The commands of a script; none where no shell would read it, or it is beyond measure.

    ``asked`` are the variables that :attr:`Invocation.given` tells of.
    """
    try:
        return tuple(_Walk(asked).text(script, environment.copy(), 0))
    except (ShellError, RecursionError):
        return ()


class _Walk:
    def __init__(self, asked: tuple[str, ...]) -> None:
        self.asked = asked
        self.steps = self.length = 0
        self.functions: dict[str, Node] = {}

    def text(self, script: str, env: Environment, depth: int) -> Steps:
        if depth > MAX_DEPTH or len(script) > MAX_SCRIPT:
            raise ShellError("scripts are nested too deeply, or too long")
        return (yield from self.script(parse(script), env, depth))

    def script(self, script: Script, env: Environment, depth: int) -> Steps:
        status: Status = True
        for chain in script.chains:
            status = yield from self.chain(chain, env.copy() if chain.background else env, depth)
        return status

    def chain(self, chain: Chain, env: Environment, depth: int) -> Steps:
        status: Status = None
        unsure: Environment | None = None  # what held before something that may not have run
        for joint, pipeline in chain.pipelines:
            if (joint, status) in (("&&", False), ("||", True)):
                continue
            perhaps = bool(joint) and status is None
            before = env.copy() if perhaps else env
            ended = yield from self.pipeline(pipeline, env, depth)
            if perhaps and joint == "||":
                env.merge([before])
            elif perhaps:
                unsure = unsure or before
                status = None if ended else ended
            else:
                status = ended
        if unsure is not None:
            env.merge([unsure])
        return status

    def pipeline(self, pipeline: Pipeline, env: Environment, depth: int) -> Steps:
        *first, last = pipeline.parts
        made = builtins.output(last, env.copy()) if isinstance(last, Command) else None
        for part, reader in zip(first, pipeline.parts[1:], strict=True):
            own = env.copy()
            piped = tuple(self._fields(reader.words, own)) if isinstance(reader, Command) else ()
            yield from self.node(part, own, depth, _Pipe(piped, made))
        status = yield from self.node(last, env.copy() if first else env, depth)
        if status is None:
            return None
        return status is not pipeline.negated

    def node(self, node: Node, env: Environment, depth: int, pipe: _Pipe | None = None) -> Steps:
        if isinstance(node, Command):
            return (yield from self.command(node, env, depth, pipe))
        if isinstance(node, Group):
            return (yield from self.script(node.body, env.copy() if node.subshell else env, depth))
        if isinstance(node, Choice):
            return (yield from self.choice(node, env, depth))
        if isinstance(node, Case):
            return (yield from self.case(node, env, depth))
        if isinstance(node, Loop):
            return (yield from self.loop(node, env, depth))
        self.functions[node.name] = node.body
        return True

    def choice(self, choice: Choice, env: Environment, depth: int) -> Steps:
        ways: list[Environment] = []
        for condition, body in choice.branches:
            status = yield from self.script(condition, env, depth)
            if status is None:
                ways.append(env.copy())
                yield from self.script(body, ways[-1], depth)
            elif status:
                yield from self.script(body, env, depth)
                break
        env.merge(ways)
        return None

    def case(self, case: Case, env: Environment, depth: int) -> Steps:
        subject = text_of(case.subject, env)
        ways: list[Environment] = []
        for patterns, body in case.branches:
            status = _matches(subject, [text_of(pattern, env) for pattern in patterns])
            if status is None:
                ways.append(env.copy())
                yield from self.script(body, ways[-1], depth)
            elif status:
                yield from self.script(body, env, depth)
                break
        env.merge(ways)
        return None

    def loop(self, loop: Loop, env: Environment, depth: int) -> Steps:
        before = env.copy()
        items = self._fields(loop.words or (), env)
        if loop.words is None or None in items or len(items) > MAX_ROUNDS:
            items = [None]
        for item in items:
            if loop.name:
                env.variables[loop.name] = item
            yield from self.script(loop.body, env, depth)
        env.merge([before])
        return None

    def _fields(self, words: Iterable[Word], env: Environment) -> list[str | None]:
        found: list[str | None] = []
        for word in words:
            for value in fields(word, env):
                self.length += len(value or "")
                if self.length > MAX_LENGTH:
                    raise ShellError("the script's words are too long")
                found.append(value)
        return found

    def command(self, command: Command, env: Environment, depth: int, pipe: _Pipe | None) -> Steps:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ShellError("the script takes too many steps")
        yield from self._substitutions(command, env, depth)
        assigned, words = builtins.split(command.words)
        if not words:
            builtins.assign(assigned, env)
            return None if any(_scripts(command)) else True
        inner = env.copy()
        builtins.assign(assigned, inner)
        found = tuple(builtins.unprefixed(self._fields(words, env), inner))
        name = (found[0] or "") if found else ""
        if name in self.functions:
            return (yield from self._call(name, env, depth))
        script = builtins.script_of(found)
        if script is not None:
            yield from self.text(script, env if name == "eval" else inner, depth + 1)
            return None
        if name in builtins.SHELLS and command.here and len(found) == 1:
            yield from self._fed(command, inner, depth)
            return None
        status = builtins.effect(found, env)
        output = builtins.output(command, env)
        piped, made = (pipe.words, pipe.made) if pipe else (None, None)
        given = inner.given(self.asked)
        yield Invocation(found, env.directory, output, piped, given, made)
        return status

    def _call(self, name: str, env: Environment, depth: int) -> Steps:
        if depth >= MAX_DEPTH:
            raise ShellError("functions call each other too deeply")
        return (yield from self.node(self.functions[name], env, depth + 1))

    def _fed(self, command: Command, env: Environment, depth: int) -> Steps:
        """A shell that reads its script from a here-document."""
        here = command.here
        body = "" if here is None else here.body
        if here is not None and here.expand:
            body = text_of(here_word(body), env) or ""
        return (yield from self.text(body, env, depth + 1))

    def _substitutions(self, command: Command, env: Environment, depth: int) -> Steps:
        for script in _scripts(command):
            yield from self.text(script, env.copy(), depth + 1)
        return None


def _scripts(command: Command) -> list[str]:
    words = (*command.words, *(one.target for one in command.redirections))
    return [
        part.script
        for word in words
        for part in word.parts
        if isinstance(part, Unknown) and part.script
    ]


def _matches(subject: str | None, patterns: Iterable[str | None]) -> Status:
    """Whether a pattern of ``case`` matches; ``*`` does, whatever the subject is."""
    status: Status = False
    for pattern in patterns:
        if pattern == "*":
            return True
        if subject is None or pattern is None:
            status = None
        elif fnmatch.fnmatchcase(subject, pattern):
            return True
    return status
