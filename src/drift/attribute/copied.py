"""Where in its stage a file comes from that ``COPY --from`` brought.

A copied file has its source's content: it is looked for by that under the paths that the
instruction names, and where several are the same, the one whose path ends most alike is taken.
So neither WORKDIR nor a variable of the base's need be known.

Specification: the Dockerfile reference, "COPY"; patterns are Go's ``filepath.Match``.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from drift.errors import SnapshotError
from drift.snapshot.model import Entry, EntryType, Layer, Layers, Snapshot
from drift.snapshot.tree import MergedTree, merge
from drift.source.dockerfile.words import Lexer
from drift.source.gopattern import Pattern

_COPY = re.compile(r"COPY\s+(?P<flags>(?:--\S+\s+)*)(?P<value>.*)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(r"--from=(\S+)", re.IGNORECASE)
_PATTERN = re.compile(r"[*?\[\\]")
_LINKS_FOLLOWED = 40
_MOST_ROOTS = 10_000


@dataclass(frozen=True, slots=True)
class Copy:
    """A ``COPY --from``: the stage or image that it names, its paths there, where they go."""

    source: str
    paths: tuple[str, ...]
    destination: str


def copy_of(text: str) -> Copy | None:
    """The ``COPY --from`` that an instruction's text is; None for every other instruction.

    ``paths`` is empty where they cannot be read: it may then have copied anything.
    """
    match = _COPY.match(text)
    flags = (
        [value for flag in match["flags"].split() for value in _FROM.findall(flag)] if match else []
    )
    if match is None or not flags:
        return None
    words = _words(match["value"].strip())
    return Copy(flags[-1].strip("\"'"), tuple(words[:-1]), words[-1] if words else "")


def _words(value: str) -> list[str]:
    if value.startswith("["):
        try:
            listed = json.loads(value)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list) and all(isinstance(word, str) for word in listed):
            return listed
    try:
        return Lexer(keep_unset=True).split(value)
    except ValueError:
        return []


class StageFiles:
    """The files of a stage, by what a COPY can have taken.

    Raises:
        KeyError: a layer's manifest is not kept.
        SnapshotError: the stage's layers cannot be merged.
    """

    def __init__(self, stage: Snapshot, layers: Layers) -> None:
        self._tree = merge(layers.get(layer.diff_id) for layer in stage.layers)
        self._roots: dict[Copy, frozenset[str]] = {}

    def entry(self, path: str) -> Entry | None:
        """What stands at a path of the merged tree."""
        node = self._tree.nodes.get(path)
        return node.entry if node else None

    def gave(self, copy: Copy, layer: Layer) -> bool:
        """Whether each file of a layer that a COPY made has its content from this stage."""
        return all(
            self._candidates(copy, entry) for entry in layer.entries if entry.type is EntryType.FILE
        )

    def source_of(self, copy: Copy, entry: Entry) -> str | None:
        """The path in the stage that a copied entry comes from; None where none fits."""
        found = self._candidates(copy, entry)
        return max(found, key=lambda path: (_alike(path, entry.path), path)) if found else None

    def _candidates(self, copy: Copy, entry: Entry) -> list[str]:
        roots = self._roots.get(copy)
        if roots is None:
            roots = self._roots[copy] = frozenset(_roots(self._tree, copy.paths)) or frozenset("/")
        if entry.type is EntryType.DIRECTORY:
            return self._directories(roots, entry.path)
        return [path for path in self._by_content.get(_content(entry), ()) if _below(path, roots)]

    def _directories(self, roots: Iterable[str], path: str) -> list[str]:
        """Directories cannot be told by content: those below a copied one, by their names."""
        parts = path.strip("/").split("/")
        endings = ["/".join(parts[start:]) for start in range(len(parts))]
        places = (f"{root.rstrip('/')}/{ending}" for root in roots for ending in endings)
        return [place for place in places if self._is_directory(place)]

    def _is_directory(self, path: str) -> bool:
        entry = self.entry(path)
        return entry is not None and entry.type is EntryType.DIRECTORY

    @cached_property
    def _by_content(self) -> dict[tuple[object, ...], list[str]]:
        found: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for path, node in self._tree.nodes.items():
            if node.entry.type is not EntryType.DIRECTORY:
                found[_content(node.entry)].append(path)
        return dict(found)


def _content(entry: Entry) -> tuple[object, ...]:
    """What a copy of something has in common with it."""
    return entry.type, entry.digest, entry.link, entry.device


def _below(path: str, roots: frozenset[str]) -> bool:
    while path not in roots:
        if path == "/":
            return False
        path = posixpath.dirname(path)
    return True


def _alike(one: str, other: str) -> int:
    """How many names two paths share at their ends."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    count = 0
    for ours, theirs in pairs:
        if ours != theirs:
            break
        count += 1
    return count


def _roots(tree: MergedTree, paths: Sequence[str]) -> Iterator[str]:
    """What the paths of a COPY stand for in a tree, links followed."""
    for path in paths:
        for found in _matches(tree, path):
            yield _followed(tree, found)


def _matches(tree: MergedTree, path: str) -> list[str]:
    """The paths that a pattern matches; of too many the root, below which all of them lie."""
    found = ["/"]
    for part in path.split("/"):
        if part in ("", "."):
            continue
        found = [
            place for parent in found for place in _children(tree, _followed(tree, parent), part)
        ]
        if len(found) > _MOST_ROOTS:
            return ["/"]
    return found


def _children(tree: MergedTree, directory: str, part: str) -> list[str]:
    if part == "..":
        return [posixpath.dirname(directory)]
    names = [part] if _PATTERN.search(part) is None else _matching(part, tree.names(directory))
    places = (f"{directory.rstrip('/')}/{name}" for name in names)
    return [place for place in places if place in tree.nodes or any(tree.names(place))]


def _matching(pattern: str, names: Iterable[str]) -> list[str]:
    try:
        compiled = Pattern(pattern)
    except ValueError:
        return []
    return [name for name in names if compiled.matches(name)]


def _followed(tree: MergedTree, path: str) -> str:
    """A path with all its links followed; as it is where they lead in a circle."""
    place = path
    for _ in range(_LINKS_FOLLOWED):
        try:
            place = tree.resolve(place) if place != "/" else place
        except SnapshotError:
            return path
        node = tree.nodes.get(place)
        if node is None or node.entry.type is not EntryType.SYMLINK:
            return place
        place = posixpath.normpath(posixpath.join(posixpath.dirname(place), node.entry.link or ""))
    return path
