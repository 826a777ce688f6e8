"""Shared libraries that export less than before.

A library that was updated often has another name: ``libcurl.so.4.8.0`` becomes
``libcurl.so.4.8.1``. What has one directory, name and ABI version (``libcurl.so.4``) is one
library. Its exports are known in layers above the base only; where one side's are and the
other's are not, that is said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from drift.attribute.risk import Risk
from drift.compare.model import FileChange
from drift.snapshot.model import EntryType

Exports = Callable[[FileChange, bool], frozenset[str] | None]

_LIBRARY = re.compile(r"(?P<library>.*/[^/]+\.so(?:\.\d+)?)(?:\.[\w.]+)?")


def symbol_risks(
    changes: Iterable[FileChange], exports: Exports
) -> Iterator[tuple[FileChange, Risk]]:
    """The libraries that lost exported symbols, by the change that has the candidate's side.

    ``exports`` gives what the baseline's side (True) or the candidate's exports, None where
    that is not known.
    """
    versions: dict[str, list[FileChange]] = defaultdict(list)
    for change in changes:
        if match := _LIBRARY.fullmatch(change.path):
            versions[match["library"]].append(change)
    for group in versions.values():
        for change, olds in _successors(group):
            if risk := _compared(change, olds, exports):
                yield change, risk


def _successors(group: list[FileChange]) -> Iterator[tuple[FileChange, list[FileChange]]]:
    """Each file of the candidate, with what it took the place of."""
    gone = [change for change in group if _is_file(change, before=True) and change.after is None]
    for change in group:
        if _is_file(change, before=False):
            own = [change] if _is_file(change, before=True) else gone
            if own and (own is gone or "content" in change.fields):
                yield change, own


def _is_file(change: FileChange, *, before: bool) -> bool:
    entry = change.before if before else change.after
    return entry is not None and entry.type is EntryType.FILE


def _compared(change: FileChange, olds: list[FileChange], exports: Exports) -> Risk | None:
    now = exports(change, False)
    then = [exports(old, True) for old in olds]
    known = frozenset[str]().union(*(symbols for symbols in then if symbols is not None))
    if now is None:
        return Risk.SYMBOLS_UNKNOWN if known else None
    if known - now:
        return Risk.LOST_SYMBOLS
    return Risk.SYMBOLS_UNKNOWN if now and None in then else None
