"""Comparison: facts that differ, each once; the same image differs in nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.compare.compare import compare
from drift.compare.ignore import ignore_rules
from drift.compare.model import Change, Comparison, FileChange, PackageChange
from drift.compare.packages import compare_packages, unknown_packages
from drift.errors import SnapshotError
from drift.oci import DiffId
from drift.snapshot.model import Layer, LayersInMemory, Package, Packages
from support.images import Member, directory, file, snapshot_of, symlink

BASE = [directory("etc"), file("etc/motd", "hello"), file("bin/sh", "#!")]


def differences(
    before: Sequence[Sequence[Member]], after: Sequence[Sequence[Member]], *ignored: str
) -> Comparison:
    layers = LayersInMemory()
    sides = [snapshot_of(stacks, layers) for stacks in (before, after)]
    return compare(sides[0], sides[1], layers, ignore_rules(ignored))


def listed(comparison: Comparison) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(c.path, c.change.value, c.fields) for c in comparison.files]


def test_added_removed_and_modified_paths() -> None:
    found = differences(
        [BASE, [file("a", "1"), file("gone")]], [BASE, [file("a", "2"), file("new")]]
    )
    assert listed(found) == [
        ("/a", "modified", ("content",)),
        ("/gone", "removed", ()),
        ("/new", "added", ()),
    ]
    assert [c.layer for c in found.files] == [1, 1, 1]
    assert [c.index for c in found.layers] == [1]


@pytest.mark.parametrize(
    ("after", "field"),
    [
        (file("a", "x", mode=0o600), "mode"),
        (file("a", "x", uid=5), "owner"),
        (file("a", "x", gid=5), "owner"),
        (file("a", "x", pax={"SCHILY.xattr.user.k": "v"}), "xattrs"),
        (symlink("a", "x", mode=0o644), "type"),
    ],
)
def test_each_attribute_counts(after: Member, field: str) -> None:
    found = differences([[file("a", "x")]], [[after]])
    assert len(found.files) == 1
    assert field in found.files[0].fields


def test_an_mtime_alone_is_metadata() -> None:
    found = differences([[file("a", mtime=1)]], [[file("a", mtime=2)]])
    assert found.files == ()
    assert [c.path for c in found.metadata_only] == ["/a"]


def test_a_path_that_the_layers_below_hold_counts_as_removed_or_modified() -> None:
    found = differences([BASE, [file("x")]], [BASE, [file("etc/.wh.motd"), file("bin/sh", "!")]])
    assert listed(found) == [
        ("/bin/sh", "modified", ("content",)),
        ("/etc/motd", "removed", ()),
        ("/x", "removed", ()),
    ]
    assert found.files[1].before_layer == 0


def test_what_a_later_layer_hides_is_shadowed() -> None:
    def night(noise: str) -> list[list[Member]]:
        return [BASE, [file("tmp/x", noise), file("a", noise)], [file("tmp/.wh.x"), file("a", "")]]

    found = differences(night("1"), night("2"))
    assert (found.files, found.metadata_only, found.shadowed) == ((), (), 2)


def test_the_same_tree_in_other_layers_differs_in_nothing_but_layers() -> None:
    found = differences([[file("a", mtime=1), file("b")]], [[file("a", mtime=1)], [file("b")]])
    assert (found.files, found.metadata_only, found.shadowed) == ((), (), 0)
    assert [c.index for c in found.layers] == [0, 1]


def test_ignored_paths_are_in_no_other_count() -> None:
    before = [[file("var/log/a", "1"), file("var/log/b", mtime=1), file("c", "1")]]
    after = [[file("var/log/a", "2"), file("var/log/b", mtime=2), file("c", "2")]]
    found = differences(before, after, "/var/log/**")
    assert [c.path for c in found.files] == ["/c"]
    assert (found.metadata_only, found.ignored, found.shadowed) == ((), 2, 0)


def test_a_later_ignore_rule_brings_a_path_back() -> None:
    found = differences(
        [[file("log/a", "1"), file("log/b", "1")]],
        [[file("log/a", "2"), file("log/b", "2")]],
        "/log/*",
        "!/log/b",
    )
    assert [c.path for c in found.files] == ["/log/b"]


class Watched(LayersInMemory):
    """Layers that remember which of them were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[DiffId] = []

    def get(self, diff_id: DiffId) -> Layer:
        self.read.append(diff_id)
        return super().get(diff_id)


