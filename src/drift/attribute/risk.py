"""What a reader should look at whatever the cause: marks on causes, as single words.

Only what came or changed is marked, never what went; a difference in form alone (origin
``nondeterminism``) is not, but for the bits of a mode and capabilities, which no form hides.
What could not be read is not silent: ``accounts-unknown``, ``symbols-unknown``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum

from drift.attribute.model import Attribution, Cause, Origin
from drift.compare.model import Comparison, ConfigChange, FileChange
from drift.snapshot.model import Entry, EntryType


class Risk(StrEnum):
    """The words, in the order in which they are shown."""

    SETUID = "setuid"  # an executable file runs as its owner now, or as another owner
    SETGID = "setgid"
    CAPABILITIES = "capabilities"  # of a file: appeared, or are others
    USER = "user"  # a new account, another id or password field; USER of the image changed
    GROUP = "group"  # a new group, another id, a new member
    SHELL = "shell"  # an account may log in that could not; a new entry of /etc/shells
    ACCOUNTS_UNKNOWN = "accounts-unknown"  # passwd, group or shells changed, unreadable to us
    SUDO = "sudo"  # sudoers, doas
    PAM = "pam"
    PRELOAD = "preload"  # /etc/ld.so.preload
    AUTHORIZED_KEYS = "authorized-keys"
    CA_CERTIFICATE = "ca-certificate"
    CRON = "cron"
    SYSTEMD = "systemd"  # a unit, or a drop-in of one
    INIT = "init"
    ENTRYPOINT = "entrypoint"
    COMMAND = "command"
    ENVIRONMENT = "environment"
    PORTS = "ports"  # another exposed port
    LOST_SYMBOLS = "lost-symbols"  # a shared library that exports less than before
    SYMBOLS_UNKNOWN = "symbols-unknown"  # one side's exports are known, the other's are not


_ORDER = {risk: rank for rank, risk in enumerate(Risk)}
_OF_MODE = frozenset({Risk.SETUID, Risk.SETGID, Risk.CAPABILITIES})
_SETUID, _SETGID, _EXECUTABLE = 0o4000, 0o2000, 0o111
_CONFIGURED = {
    "Entrypoint": Risk.ENTRYPOINT,
    "Cmd": Risk.COMMAND,
    "Env": Risk.ENVIRONMENT,
    "User": Risk.USER,
    "ExposedPorts": Risk.PORTS,
}


def mark(
    attribution: Attribution, comparison: Comparison, found: Mapping[str, Iterable[Risk]]
) -> Attribution:
    """The attribution with each cause's risks: those ``found`` on its paths, and its settings'."""
    of_cause: dict[str, set[Risk]] = defaultdict(set)
    for path, words in found.items():
        if path in attribution.paths:
            of_cause[attribution.paths[path]].update(words)
    for change in comparison.config:
        word = config_risk(change)
        if word is not None and change.field in attribution.config:
            of_cause[attribution.config[change.field]].add(word)
    causes = (replace(cause, risk=_kept(cause, of_cause[cause.id])) for cause in attribution.causes)
    return replace(attribution, causes=tuple(causes))


def _kept(cause: Cause, words: set[Risk]) -> tuple[str, ...]:
    kept = words & _OF_MODE if cause.origin is Origin.NONDETERMINISM else words
    shown = (word.value for word in sorted(kept, key=_ORDER.__getitem__))
    return tuple(dict.fromkeys((*cause.risk, *shown)))


def config_risk(change: ConfigChange) -> Risk | None:
    """The risk of a setting of the image that differs.

    A port that is closed is none. Everything else is, gone or not: without its USER an image
    runs as root, without its ENTRYPOINT something else.
    """
    risk = _CONFIGURED.get(change.field.partition(".")[0])
    return None if risk is Risk.PORTS and change.after is None else risk


def mode_risks(change: FileChange) -> Iterator[Risk]:
    """Privileges that a file gives to whoever runs it, and did not give before."""
    before, after = change.before, change.after
    if after is None:
        return
    if _runs_as(after, _SETUID) and not (
        _runs_as(before, _SETUID) and before and before.uid == after.uid
    ):
        yield Risk.SETUID
    if _runs_as(after, _SETGID) and not (
        _runs_as(before, _SETGID) and before and before.gid == after.gid
    ):
        yield Risk.SETGID
    capabilities = _capabilities(after)
    if capabilities is not None and capabilities != _capabilities(before):
        yield Risk.CAPABILITIES


def _runs_as(entry: Entry | None, bit: int) -> bool:
    """Whether a regular file is executable, and runs as its owner or group."""
    if entry is None or entry.type is not EntryType.FILE:
        return False
    return bool(entry.mode & bit and entry.mode & _EXECUTABLE)


def _capabilities(entry: Entry | None) -> str | None:
    return dict(entry.xattrs).get("security.capability") if entry else None
