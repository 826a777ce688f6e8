"""Changed paths as a tree that folds: directories with counts, files with what changed.

The markup is written here and not by a template: there may be thousands of rows. Every
value of an image goes through :func:`_text` on its way into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from drift.report import words
from drift.report.escape import visible
from drift.report.places import cause_anchor

Part = dict[str, Any]

OPEN = 30  # rows that need no folding
_SHOWN = ("mtime", "mode", "owner", "link", "type")  # fields that say more than their name
_SIGNS = {"added": "A", "removed": "R", "modified": "M", "metadata_only": "T"}


@dataclass(slots=True)
class _Directory:
    """One directory of the tree on its way to the page."""

    path: str
    directories: dict[str, _Directory] = field(default_factory=dict)
    files: list[Part] = field(default_factory=list)


def tree(shown: Iterable[Part], all_entries: Iterable[Part]) -> Markup:
    """The rows of ``shown``, in directories that count all entries below them."""
    root = _Directory("")
    for entry in sorted(shown, key=lambda entry: str(entry["path"])):
        _place(root, entry)
    counts = _counts(all_entries, set(_paths(root)))
    rows = sum(1 for _ in _files(root))
    text = "".join(_rows(root, counts, unfolded=rows <= OPEN))
    return Markup(f'<ul class="tree">{text}</ul>')  # noqa: S704 (escaped piece by piece)


def sign(entry: Part) -> str:
    """One letter for what happened to a path."""
    return _SIGNS[entry["change"]]


def _place(root: _Directory, entry: Part) -> None:
    here = root
    for name in str(entry["path"]).strip("/").split("/")[:-1]:
        path = f"{here.path}/{name}"
        here = here.directories.setdefault(name, _Directory(path))
    here.files.append(entry)


def _paths(directory: _Directory) -> Iterator[str]:
    yield directory.path
    for below in directory.directories.values():
        yield from _paths(below)


def _files(directory: _Directory) -> Iterator[Part]:
    yield from directory.files
    for below in directory.directories.values():
        yield from _files(below)


def _counts(entries: Iterable[Part], wanted: set[str]) -> Counter[str]:
    """How many paths lie below each directory; each parent is counted once, then added up."""
    direct = Counter(entry["path"].rpartition("/")[0] for entry in entries)
    found: Counter[str] = Counter()
    for parent, number in direct.items():
        while True:
            if parent in wanted:
                found[parent] += number
            if not parent:
                break
            parent = parent.rpartition("/")[0]
    return found


def _rows(directory: _Directory, counts: Counter[str], *, unfolded: bool) -> Iterator[str]:
    for below in directory.directories.values():
        name = below.path.rpartition("/")[2]
        while len(below.directories) == 1 and not below.files:
            (below,) = below.directories.values()
            name = f"{name}/{below.path.rpartition('/')[2]}"
        here = "".join(_rows(below, counts, unfolded=unfolded))
        state = " open" if unfolded else ""
        yield (
            f"<li><details{state}><summary><code>{_text(name)}/</code> "
            f'<span class="count">{counts[below.path]:,}</span></summary><ul>{here}</ul>'
            "</details></li>"
        )
    for entry in directory.files:
        yield _file(entry)


def _file(entry: Part) -> str:
    path, cause = str(entry["path"]), entry["cause"]
    name = path.rpartition("/")[2]
    change = entry["change"]
    # The fold of a diff is part of the row, so that a row is found and opened as one.
    diff = (
        f"<details><summary>diff</summary>{_diff(entry['diff'])}</details>"
        if ("diff" in entry)
        else ""
    )
    to_cause = (
        f' <a href="{_text(cause_anchor(str(cause)))}">{_text(str(cause))}</a>' if cause else ""
    )
    return (
        f'<li class="f" data-p="{_text(path)}"><b class="change change-{change}" '
        f'title="{change.replace("_", " ")}">{sign(entry)}</b> <code>{_text(name)}</code> '
        f'<span class="fields">{_text(what(entry))}</span>{to_cause}{diff}</li>'
    )


def what(entry: Part) -> str:
    """What of a path changed, in a few words: its size, its mode, its owner."""
    before, after, fields = entry["before"], entry["after"], entry["fields"]
    said = []
    if before and after:
        if before["size"] != after["size"]:
            said.append(f"{words.size(before['size'])} → {words.size(after['size'])}")
        for key in ("type", "mode"):
            if key in fields:
                said.append(f"{key} {before[key]} → {after[key]}")
        if "owner" in fields:
            owners = [f"{side['uid']}:{side['gid']}" for side in (before, after)]
            said.append(f"owner {owners[0]} → {owners[1]}")
        if "link" in fields:
            said.append(f"→ {after['link'] or 'no link'}")
        rest = sorted(set(fields).difference(_SHOWN))
        told = [] if said and rest == ["content"] else rest
        return ", ".join([*told, *said]) or ", ".join(fields)
    side = after or before
    if side is None:
        return ""
    return words.size(side["size"]) if side["type"] == "file" else str(side["type"])


def _diff(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        kind = {"+": "ins", "-": "del"}.get(line[:1])
        shown = _text(line)
        lines.append(f'<span class="{kind}">{shown}</span>' if kind else shown)
    return f'<pre class="diff" tabindex="0">{chr(10).join(lines)}</pre>'


def _text(value: str) -> str:
    return str(escape(visible(value)))