def test_equal_images_are_not_walked() -> None:
    layers = Watched()
    snapshot = snapshot_of([BASE, [file("a")]], layers)
    assert compare(snapshot, snapshot, layers).identical
    assert layers.read == []


def test_shared_layers_are_read_once() -> None:
    layers = Watched()
    before, after = (snapshot_of([BASE, [file("a", text)]], layers) for text in "12")
    compare(before, after, layers)
    assert sorted(layers.read) == sorted({*(d.diff_id for d in (*before.layers, *after.layers))})


def test_settings_field_by_field() -> None:
    layers = LayersInMemory()
    before = snapshot_of(
        [BASE],
        layers,
        settings={
            "Env": ["PATH=/bin", "A=1"],
            "Cmd": ["a"],
            "Labels": {"v": "1"},
            "Hostname": "3f2a",
            "Image": "sha256:1",
            "Volumes": None,
        },
    )
    after = snapshot_of(
        [BASE],
        layers,
        settings={
            "Env": ["PATH=/usr/bin", "A=1", "B=2"],
            "Cmd": ["a", "b"],
            "Labels": {},
            "Hostname": "99aa",
            "ExposedPorts": {"80/tcp": {}},
        },
    )
    found = compare(before, after, layers).config
    assert [(c.field, c.before, c.after) for c in found] == [
        ("Cmd", ["a"], ["a", "b"]),
        ("Env.B", None, "2"),
        ("Env.PATH", "/bin", "/usr/bin"),
        ("ExposedPorts.80/tcp", None, {}),
        ("Labels.v", "1", None),
    ]


def test_settings_that_share_hardly_a_field() -> None:
    """A commit that adds a dozen labels: each is a field of its own."""
    layers = LayersInMemory()
    labels = {f"org.example.label{number}": "1" for number in range(12)} | {"__own": "1"}
    before = snapshot_of([BASE], layers, settings={"Cmd": ["a"]})
    after = snapshot_of([BASE], layers, settings={"Cmd": ["a"], "Labels": labels, "__odd": 1})
    found = compare(before, after, layers).config
    assert [c.field for c in found] == sorted([*(f"Labels.{name}" for name in labels), "__odd"])
    assert {c.before for c in found} == {None}


def package(name: str, version: str, location: str = "") -> Package:
    return Package(f"pkg:deb/debian/{name}", version, location)


def test_packages_by_purl() -> None:
    layers = LayersInMemory()
    before = Packages((package("a", "1"), package("b", "1"), package("c", "1"), package("c", "2")))
    after = Packages(
        (package("a", "2"), package("c", "2"), package("c", "3"), package("d", "1")),
        {"npm": "package.json is not JSON"},
    )
    found = compare(
        snapshot_of([BASE], layers, packages=before),
        snapshot_of([BASE], layers, packages=after),
        layers,
    )
    assert found.packages == (
        PackageChange("pkg:deb/debian/a", "1", "2"),
        PackageChange("pkg:deb/debian/b", "1", None),
        PackageChange("pkg:deb/debian/c", "1, 2", "2, 3"),
        PackageChange("pkg:deb/debian/d", None, "1"),
    )
    assert found.packages_unknown == {"npm": "candidate: package.json is not JSON"}


paths = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "x y"])
members: st.SearchStrategy[Member] = st.one_of(
    st.builds(
        lambda path, text, mode, mtime: file(path, text, mode=mode, mtime=mtime),
        paths,
        st.sampled_from(["", "1", "2"]),
        st.sampled_from([0o644, 0o755]),
        st.sampled_from([1, 2]),
    ),
    st.builds(lambda path, target: symlink(path, target), paths, st.sampled_from(["a", "q"])),
    paths.map(lambda path: file(f"d/.wh.{path.rpartition('/')[2]}")),
    st.just(file("d/.wh..wh..opq")),
    paths.map(directory),
)
stacks = st.lists(st.lists(members, max_size=4), max_size=4)
settings: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["Cmd", "User", "Env"]),
    st.lists(st.sampled_from(["A=1", "A=2", "B=1"]), max_size=2),
)


