"""The merged tree against a plain model of extraction: a table of paths, searched each time."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.snapshot.model import EntryType
from drift.snapshot.tree import merge
from support.images import Member, directory, file, layer_of

paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
members = st.one_of(
    paths.map(file),
    paths.map(directory),
    paths.map(lambda path: file(f"{path}/.wh..wh..opq")),
    paths.map(lambda path: file("/".join((*path.split("/")[:-1], f".wh.{path[-1]}")))),
)


class NotExtractableError(Exception):
    """A path below a file."""


class Model:
    """Paths, whether each is a directory, and the layer that put it there."""

    def __init__(self) -> None:
        self.paths: dict[str, tuple[bool, int]] = {}

    def apply(self, member: Member, layer: int) -> None:
        name = f"/{member.name}"
        parent, _, base = name.rpartition("/")
        if base == ".wh..wh..opq":
            self._hide(f"{parent}/", layer)
        elif base.startswith(".wh."):
            removed = f"{parent}/{base.removeprefix('.wh.')}"
            self._hide(f"{removed}/", layer, removed)
        else:
            self._put(name, layer, is_directory=member.kind == tarfile.DIRTYPE)

    def _hide(self, below: str, layer: int, itself: str = "") -> None:
        for path, (_, of_layer) in list(self.paths.items()):
            if of_layer != layer and (path == itself or path.startswith(below)):
                del self.paths[path]

    def _put(self, name: str, layer: int, *, is_directory: bool) -> None:
        if any(name.startswith(f"{path}/") and not kind for path, (kind, _) in self.paths.items()):
            raise NotExtractableError
        if not is_directory:
            self.paths = {p: at for p, at in self.paths.items() if not p.startswith(f"{name}/")}
        self.paths[name] = is_directory, layer


def extracted(stacks: Sequence[Sequence[Member]]) -> dict[str, bool] | None:
    model = Model()
    try:
        for layer, stack in enumerate(stacks):
            for member in stack:
                model.apply(member, layer)
    except NotExtractableError:
        return None
    return {path: kind for path, (kind, _) in model.paths.items()}


def merged(stacks: Sequence[Sequence[Member]]) -> dict[str, bool] | None:
    try:
        nodes = merge(layer_of(stack) for stack in stacks).nodes
    except SnapshotError:
        return None
    return {path: node.entry.type is EntryType.DIRECTORY for path, node in nodes.items()}


@given(st.lists(st.lists(members, max_size=6), min_size=1, max_size=4))
def test_the_merged_tree_is_what_extraction_leaves(stacks: list[list[Member]]) -> None:
    assert merged(stacks) == extracted(stacks)
