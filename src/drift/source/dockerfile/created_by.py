"""What builders write of an instruction into an image's history.

Classic and podman: ``/bin/sh -c #(nop) COPY file:… in /dest``, ``|1 ARG=x /bin/sh -c make``.
BuildKit: ``COPY a /dest # buildkit``, ``RUN |1 ARG=x /bin/sh -c make # buildkit``, and the
keyword first for all others. Measured on dockerd 20.10 with both of its builders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from drift.oci import HistoryEntry
from drift.source.dockerfile import arguments, heredocs
from drift.source.dockerfile.arguments import single_spaced
from drift.source.dockerfile.model import Heredoc, Statement

# fmt: off
KEYWORDS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})
# fmt: on
_NOP = "#(nop)"
_PLAIN = re.compile(r"[\w./+:@-]+")
_LEADING_TABS = re.compile(r"(?m)^\t+")


@dataclass(frozen=True, slots=True)
class Step:
    """An entry's keyword and the rest of it, spaces made single."""

    keyword: str
    text: str


def read(entry: HistoryEntry) -> Step:
    """An entry's step; what carries no keyword is a RUN, as the classic builder has it."""
    text = single_spaced(entry.created_by)
    before, nop, rest = text.partition(_NOP)
    # A shell's own option stands right before the mark; a command may hold it anywhere.
    if nop and before.split()[-1:] and before.split()[-1][0] in "-/":
        text = rest.strip()
    keyword, _, rest = text.partition(" ")
    if keyword not in KEYWORDS:
        return Step("RUN", text)
    return Step(keyword, rest.removesuffix("# buildkit").rstrip())


def agrees(step: Step, statement: Statement) -> bool:
    """Whether an instruction can have made a step: keyword, and what of the text is sure."""
    if step.keyword != statement.keyword:
        return False
    if statement.keyword == "RUN":
        return any(_ends_with(step.text, command) for command in commands(statement))
    if statement.keyword in ("COPY", "ADD"):
        return _same_end(step.text, arguments.words(statement.value)[-1])
    if statement.keyword == "WORKDIR":
        return _same_end(step.text, statement.value)
    return True


def commands(statement: Statement) -> Iterator[str]:
    """The command of a RUN as a builder may hand it to the shell, spaces made single."""
    form = arguments.json_form(statement.value)
    if form is not None:
        yield single_spaced(" ".join(form))
        return
    if not statement.heredocs:
        yield single_spaced(statement.value)
        return
    first = statement.heredocs[0]
    if heredocs.opening(statement.value) is not None:
        yield f"/dev/pipes/{first.name}" if first.content.startswith("#!") else _body(first)
        return
    bodies = (f"\n{heredoc.content}{heredoc.name}" for heredoc in statement.heredocs)
    yield single_spaced(statement.value + "".join(bodies))


def _body(heredoc: Heredoc) -> str:
    content = _LEADING_TABS.sub("", heredoc.content) if heredoc.chomp else heredoc.content
    return single_spaced(content)


def _ends_with(text: str, command: str) -> bool:
    return bool(command) and (text == command or text.endswith(f" {command}"))


def _same_end(text: str, path: str) -> bool:
    """Whether a text ends in an absolute path; where substitution blurs it, it may."""
    if not path.startswith("/") or _PLAIN.fullmatch(path) is None:
        return True
    written = posixpath.normpath(text.rsplit(" ", 1)[-1]) if text else ""
    return written == posixpath.normpath(path)
