"""Small changed text files as unified diffs, for those that everybody in the image may read.

A text is found by its digest, and the same bytes may lie under another name: so whether a
file may be shown is asked of both sides' own path and mode (:mod:`drift.snapshot.texts`).
The limits count work and not time: the same store and run give the same document.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping

from drift.compare.model import Change, FileChange
from drift.masking import Mask
from drift.oci import Digest
from drift.report.confidential import without_settings
from drift.report.words import cut
from drift.snapshot.model import Entry, EntryType, printable_path
from drift.snapshot.texts import holds_key, may_be_kept

Texts = Callable[[Digest], bytes | None]

DIFFS = 100  # of one image
LINES = 200  # of one diff
_WIDTH = 300  # characters of a line
_CHARACTERS = 300_000  # of all diffs of an image
_WORK = 20_000_000  # lines of the one side times lines of the other, of all diffs


def text_diffs(changes: Iterable[FileChange], texts: Texts, mask: Mask) -> dict[str, str]:
    """By path, the unified diffs of the first changes that have one; within the limits."""
    found: dict[str, str] = {}
    room, work = _CHARACTERS, _WORK
    for change in changes:
        if len(found) >= DIFFS:
            break
        sides = _sides(change, texts, mask)
        if sides is None:
            continue
        cost = len(sides[0]) * len(sides[1])
        if cost > work:
            continue
        work -= cost
        diff = "\n".join(_diff(*sides))
        if diff and len(diff) <= room:
            found[change.path] = diff
            room -= len(diff)
    return found


def _sides(change: FileChange, texts: Texts, mask: Mask) -> tuple[list[str], list[str]] | None:
    if change.change is not Change.MODIFIED or "content" not in change.fields:
        return None
    before, after = _text(change, change.before, texts), _text(change, change.after, texts)
    if before is None or after is None:
        return None
    return (
        mask.text(before).splitlines() if before else [],
        mask.text(after).splitlines() if after else [],
    )


def _text(change: FileChange, side: Entry | None, texts: Texts) -> str | None:
    if side is None or side.type is not EntryType.FILE or side.digest is None:
        return None
    if not may_be_kept(change.path, side.mode, side.size):
        return None
    content = texts(side.digest)
    if content is None or holds_key(content):
        return None
    return content.decode("utf-8", "backslashreplace")


def _diff(before: list[str], after: list[str]) -> Iterator[str]:
    lines = difflib.unified_diff(before, after, lineterm="", n=2)
    shown = without_settings("\n".join(list(lines)[2:])).splitlines()  # without the file names
    for line in shown[:LINES]:
        yield cut(line, _WIDTH)
    if len(shown) > LINES:
        yield f"… {len(shown) - LINES:,} more lines"


def in_order(
    changes: Iterable[FileChange], paths: Mapping[str, str], noise: set[str]
) -> list[FileChange]:
    """Changes in the order in which their diffs are wanted: what is noise comes last."""
    return sorted(changes, key=lambda c: (paths.get(c.path) in noise, printable_path(c.path)))
