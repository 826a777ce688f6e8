"""Which variables an instruction sees: global and stage ARGs, ENV, and the predefined ones.

Specification: the Dockerfile reference, "Understand how ARG and FROM interact", "Predefined
ARGs" and "Automatic platform ARGs in the global scope".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drift.oci import Platform
from drift.source.dockerfile import arguments
from drift.source.dockerfile.model import Dockerfile, DockerfileError, Statement
from drift.source.dockerfile.words import Lexer

PLATFORM_ARGS = frozenset(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
PROXY_ARGS = frozenset(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)


def platform_args(target: Platform, build: Platform) -> dict[str, str]:
    """The automatic ARGs that BuildKit gives to FROM lines, and to stages that declare them."""
    return {
        f"{side}{part}": value or ""
        for side, platform in (("BUILD", build), ("TARGET", target))
        for part, value in (
            ("PLATFORM", str(platform)),
            ("OS", platform.os),
            ("ARCH", platform.architecture),
            ("VARIANT", platform.variant),
        )
    }


def expand(text: str, variables: Mapping[str, str], escape: str, line: int) -> str:
    """A word after substitution. Raises :class:`DockerfileError` with the line."""
    try:
        return Lexer(escape).expand(text, variables)
    except ValueError as error:
        raise DockerfileError(f"in {text[:80]!r}: {error}", line=line) from error


def global_scope(
    dockerfile: Dockerfile, args: Mapping[str, str], automatic: Mapping[str, str]
) -> dict[str, str]:
    """What FROM lines see: the automatic ARGs, then those before the first FROM, in order."""
    scope = {name: args.get(name, value) for name, value in automatic.items()}
    for statement in dockerfile.global_args:
        for name, default in arguments.assignments(statement.value, dockerfile.escape):
            if name in args:
                scope[name] = args[name]
            elif default is not None:
                scope[name] = expand(default, scope, dockerfile.escape, statement.line)
    return scope


@dataclass(slots=True)
class StageScope:
    """What the instructions of one stage see; ENV wins over ARG, whichever comes last.

    The ENV of an external base is not known here: its variables count as unset.
    """

    escape: str
    args: Mapping[str, str]
    global_args: Mapping[str, str]
    _args: dict[str, str] = field(default_factory=dict)
    _env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._args.update((k, v) for k, v in self.args.items() if k in PROXY_ARGS)

    @property
    def variables(self) -> dict[str, str]:
        return {**self._args, **self._env}

    def expand(self, text: str, line: int) -> str:
        return expand(text, self.variables, self.escape, line) if "$" in text else text

    def read(self, statements: Iterable[Statement]) -> None:
        """Take in what some instructions declare."""
        for statement in statements:
            if statement.keyword == "ARG":
                self._read_arg(statement)
            elif statement.keyword == "ENV":
                self._read_env(statement)

    def _read_arg(self, statement: Statement) -> None:
        for name, default in arguments.assignments(statement.value, self.escape):
            if name in self.args:
                self._args[name] = self.args[name]
            elif default is not None:
                self._args[name] = expand(default, self.variables, self.escape, statement.line)
            elif name in self.global_args:
                self._args[name] = self.global_args[name]

    def _read_env(self, statement: Statement) -> None:
        try:
            pairs = arguments.environment(statement.value, self.escape)
        except ValueError as error:
            raise DockerfileError(str(error), line=statement.line) from error
        before = self.variables  # one ENV's names do not see each other
        for name, value in pairs:
            self._env[expand(name, before, self.escape, statement.line)] = expand(
                value, before, self.escape, statement.line
            )
