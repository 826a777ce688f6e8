"""The values that a Dockerfile is made of.

Lines are 1-based. Text is decoded as UTF-8 with undecodable bytes kept as surrogates.
Specification: the Dockerfile reference, and moby/buildkit ``frontend/dockerfile/parser``
where the reference is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

from drift.errors import SourceError


class DockerfileError(SourceError):
    """A Dockerfile that no builder would accept. ``line`` is where."""

    def __init__(self, message: str, *, line: int, hint: str | None = None) -> None:
        super().__init__(f"Dockerfile line {line}: {message}", hint=hint)
        self.reason = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: its name, its body with line ends as written.

    ``expand`` is false where the name was quoted; ``chomp`` is true for ``<<-``, which
    strips leading tabs when the body is used (the body here still has them).
    """

    name: str
    content: str
    expand: bool = True
    chomp: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One instruction as written, before any substitution.

    ``keyword`` is upper case. ``flags`` are the leading ``--name[=value]`` in order, with
    quotes taken off. ``value`` is the rest: of continued lines one line, without comments.
    ``text`` is the whole instruction as one logical line, for people. ``end_line`` includes
    the here-documents, whose bodies stand in ``heredocs``.
    """

    keyword: str
    value: str
    line: int
    end_line: int
    text: str
    flags: tuple[tuple[str, str | None], ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Statement | None = None  # of ONBUILD

    def flag(self, name: str) -> str | None:
        """The last value given to a flag; ``""`` where it stands without one; else None."""
        values = [value or "" for key, value in self.flags if key == name]
        return values[-1] if values else None

    def flag_values(self, name: str) -> tuple[str, ...]:
        """All values of a flag that may be repeated."""
        return tuple(value or "" for key, value in self.flags if key == name)


@dataclass(frozen=True, slots=True)
class Stage:
    """A build stage: ``base`` and ``platform`` as written; ``name`` is lower case, or None.

    ``instructions`` come after the FROM.
    """

    name: str | None
    index: int
    base: str
    platform: str | None
    line: int
    text: str
    instructions: tuple[Statement, ...] = ()

    @property
    def label(self) -> str:
        """The name, else the number: what roles and reports call the stage."""
        return self.name or str(self.index)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A parsed Dockerfile; it has at least one stage.

    ``global_args`` are the ARGs before the first FROM. ``syntax`` is the frontend's
    reference, from ``# syntax=``, on ``syntax_line``. ``instructions`` are all of the file.
    """

    stages: tuple[Stage, ...]
    global_args: tuple[Statement, ...]
    syntax: str | None
    escape: str
    instructions: tuple[Statement, ...]
    syntax_line: int = 1

    def stage(self, target: str | None) -> Stage:
        """The stage that a build of ``target`` ends in: by name in any case, or by number.

        Without a target the last. Raises :class:`DockerfileError` where there is none such.
        """
        if target is None or target == "":
            return self.stages[-1]
        for stage in reversed(self.stages):
            if stage.name == target.lower():
                return stage
        if target.isascii() and target.isdigit() and len(target) < 6:
            for stage in self.stages[int(target) : int(target) + 1]:
                return stage
        names = ", ".join(stage.label for stage in self.stages)
        raise DockerfileError(
            f"there is no stage {target!r} to build",
            line=self.stages[-1].line,
            hint=f"set target to one of: {names}",
        )


@dataclass(frozen=True, slots=True)
class BaseReference:
    """An image that a build may need, as the Dockerfile has it after substitution.

    ``platform`` is what ``FROM --platform`` says after substitution, None for the build's
    target platform. ``roles``: ``stage:NAME``, ``copy:NAME``, ``mount:NAME`` (NAME is the
    stage that uses it) and ``frontend``. ``line`` is the first use.
    """

    reference: str
    roles: tuple[str, ...]
    line: int
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """A secret or SSH agent that a RUN mounts.

    ``kind`` is ``secret`` or ``ssh``. A mount that is not ``required`` is left out in
    silence where the build does not give it; a required one fails the build.
    """

    kind: str
    id: str
    required: bool
    line: int