def flipped(change: FileChange) -> FileChange:
    kinds = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}
    return replace(
        change,
        change=kinds.get(change.change, change.change),
        before=change.after,
        after=change.before,
        before_layer=change.after_layer,
        after_layer=change.before_layer,
        before_source=change.after_source,
        after_source=change.before_source,
    )


@given(stacks, stacks, settings, settings)
def test_comparing_with_oneself_finds_nothing_and_swapping_mirrors(
    one: list[list[Member]],
    other: list[list[Member]],
    one_settings: dict[str, Any],
    other_settings: dict[str, Any],
) -> None:
    layers = LayersInMemory()
    before = snapshot_of(one, layers, settings=one_settings)
    after = snapshot_of(other, layers, settings=other_settings)
    try:
        forward = compare(before, after, layers)
        backward = compare(after, before, layers)
        itself = compare(before, before, layers)
    except SnapshotError:
        return
    assert itself == Comparison()
    assert backward.files == tuple(map(flipped, forward.files))
    assert backward.metadata_only == tuple(map(flipped, forward.metadata_only))
    assert (backward.shadowed, backward.ignored) == (forward.shadowed, forward.ignored)
    assert [(c.field, c.after, c.before) for c in backward.config] == [
        (c.field, c.before, c.after) for c in forward.config
    ]
    assert [(c.index, c.after, c.before) for c in backward.layers] == [
        (c.index, c.before, c.after) for c in forward.layers
    ]


@given(stacks, stacks)
def test_looking_at_touched_paths_alone_finds_what_a_full_comparison_finds(
    one: list[list[Member]], other: list[list[Member]]
) -> None:
    from drift.compare.files import differing_fields
    from drift.snapshot.tree import merge

    shared = [[file("d/a", "s"), file("q/s")]]
    layers = LayersInMemory()
    sides = [snapshot_of([*shared, *stacks], layers) for stacks in (one, other)]
    try:
        found = compare(sides[0], sides[1], layers)
        trees = [merge(layers.get(d.diff_id) for d in side.layers).nodes for side in sides]
    except SnapshotError:
        return
    expected = {
        path
        for path in trees[0].keys() | trees[1].keys()
        if (path in trees[0]) != (path in trees[1])
        or differing_fields(trees[0][path].entry, trees[1][path].entry)
    }
    assert {c.path for c in (*found.files, *found.metadata_only)} == expected


def test_long_settings_are_compared_in_linear_time() -> None:
    store = LayersInMemory()
    one, other = (
        snapshot_of(
            [[file("a")]],
            store,
            settings={"Cmd": [str(n * step) for n in range(50_000)], "Note": "x\n" * step * 20_000},
        )
        for step in (3, 7)
    )
    started = time.process_time()
    assert [change.field for change in compare(one, other, store).config] == ["Cmd", "Note"]
    assert time.process_time() - started < 5


def test_packages_of_a_database_that_was_not_read_neither_came_nor_went() -> None:
    curl, jq = (Package(f"pkg:deb/debian/{name}", "1") for name in ("curl", "jq"))
    six = Package("pkg:pypi/six", "1")
    whole = Packages((curl, jq, six))
    unread = Packages((replace(curl, version="2"),), unknown={"deb": "truncated"})
    found = {
        change.purl: (change.before, change.after) for change in compare_packages(whole, unread)
    }
    assert found == {curl.purl: ("1", "2"), six.purl: ("1", None)}


def test_a_reason_that_both_sides_have_is_said_once() -> None:
    before = Packages(unknown={"deb": "truncated", "npm": "not JSON", "pypi": "too large"})
    after = Packages(unknown={"apk": "damaged", "deb": "truncated", "npm": "too deep"})
    assert unknown_packages(before, after) == {
        "apk": "candidate: damaged",
        "deb": "both: truncated",
        "npm": "baseline: not JSON; candidate: too deep",
        "pypi": "baseline: too large",
    }


def test_who_removed_a_path_is_told_with_it() -> None:
    store = LayersInMemory()
    before = snapshot_of([[file("a"), file("b")]], store)
    after = snapshot_of([[file("a"), file("b")], [file(".wh.a")]], store)
    (change,) = compare(before, after, store).files
    assert (change.path, change.removing_layer) == ("/a", 1)
    (back,) = compare(after, before, store).files
    assert (back.change, back.removing_layer) == (Change.ADDED, 1)
