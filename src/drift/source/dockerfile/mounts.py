"""``RUN --mount``: what is mounted from where, and which secrets a build must be given.

Specification: the Dockerfile reference, "RUN --mount", and moby/buildkit
``frontend/dockerfile/instructions/commands_runmount.go``.
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drift.source.dockerfile.model import DockerfileError, Statement

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class RunMount:
    """One ``--mount``: its type, ``from`` (here ``source``), and its fields as written."""

    type: str
    source: str
    fields: Mapping[str, str]

    @property
    def secret_id(self) -> str:
        """The id that the build must give, as BuildKit derives it."""
        named = self.fields.get("source") or self.fields.get("id", "")
        if self.type == "ssh":
            return named or "default"
        return named or posixpath.basename(self.fields.get("target", "").rstrip("/"))


def run_mounts(
    statement: Statement, expand: Callable[[str], str] = lambda text: text
) -> Iterator[RunMount]:
    """The mounts of a RUN instruction; ``expand`` substitutes in all values but ``from``.

    Raises:
        DockerfileError: a mount that cannot be read.
    """
    if statement.keyword != "RUN":
        return
    for value in statement.flag_values("mount"):
        yield run_mount(value, statement.line, expand)


def run_mount(
    value: str, line: int = 0, expand: Callable[[str], str] = lambda text: text
) -> RunMount:
    """One mount by the value of its flag; see :func:`run_mounts`."""
    fields = _fields(value, line)
    named = {name: text if name == "from" else expand(text) for name, text in fields.items()}
    return RunMount(named.get("type", "bind").lower(), named.get("from", ""), named)


def is_required(mount: RunMount, line: int) -> bool:
    """Whether a secret or ssh mount says ``required``."""
    text = mount.fields.get("required", "false")
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise DockerfileError(f"invalid value for required: {text!r}", line=line)


_SPELLINGS = {"src": "source", "dst": "target", "destination": "target"}


def _fields(value: str, line: int) -> dict[str, str]:
    try:
        rows = list(csv.reader([value], strict=True))
    except csv.Error as error:
        raise DockerfileError(f"--mount={value[:80]}: {error}", line=line) from error
    if len(rows) != 1:
        raise DockerfileError("--mount needs a value", line=line)
    fields: dict[str, str] = {}
    for part in rows[0]:
        name, equals, text = part.partition("=")
        key = _SPELLINGS.get(name.lower(), name.lower())
        fields[key] = text if equals else "true"
    return fields
