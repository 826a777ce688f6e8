"""The merged tree: what extracting an image's layers in order leaves (OCI ``layer.md``).

Whiteouts and opaque markers act on the layers below alone, wherever they stand in their
layer. A path whose parent is a symbolic link lands where the link points. A hard link is
a file of its own with its target's attributes and content. The root, and directories that
no entry names, are not paths.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, Self

from drift.errors import SnapshotError
from drift.snapshot.model import Entry, EntryType, Layer

_LINKS_FOLLOWED = 40  # as Linux does
_MARKERS = (EntryType.WHITEOUT, EntryType.OPAQUE)


class _NotADirectoryError(SnapshotError):
    """A path whose parent is a file."""


class Node(NamedTuple):
    """A path of the merged tree: its entry, the layer that decided it, and the path there.

    ``entry.path`` is the path in the merged tree; ``source`` is the one in the layer, which
    differs where a parent is a symbolic link, and for hard links, whose content lies there.
    """

    entry: Entry
    layer: int
    source: str


class MergedTree:
    """Paths and what stands there; layers are applied bottom first."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str, dict[str, None]] = {"/": {}}
        self._resolved: dict[str, str] = {}
        self.touched: set[str] = set()

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every path of the tree."""
        return self._nodes

    def fork(self) -> Self:
        """The same tree, to go on with; its :attr:`touched` starts empty."""
        fork = type(self)()
        fork._nodes = self._nodes.copy()
        fork._children = {path: names.copy() for path, names in self._children.items()}
        return fork

    def get(self, path: str) -> Node | None:
        """What stands at a path, its parents' links followed; None where nothing does."""
        return self._nodes.get(self.resolve(path))

    def resolve(self, path: str) -> str:
        """A path with its parents' symbolic links followed; its last part is taken as it is.

        Raises:
            SnapshotError: links that lead in a circle.
        """
        parent, _, name = path.rpartition("/")
        directory = self._directory(parent or "/")
        return f"{directory.rstrip('/')}/{name}"

    def apply(self, layer: Layer, index: int) -> None:
        """Put a layer on top.

        Raises:
            SnapshotError: the layer cannot be extracted on what lies below it.
        """
        for entry in layer.entries:
            if entry.type in _MARKERS:
                # Below a file there is nothing to remove.
                with suppress(_NotADirectoryError):
                    self._hide(entry)
        for entry in layer.entries:
            if entry.type not in _MARKERS:
                self._put(entry, index)

    def _hide(self, marker: Entry) -> None:
        if marker.type is EntryType.WHITEOUT:
            self._remove(self.resolve(marker.path))
        else:
            self._empty(self._directory(marker.path))

    def _put(self, entry: Entry, index: int) -> None:
        path = self.resolve(entry.path)
        if path == "/":
            return
        node = self._node(entry, path, index)
        directory = node.entry.type is EntryType.DIRECTORY
        if self._is_link(path) or (path in self._children and not directory):
            self._remove(path)
        if node.entry.type is EntryType.SYMLINK:
            self._resolved.clear()
        self._nodes[path] = node
        self.touched.add(path)
        self._enter(path)
        if directory:
            self._children.setdefault(path, {})

    def _node(self, entry: Entry, path: str, index: int) -> Node:
        if entry.type is EntryType.HARDLINK:
            target = self.get(entry.link or "/")
            if target is None or target.entry.type is EntryType.DIRECTORY:
                raise SnapshotError(f"{entry.path!r} is a hard link to nothing: {entry.link!r}")
            return Node(replace(target.entry, path=path), index, target.source)
        if entry.path != path:
            return Node(replace(entry, path=path), index, entry.path)
        return Node(entry, index, path)

    def _enter(self, path: str) -> None:
        """Make a path known to its parents, which come to be where no entry names them."""
        while path != "/":
            parent, _, name = path.rpartition("/")
            parent = parent or "/"
            siblings = self._children.get(parent)
            if siblings is not None:
                siblings[name] = None
                return
            self._children[parent] = {name: None}
            path = parent

    def _remove(self, path: str) -> None:
        """Remove a path and all below it; nothing there is as good."""
        if path == "/":
            raise SnapshotError("a whiteout of the image's root")
        if path in self._children or self._is_link(path):
            self._resolved.clear()
        self._empty(path)
        self._children.pop(path, None)
        if self._nodes.pop(path, None) is not None:
            self.touched.add(path)
        parent, _, name = path.rpartition("/")
        self._children.get(parent or "/", {}).pop(name, None)

    def _empty(self, directory: str) -> None:
        """Remove all below a directory; without recursion, for trees of any depth."""
        pending = [directory]
        while pending:
            parent = pending.pop()
            names = self._children.get(parent)
            if not names:
                continue
            if parent != directory:
                del self._children[parent]
            else:
                self._children[parent] = {}
            self._resolved.clear()
            for name in names:
                path = f"{parent.rstrip('/')}/{name}"
                if self._nodes.pop(path, None) is not None:
                    self.touched.add(path)
                pending.append(path)

    def _is_link(self, path: str) -> bool:
        node = self._nodes.get(path)
        return node is not None and node.entry.type is EntryType.SYMLINK

    def _directory(self, path: str) -> str:
        """A directory's own path, all links followed."""
        known = self._resolved.get(path)
        if known is None:
            known = self._resolved[path] = self._follow(path)
        return known

    def _follow(self, path: str) -> str:
        pending = [part for part in reversed(path.split("/")) if part]
        at, followed = "/", 0
        while pending:
            part = pending.pop()
            if part == "..":
                at = posixpath.dirname(at)
                continue
            step = f"{at.rstrip('/')}/{part}"
            node = self._nodes.get(step)
            if node is None or node.entry.type is EntryType.DIRECTORY:
                at = step
                continue
            if node.entry.type is not EntryType.SYMLINK:
                raise _NotADirectoryError(f"{step!r} is a file, and a parent of {path!r}")
            followed += 1
            if followed > _LINKS_FOLLOWED:
                raise SnapshotError(f"too many symbolic links on the way to {path!r}")
            target = node.entry.link or ""
            at = "/" if target.startswith("/") else at
            pending.extend(p for p in reversed(target.split("/")) if p not in ("", "."))
        return at


def merge(layers: Iterable[Layer], onto: MergedTree | None = None, first: int = 0) -> MergedTree:
    """The merged tree of a stack of layers, bottom first, put on top of another tree.

    ``first`` is the index of the first layer given. ``onto`` is changed and returned.
    """
    tree = onto if onto is not None else MergedTree()
    for index, layer in enumerate(layers, start=first):
        tree.apply(layer, index)
    return tree
