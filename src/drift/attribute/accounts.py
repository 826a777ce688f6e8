"""Accounts that came or changed: passwd(5), group(5), shells(5).

The files are an image's, and may hold anything: a line that is not an account's is one of an
account with fewer fields, a name that stands twice has the fields of both lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from drift.attribute.risk import Risk

_NO_LOGIN = (b"nologin", b"false", b"true", b"sync", b"halt", b"shutdown")
_Accounts = Mapping[bytes, list[list[bytes]]]


def account_risks(path: str, before: bytes, after: bytes) -> Iterator[Risk]:
    """The risks in what such a file holds now and did not hold before; each may come twice."""
    yield from ACCOUNT_FILES[path](before, after)


def _passwd(before: bytes, after: bytes) -> Iterator[Risk]:
    known = _accounts(before)
    for name, lines in _accounts(after).items():
        old = known.get(name, [])
        # name, password, user ID, group ID; a comment or a home is no risk
        if {_fields(line, 4) for line in lines} - {_fields(line, 4) for line in old}:
            yield Risk.USER
        shells = {_shell(line) for line in lines} - {_shell(line) for line in old}
        if any(_logs_in(shell) for shell in shells):
            yield Risk.SHELL


def _group(before: bytes, after: bytes) -> Iterator[Risk]:
    known = _accounts(before)
    for name, lines in _accounts(after).items():
        old = known.get(name, [])
        # name, password, group ID
        fields = {_fields(line, 3) for line in lines} - {_fields(line, 3) for line in old}
        if fields or _members(lines) - _members(old):
            yield Risk.GROUP


def _shells(before: bytes, after: bytes) -> Iterator[Risk]:
    if set(_lines(after)) - set(_lines(before)):
        yield Risk.SHELL


ACCOUNT_FILES: Mapping[str, Callable[[bytes, bytes], Iterator[Risk]]] = {
    "/etc/passwd": _passwd,
    "/etc/group": _group,
    "/etc/shells": _shells,
}


def _lines(content: bytes) -> Iterator[bytes]:
    for line in content.split(b"\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            yield stripped


def _accounts(content: bytes) -> _Accounts:
    found: dict[bytes, list[list[bytes]]] = defaultdict(list)
    for line in _lines(content):
        fields = line.split(b":")
        found[fields[0]].append(fields)
    return found


def _fields(line: list[bytes], count: int) -> tuple[bytes, ...]:
    return tuple(line[:count])


def _shell(line: list[bytes]) -> bytes:
    """The login shell; /bin/sh where the field is empty (passwd(5))."""
    return (line[6] if len(line) > 6 else b"") or b"/bin/sh"


def _logs_in(shell: bytes) -> bool:
    return shell.rpartition(b"/")[2] not in _NO_LOGIN


def _members(lines: list[list[bytes]]) -> set[bytes]:
    return {name for line in lines if len(line) > 3 for name in line[3].split(b",") if name}
