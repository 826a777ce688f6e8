"""Why a build failed, from what was said: the builder's error and the failing step's output.

The kinds decide between ``broken`` (the image's own build is at fault) and ``unknown`` (the
network, the engine or the machine was); so each pattern is a phrase that a tool prints for
one cause alone, and what no pattern knows is the step's own failure. HTTP 404 is nobody's
outage: what was there is gone, and the build is broken. Outages come first: a package "not
found" after an index that could not be fetched is the network's fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from drift.builds import Failure, FailureKind, Reason
from drift.engine.outages import NETWORK, RESOURCES, Table, any_of, reason_in
from drift.engine.reading import Reading, read
from drift.engine.transcript import TAIL

_LONGEST_MESSAGE = 500


_ENGINE = any_of(
    r"broken pipe.*containerd|containerd.*(?:not running|connection refused)",
    r"grpc: the (?:client )?connection is closing",
    r"transport is closing",
    r"error while dialing",
    r"http://build-context-",
    r"network bridge not found",
    r"(?:oci|shim) .*create failed|failed to create (?:shim|task)",
    r"failed to (?:mount|register layer|get layer)",
    r"input/output error|read-only file system.*(?:docker|buildkit|containerd)",
    r"session (?:has been )?(?:healthcheck failed|closed)",
    r"panic: runtime error",
    r"server (?:is )?shutting down",
)
_SOURCE = any_of(
    r"manifest (?:for (?P<manifest>\S+) )?(?:unknown|not found)",
    r"manifest unknown",
    r"(?P<image>(?:docker\.io|[\w.-]+(?::\d+)?)/\S+): not found",
    r"repository (?:name )?\S* ?(?:not known to registry|does not exist)",
    r"name unknown",
    r"no match for platform in manifest|no matching manifest for",
    r"no such image",
    r"image with reference (?P<reference>\S+) was found but (?:does not match|its platform)",
)
_INPUT = any_of(
    r"secret \S+: not found|secret \S+ not found|\S+: secret not found",
    r"no active sessions?\b",
    r"unset ssh (?:forward )?key",
    r"no ssh key \S+ forwarded",
    r"could not find ssh (?:agent|key)",
    r"the --mount option requires BuildKit",
)
_DOCKERFILE = any_of(
    r"dockerfile parse error",
    r"unknown instruction",
    r"failed to (?:read|parse) dockerfile",
    r"cannot locate specified dockerfile",
    r"target stage \S+ could not be found|failed to reach build target",
)
# The command is the Dockerfile's: that it speaks of an error does not make it one.
_COMMAND = re.compile(
    r"(?<=The command ').*(?=' returned)"
    r"|(?<=executor failed running \[).*(?=\]: )"
    r'|(?<=building at STEP ").*(?=": )'
    r"|(?<=process \").*(?=\" did not complete)",
    re.DOTALL,
)


def failure(
    message: str, printed: Sequence[str] = (), tail: Sequence[str] | None = None
) -> Failure:
    """The failure that a builder's error and the failing step's output amount to.

    ``printed`` is what the failing step printed; ``tail`` what is shown of the log, where
    that is not the same.
    """
    shown = printed if tail is None else tail
    kind, reading = _judged(message, printed)
    return Failure(
        kind,
        one_line(message),
        tail=tuple(shown[-TAIL:]),
        reason=reading.reason if reading else None,
        subject=reading.subject if reading else None,
        line=_shown(reading.line) if reading else None,
    )


def classify(message: str, printed: Sequence[str] = ()) -> FailureKind:
    """The kind of a failure. Without output it is the builder's own: of a base, a mount, itself."""
    return _judged(message, printed)[0]


def _judged(message: str, printed: Sequence[str]) -> tuple[FailureKind, Reading | None]:
    message = _COMMAND.sub("", message)
    if _DOCKERFILE.search(message):
        return FailureKind.STEP, None
    if _INPUT.search(message):
        return FailureKind.INPUT, None
    lines = (message, *printed)
    if full := _outage(RESOURCES, lines):
        return FailureKind.RESOURCES, full
    if _ENGINE.search(message):
        return FailureKind.ENGINE, None
    if outage := _outage(NETWORK, lines):
        return FailureKind.NETWORK, outage
    if gone := _SOURCE.search(message):
        return FailureKind.SOURCE, Reading(Reason.BASE_GONE, message, _reference(gone))
    return FailureKind.STEP, read(lines)


def _outage(table: Table, lines: Iterable[str]) -> Reading | None:
    found = ((reason_in(table, line), line) for line in lines)
    return next((Reading(reason, line.strip()) for reason, line in found if reason), None)


def _reference(gone: re.Match[str]) -> str | None:
    """The image reference that a registry's answer names."""
    return next((text for text in gone.groupdict().values() if text), None)


def _shown(line: str) -> str:
    """A line of a log on one line; cut between words, so that no secret's half is left."""
    words = " ".join(line.split())
    return (
        words
        if len(words) <= _LONGEST_MESSAGE
        else f"{words[:_LONGEST_MESSAGE].rpartition(' ')[0]} …"
    )


def one_line(message: str) -> str:
    """A message without line breaks, of a length that fits a table."""
    line = " ".join(message.split()) or "the builder gave no reason"
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"
