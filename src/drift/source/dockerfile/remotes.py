"""The literal remote sources of a Dockerfile: what it fetches from addresses that it spells out.

``ADD`` of URLs and git repositories; ``curl``, ``wget``, ``git`` and git URLs of installers in
``RUN``; the indexes that ``pip`` and ``npm`` ask for names. What cannot be read literally (the
output of a command, a variable that is not known) is left out, never guessed. Specification:
the Dockerfile reference, "ADD" and "RUN", and moby/buildkit ``frontend/dockerfile/dockerfile2llb``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drift.source.dockerfile import arguments, heredocs
from drift.source.dockerfile.addresses import file_name, fragment_of, git_address, web_address
from drift.source.dockerfile.fetches import fetches
from drift.source.dockerfile.indexes import VARIABLES, asked
from drift.source.dockerfile.links import reachable
from drift.source.dockerfile.model import Dockerfile, DockerfileError, Heredoc, Statement
from drift.source.dockerfile.repositories import clones
from drift.source.dockerfile.scope import StageScope, global_scope, platform_args
from drift.source.dockerfile.stages import Build, ResolvedStage, chain, resolve
from drift.source.dockerfile.words import Lexer
from drift.source.model import Remote, RemoteKind
from drift.source.shell import SHELLS, Environment, Invocation, invocations

_GIT_URL = re.compile(r"https?://[^?#]+\.git(?:/?#.*)?|git://.*|ssh://.*|[\w.-]+@[\w.-]+:.*")
_LEADING_TABS = re.compile(r"(?m)^\t+")


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """What an external base sets for the stages that stand on it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"


SCRATCH = BaseSettings()


def remotes(
    dockerfile: Dockerfile,
    build: Build,
    *,
    bases: Mapping[str, BaseSettings] | None = None,
    hidden: Callable[[str], bool] | None = None,
) -> tuple[Remote, ...]:
    """The literal remote sources of the stages that a build needs, in the order of the file.

    ``bases`` gives what external bases set, by the reference that the Dockerfile has for them:
    on one that is not given, no variable is surely unset. A source whose address ``hidden``
    says must not be shown is left out. No address holds credentials. A file that no builder
    would accept has none. Never raises.
    """
    found: dict[Remote, None] = {}
    try:
        resolved = resolve(dockerfile, build)
        needed = reachable(dockerfile, resolved, build)
    except DockerfileError:
        return ()
    known = {"scratch": SCRATCH, **(bases or {})}
    for built in needed:
        for remote in _Stage(dockerfile, resolved, built, build, known).remotes():
            if hidden is None or not (hidden(remote.url) or hidden(remote.ref or "")):
                found.setdefault(_without_hidden_target(remote, hidden))
    return tuple(found)


def _without_hidden_target(remote: Remote, hidden: Callable[[str], bool] | None) -> Remote:
    if hidden is None or remote.target is None or not hidden(remote.target):
        return remote
    return replace(remote, target=None)


