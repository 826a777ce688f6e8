"""The merged tree: what extracting an image's layers in order leaves (OCI ``layer.md``).

A layer is applied entry by entry. Whiteouts and opaque markers act on the layers below
alone, wherever they stand in their layer. A path whose parent is a symbolic link lands
where the link points. A hard link is a file of its own with its target's attributes and
content. The root, and directories that no entry names, are not paths.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

from drift.errors import SnapshotError
from drift.snapshot.model import Entry, EntryType, Layer

_LINKS_FOLLOWED = 40  # as Linux does
_LONGEST = 1 << 16  # characters that links may make a path grow to
_RESOLVED_LIMIT = 10_000  # directories whose links are remembered
_DIRECTORY_WEIGHT = 300  # bytes that a directory takes beside its path
_WEIGHT_LIMIT = 512 << 20  # bytes of all directories that no entry names
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


class _Place(NamedTuple):
    """A directory as entries name it, which no link leads to, and the names in it."""

    parent: str
    names: dict[str, None]


class MergedTree:
    """Paths and what stands there; layers are applied bottom first."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str, dict[str, None]] = {"/": {}}
        self._gone: dict[str, int] = {}
        self._resolved: dict[str, tuple[str, int]] = {}
        self._weight = 0
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
        fork._gone = self._gone.copy()
        fork._weight = self._weight
        return fork

    def get(self, path: str) -> Node | None:
        """What stands at a path, its parents' links followed; None where nothing does."""
        return self._nodes.get(self.resolve(path))

    def names(self, directory: str) -> Iterable[str]:
        """The names in a directory, given by its own path; none where it is none."""
        return self._children.get(directory, ())

    def removed_by(self, path: str) -> int | None:
        """The layer that took a path away which is not there now; None where none did."""
        return self._gone.get(path)

    def resolve(self, path: str) -> str:
        """A path with its parents' symbolic links followed; its last part is taken as it is.

        Raises:
            SnapshotError: links that lead in a circle.
        """
        parent, _, name = path.rpartition("/")
        directory = self._directory(parent or "/")
        return f"{directory.rstrip('/')}/{name}"

    def apply(self, layer: Layer, index: int) -> None:
        """Put a layer on top, entry by entry as engines do; no other layer has its index.

        Raises:
            SnapshotError: the layer cannot be extracted on what lies below it.
        """
        hidden: set[tuple[str, EntryType]] = set()
        bare: set[str] = set()
        beside: _Place | None = None
        for entry in layer.entries:
            if entry.type is EntryType.FILE:
                if beside is None or not self._put_beside(beside, entry, index):
                    self._put(entry, index)
                    beside = self._place_beside(entry.path)
                continue
            beside = None
            if entry.type not in _MARKERS:
                self._put(entry, index)
                continue
            # Below a file there is nothing to remove.
            with suppress(_NotADirectoryError):
                place = self._place_of(entry)
                if (place, entry.type) not in hidden:
                    hidden.add((place, entry.type))
                    self._hide(place, index, bare, itself=entry.type is EntryType.WHITEOUT)

    def _place_beside(self, path: str) -> _Place | None:
        """Where the files that follow a file most likely go; None where a link leads there."""
        parent = path.rpartition("/")[0]
        names = self._children.get(parent or "/")
        return _Place(parent, names) if names and self.resolve(path) == path else None

    def _put_beside(self, place: _Place, entry: Entry, index: int) -> bool:
        """Put a file into the same directory as the one before it, as :meth:`_put` would.

        Nothing but files came in between: no link has changed. False where it goes elsewhere,
        or something other than a file is in its place.
        """
        path = entry.path
        parent, _, name = path.rpartition("/")
        if parent != place.parent or path in self._children:
            return False
        if name in place.names and self._is_link(path):
            return False
        place.names[name] = None
        self._nodes[path] = Node(entry, index, path)
        self._gone.pop(path, None)
        self.touched.add(path)
        return True

    def _place_of(self, marker: Entry) -> str:
        if marker.type is EntryType.OPAQUE:
            return self._directory(marker.path)
        place = self.resolve(marker.path)
        if place == "/":
            raise SnapshotError("a whiteout of the image's root")
        return place

    def _put(self, entry: Entry, index: int) -> None:
        path = self.resolve(entry.path)
        if path == "/":
            return
        node = self._node(entry, path, index)
        directory = node.entry.type is EntryType.DIRECTORY
        if self._is_link(path) or (path in self._children and not directory):
            self._clear(path, index)
        if node.entry.type is EntryType.SYMLINK:
            self._resolved.clear()
        self._enter(path)
        self._nodes[path] = node
        self._gone.pop(path, None)
        self.touched.add(path)
        if directory:
            self._children.setdefault(path, {})

    def _node(self, entry: Entry, path: str, index: int) -> Node:
        if entry.type is EntryType.HARDLINK:
            target = self.get(entry.link or "/")
            if target is None or target.entry.type is EntryType.DIRECTORY:
                raise SnapshotError(f"{entry.path!r} is a hard link to nothing: {entry.link!r}")
            return Node(target.entry._replace(path=path), index, target.source)
        if entry.path != path:
            return Node(entry._replace(path=path), index, entry.path)
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
            if parent in self._nodes:
                raise _NotADirectoryError(f"{parent!r} is a file, and a parent of {path!r}")
            self._weight += len(parent) + _DIRECTORY_WEIGHT
            if self._weight > _WEIGHT_LIMIT:
                raise SnapshotError("more directories than drift keeps of one image")
            self._children[parent] = {name: None}
            path = parent

    def _hide(self, top: str, index: int, bare: set[str], *, itself: bool) -> None:
        """Remove what lower layers have below a path, and at the path ``itself``.

        ``bare`` are the directories in which nothing of theirs is left: however many markers
        a layer has, and however much it puts there itself, each is looked through once.
        """
        found = self._below(top, bare)
        bare.update(path for path in found if path in self._children)
        self._remove(found if itself else found[1:], top, index, own=False)

    def _clear(self, top: str, index: int) -> None:
        """Remove a path and all below it; nothing there is as good."""
        self._remove(self._below(top), top, index, own=True)

    def _below(self, top: str, bare: Collection[str] = ()) -> list[str]:
        """A path and those below it, parents first; those that are ``bare`` are not entered.

        Without recursion, for trees of any depth.
        """
        found, pending = [], [top]
        while pending:
            path = pending.pop()
            found.append(path)
            names = self._children.get(path, ()) if path not in bare else ()
            pending.extend(f"{path.rstrip('/')}/{name}" for name in names)
        return found

    def _remove(self, paths: list[str], top: str, index: int, *, own: bool) -> None:
        """Remove paths at and below ``top``, those of the layer ``index`` only as its ``own``."""
        if top in self._children or self._is_link(top):
            self._resolved.clear()
        for path in reversed(paths):
            node = self._nodes.get(path)
            if node is not None and node.layer == index and not own:
                continue
            if node is not None:
                del self._nodes[path]
                self._gone[path] = index
                self.touched.add(path)
            if not self._children.get(path):
                self._children.pop(path, None)
                parent, _, name = path.rpartition("/")
                self._children.get(parent or "/", {}).pop(name, None)

    def _is_link(self, path: str) -> bool:
        node = self._nodes.get(path)
        return node is not None and node.entry.type is EntryType.SYMLINK

    def _directory(self, path: str) -> str:
        """A directory's own path, all links followed; each of its parents is looked up once."""
        known, missing = path, []
        while known not in self._resolved and known not in ("", "/"):
            known, _, name = known.rpartition("/")
            missing.append(name)
        at, followed = self._resolved.get(known, ("/", 0))
        if len(self._resolved) > _RESOLVED_LIMIT:
            self._resolved.clear()
        for name in reversed(missing):
            at, followed = self._follow(at, name, followed)
            known = f"{known.rstrip('/')}/{name}"
            self._resolved[known] = at, followed
        return at

    def _follow(self, at: str, name: str, followed: int) -> tuple[str, int]:
        """Where a name in a directory leads, and how many links it took from the root."""
        pending = [name]
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
                raise _NotADirectoryError(f"{step!r} is a file, and something lies below it")
            followed += 1
            if followed > _LINKS_FOLLOWED or len(step) > _LONGEST:
                raise SnapshotError(f"too many symbolic links on the way to {step[:200]!r}")
            target = node.entry.link or ""
            at = "/" if target.startswith("/") else at
            pending.extend(p for p in reversed(target.split("/")) if p not in ("", "."))
        return at, followed


def merge(layers: Iterable[Layer], onto: MergedTree | None = None, first: int = 0) -> MergedTree:
    """The merged tree of a stack of layers, bottom first, put on top of another tree.

    ``first`` is the index of the first layer given. ``onto`` is changed and returned.
    """
    tree = onto if onto is not None else MergedTree()
    for index, layer in enumerate(layers, start=first):
        tree.apply(layer, index)
    return tree