class _Stage:
    """One stage read from top to bottom, after those that it stands on."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        resolved: Sequence[ResolvedStage],
        built: ResolvedStage,
        build: Build,
        bases: Mapping[str, BaseSettings],
    ) -> None:
        self.built, self.builder = built, build.builder
        links = chain(resolved, built.stage.index)
        self.base = bases.get(links[0].base)
        automatic = platform_args(build.platform, build.native or build.platform)
        given = {} if build.builder == "classic" else automatic
        self.scope = StageScope(
            dockerfile.escape,
            build.args,
            global_scope(dockerfile, build.args, given),
            _env=dict(self.base.environment if self.base else {}),
        )
        self.unknown: set[str] = set()  # variables made of what the base may set
        self.directory = self.base.directory or "/" if self.base else None
        self.shell_is_known = True
        for link in links[:-1]:
            for statement in link.statements:
                self._take_in(statement)

    def remotes(self) -> Iterator[Remote]:
        for statement in self.built.statements:
            try:
                if statement.keyword == "ADD":
                    yield from self._added(statement)
                elif statement.keyword == "RUN":
                    yield from self._run(statement)
                self._take_in(statement)
            except (DockerfileError, ValueError):
                continue  # the builder will say so

    def _take_in(self, statement: Statement) -> None:
        for name, value in self._declared(statement):
            change = self.unknown.add if self._expanded(value) is None else self.unknown.discard
            change(name)
        self.scope.read([statement])
        if statement.keyword == "WORKDIR":
            self.directory = self._path(self._expanded(statement.value) or "")
        elif statement.keyword == "SHELL":
            form = arguments.json_form(statement.value) or [""]
            self.shell_is_known = form[0] in SHELLS

    def _declared(self, statement: Statement) -> list[tuple[str, str]]:
        """The variables that an instruction sets, with their values before substitution."""
        if statement.keyword == "ENV":
            return arguments.environment(statement.value, self.scope.escape)
        if statement.keyword != "ARG":
            return []
        pairs = arguments.assignments(statement.value, self.scope.escape)
        return [(name, "" if name in self.scope.args else value or "") for name, value in pairs]

    @property
    def _variables(self) -> dict[str, str]:
        known = self.scope.variables.items()
        return {name: value for name, value in known if name not in self.unknown}

    def _expanded(self, text: str) -> str | None:
        """A word as the builder substitutes it; None where that takes a variable not known."""
        lexer = Lexer(self.scope.escape)
        value = lexer.expand(text, self._variables)
        if self.base is not None:
            return value
        return (
            value
            if replace(lexer, keep_unset=True).expand(text, self._variables) == value
            else None
        )

    def _path(self, path: str) -> str | None:
        if path.startswith("/"):
            return posixpath.normpath(path)
        if not path or self.directory is None:
            return None
        return posixpath.normpath(posixpath.join(self.directory, path))

    def _remote(
        self, kind: RemoteKind, statement: Statement, url: str, **more: str | None
    ) -> Remote:
        return Remote(kind, url, self.built.stage.label, statement.line, **more)

    def _added(self, statement: Statement) -> Iterator[Remote]:
        *sources, last = arguments.words(statement.value)
        destination = self._expanded(last)
        for word in sources:
            source = self._expanded(word)
            if source is None or heredocs.opening(word) is not None:
                continue
            if self.builder != "classic" and _GIT_URL.fullmatch(source):
                yield from self._added_repository(statement, source, destination)
            elif (url := web_address(source)) is not None:
                target = self._destination(destination, file_name(url))
                yield self._remote(RemoteKind.ADD, statement, url, target=target)

    def _added_repository(
        self, statement: Statement, source: str, destination: str | None
    ) -> Iterator[Remote]:
        address, _, _ = source.partition("#")
        url = git_address(address.rstrip("/") if address.endswith(".git/") else address)
        if url is not None:
            ref = fragment_of(source).partition(":")[0] or None
            target = self._path(destination) if destination else None
            yield self._remote(RemoteKind.GIT, statement, url, ref=ref, target=target)

    def _destination(self, destination: str | None, name: str) -> str | None:
        if destination is None:
            return None
        if not destination.endswith("/") and destination != ".":
            return self._path(destination)
        return self._path(posixpath.join(destination, name)) if name else None

    def _run(self, statement: Statement) -> Iterator[Remote]:
        commands = self._invocations(statement)
        for invocation in commands:
            for fetch in fetches(invocation):
                yield self._remote(RemoteKind.FETCH, statement, fetch.url, target=fetch.target)
        for clone in clones(commands):
            yield self._remote(
                RemoteKind.GIT, statement, clone.url, ref=clone.ref, target=clone.target
            )
        for page in asked(commands, configured=_may_be_configured(statement)):
            yield self._remote(page.kind, statement, page.url, ref=page.name)

    def _invocations(self, statement: Statement) -> tuple[Invocation, ...]:
        environment = Environment(dict(self._variables), self.directory, self.base is not None)
        form = arguments.json_form(statement.value)
        if form is not None:
            return invocations(" ".join(map(_quoted, form)), environment, VARIABLES)
        script = _script(statement) if self.shell_is_known else None
        return invocations(script, environment, VARIABLES) if script else ()


def _may_be_configured(statement: Statement) -> bool:
    """Whether a mount may bring a tool's configuration file."""
    mounts = [value or "" for name, value in statement.flags if name == "mount"]
    return any("type=cache" not in mount and "type=tmpfs" not in mount for mount in mounts)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _script(statement: Statement) -> str | None:
    """What the shell is given; None where something else than a shell reads it."""
    if not statement.heredocs:
        return statement.value
    first = statement.heredocs[0]
    if heredocs.opening(statement.value) is None:
        return statement.value + "".join(
            f"\n{heredoc.content}{heredoc.name}" for heredoc in statement.heredocs
        )
    body = _body(first)
    if not body.startswith("#!"):
        return body
    interpreter = body.partition("\n")[0].removeprefix("#!").split()
    program = interpreter[-1] if interpreter[:1] == ["/usr/bin/env"] else (interpreter or [""])[0]
    return body if program in SHELLS else None


def _body(heredoc: Heredoc) -> str:
    return _LEADING_TABS.sub("", heredoc.content) if heredoc.chomp else heredoc.content
