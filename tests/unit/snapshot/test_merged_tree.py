"""The merged tree is what extracting the layers in order leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.oci import Digest
from drift.snapshot.model import EntryType
from drift.snapshot.tree import MergedTree, merge
from support.images import Member, directory, file, hardlink, layer_of, symlink


def merged(*stacks: Sequence[Member]) -> MergedTree:
    return merge(layer_of(members) for members in stacks)


def paths(tree: MergedTree) -> list[str]:
    return sorted(tree.nodes)


def test_parents_that_no_entry_names_are_no_paths() -> None:
    assert paths(merged([directory("./"), file("a/b/c")])) == ["/a/b/c"]


def test_a_whiteout_removes_what_lies_below_it_and_no_more() -> None:
    tree = merged([directory("a"), file("a/b/c"), file("ab")], [file(".wh.a")])
    assert paths(tree) == ["/ab"]


def test_a_whiteout_does_not_touch_its_own_layer_wherever_it_stands() -> None:
    for members in ([file("d/.wh.a"), file("d/a", "new")], [file("d/a", "new"), file("d/.wh.a")]):
        tree = merged([file("d/a", "old")], members)
        assert tree.nodes["/d/a"].entry.digest == Digest.of(b"new")


def test_an_opaque_directory_hides_lower_content_alone() -> None:
    lower = [directory("d"), file("d/old"), file("d/e/older")]
    for members in (
        [directory("d"), file("d/.wh..wh..opq"), file("d/new")],
        [file("d/new"), directory("d"), file("d/.wh..wh..opq")],
    ):
        assert paths(merged(lower, members)) == ["/d", "/d/new"]


def test_an_opaque_root_hides_everything() -> None:
    assert paths(merged([file("a"), directory("b")], [file(".wh..wh..opq"), file("c")])) == ["/c"]


def test_a_file_replaces_a_directory_and_all_below_it() -> None:
    tree = merged([directory("d"), file("d/a"), file("d/e/f")], [file("d", "now a file")])
    assert paths(tree) == ["/d"]
    assert tree.nodes["/d"].entry.type is EntryType.FILE


def test_a_directory_over_a_directory_keeps_its_content() -> None:
    tree = merged([directory("d", mode=0o755), file("d/a")], [directory("d", mode=0o700)])
    assert paths(tree) == ["/d", "/d/a"]
    assert tree.nodes["/d"].entry.mode == 0o700


def test_a_directory_over_a_link_to_a_directory_replaces_the_link() -> None:
    tree = merged([directory("real"), symlink("d", "real")], [directory("d"), file("d/a")])
    assert paths(tree) == ["/d", "/d/a", "/real"]


def test_a_path_through_a_link_lands_where_the_link_points() -> None:
    tree = merged(
        [directory("usr/lib"), symlink("lib", "usr/lib"), symlink("abs", "/usr/lib")],
        [file("lib/a", "1"), file("abs/b", "2")],
    )
    assert paths(tree) == ["/abs", "/lib", "/usr/lib", "/usr/lib/a", "/usr/lib/b"]
    assert tree.nodes["/usr/lib/a"].source == "/lib/a"
    assert tree.nodes["/usr/lib/a"].entry.path == "/usr/lib/a"


def test_a_link_never_leads_out_of_the_image() -> None:
    tree = merged([symlink("up", "../../../etc"), file("up/passwd")])
    assert paths(tree) == ["/etc/passwd", "/up"]


def test_a_whiteout_through_a_link_removes_the_target_s_path() -> None:
    tree = merged(
        [directory("usr/bin"), symlink("bin", "usr/bin"), file("usr/bin/sh")], [file("bin/.wh.sh")]
    )
    assert paths(tree) == ["/bin", "/usr/bin"]


def test_a_link_that_is_replaced_is_not_followed_any_more() -> None:
    tree = merged(
        [directory("one"), directory("two"), symlink("at", "one"), file("at/a")],
        [symlink("at", "two"), file("at/b")],
    )
    assert paths(tree) == ["/at", "/one", "/one/a", "/two", "/two/b"]


def test_a_link_made_where_a_lookup_failed_before_is_followed() -> None:
    tree = merged([directory("real")], [file("new/.wh.x"), symlink("new", "real"), file("new/a")])
    assert paths(tree) == ["/new", "/real", "/real/a"]


def test_a_hard_link_has_its_target_s_content_and_attributes() -> None:
    tree = merged([file("a", "x", mode=0o755, uid=3)], [hardlink("b", "a")])
    entry = tree.nodes["/b"].entry
    assert (entry.type, entry.digest, entry.mode, entry.uid) == (
        EntryType.FILE,
        Digest.of(b"x"),
        0o755,
        3,
    )
    assert (entry.path, tree.nodes["/b"].source) == ("/b", "/a")


def test_a_file_replaced_above_does_not_change_its_hard_link() -> None:
    tree = merged([file("a", "old"), hardlink("b", "a")], [file("a", "new")])
    assert tree.nodes["/b"].entry.digest == Digest.of(b"old")


@pytest.mark.parametrize(
    "members",
    [
        [hardlink("a", "missing")],
        [file("a"), file("a/b")],
        [symlink("a", "b"), symlink("b", "a"), file("a/c")],
    ],
)
def test_what_cannot_be_extracted_is_an_error(members: Sequence[Member]) -> None:
    with pytest.raises(SnapshotError):
        merged(members)


def test_a_whiteout_below_a_file_removes_nothing() -> None:
    assert paths(merged([file("a")], [file("a/.wh.b")])) == ["/a"]


def test_a_deep_tree_is_removed_without_recursion() -> None:
    deep = "/".join("d" for _ in range(1500))
    assert paths(merged([file(f"top/{deep}/x")], [file(".wh.top")])) == []


def test_a_fork_leaves_the_tree_it_came_from() -> None:
    tree = merged([file("a/b"), file("c")])
    fork = tree.fork()
    fork.apply(layer_of([file(".wh.a"), file("d")]), 1)
    assert paths(tree) == ["/a/b", "/c"]
    assert paths(fork) == ["/c", "/d"]
    assert fork.touched == {"/a/b", "/d"}


small = st.sampled_from(["a", "b", "a/b", "a/c", "b/a", "a/b/c"])
members = st.one_of(
    small.map(lambda name: file(name, name)),
    small.map(directory),
    small.map(lambda name: symlink(name, "/b")),
    small.map(lambda name: file(f"{name.rpartition('/')[0]}/.wh.{name.rpartition('/')[2]}")),
    small.map(lambda name: file(f"{name}/.wh..wh..opq")),
)


@given(st.lists(st.lists(members, max_size=5), min_size=1, max_size=4))
def test_merging_onto_a_fork_is_merging_from_the_start(stacks: list[list[Member]]) -> None:
    layers = [layer_of(stack) for stack in stacks]
    try:
        whole = merge(layers)
    except SnapshotError:
        return
    parts = merge(layers[1:], onto=merge(layers[:1]).fork(), first=1)
    assert parts.nodes == whole.nodes
    known = set(whole.nodes)
    for path, node in whole.nodes.items():
        assert node.entry.path == path
        # Nothing lies below a file or a link.
        parents = {path[:at] for at in range(1, len(path)) if path[at] == "/"} & known
        assert all(whole.nodes[p].entry.type is EntryType.DIRECTORY for p in parents)


def test_an_opaque_directory_that_replaced_a_link_leaves_the_link_s_target() -> None:
    # Graph drivers mark each directory that a step makes as opaque.
    lower = [directory("real"), file("real/kept"), symlink("link", "real")]
    tree = merged(lower, [directory("link"), file("link/.wh..wh..opq"), file("link/new")])
    assert paths(tree) == ["/link", "/link/new", "/real", "/real/kept"]


def test_a_whiteout_in_a_directory_that_replaced_a_link_leaves_the_link_s_target() -> None:
    lower = [directory("real"), file("real/a"), symlink("link", "real")]
    tree = merged(lower, [directory("link"), file("link/.wh.a")])
    assert paths(tree) == ["/link", "/real", "/real/a"]


def test_a_whiteout_of_a_directory_spares_what_its_own_layer_put_there() -> None:
    for members in ([file("d/new"), file(".wh.d")], [file(".wh.d"), file("d/new")]):
        assert paths(merged([directory("d"), file("d/old"), file("d/e/x")], members)) == ["/d/new"]


def test_who_removed_a_path_is_remembered_until_it_is_back() -> None:
    tree = merged([file("a"), file("d/b")], [file(".wh.a")], [file("d", "a file")])
    assert (tree.removed_by("/a"), tree.removed_by("/d/b")) == (1, 2)
    assert merged([file("a")], [file(".wh.a")], [file("a")]).removed_by("/a") is None


def test_a_link_in_a_circle_that_nobody_goes_through_is_a_link() -> None:
    assert paths(merged([symlink("a", "b"), symlink("b", "a")])) == ["/a", "/b"]


def test_forty_links_are_followed_and_no_more() -> None:
    def chain(length: int) -> list[Member]:
        links = [symlink(f"l{n}", f"l{n + 1}") for n in range(length)]
        return [*links, directory(f"l{length}"), file("l0/x")]

    assert "/l40/x" in paths(merged(chain(40)))
    with pytest.raises(SnapshotError, match="too many symbolic links"):
        merged(chain(41))
    with pytest.raises(SnapshotError, match="too many symbolic links"):
        merged([*chain(25)[:-1], symlink("l25/m", "/l0/../n"), symlink("n", "l0"), file("l0/m/y")])


def test_a_file_is_no_parent_even_where_nothing_was_before() -> None:
    with pytest.raises(SnapshotError, match="is a file"):
        merged([file("a/.wh.x"), file("a"), file("a/b")])


def test_a_link_replaced_ten_thousand_times_takes_little_time() -> None:
    flip = [
        member
        for number in range(10_000)
        for member in (symlink("current", f"v{number}"), file("current/x"))
    ]
    started = time.process_time()
    assert len(merged([directory("d"), *(file(f"d/{n}") for n in range(1000))], flip).nodes) > 9999
    assert time.process_time() - started < 10


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("marker", [".wh..wh..opq", ".wh.a"])
def test_markers_at_every_depth_above_many_files_take_little_time(order: int, marker: str) -> None:
    depth, files = 90, 30_000
    deepest = "/".join("a" * depth)
    above = [file("a/" * level + marker) for level in range(1, depth)][::order]
    lower = layer_of([file("a/lower"), file(f"{deepest}/lower")])
    layer = layer_of([*(file(f"{deepest}/f{n}") for n in range(files)), *above])
    began = time.process_time()
    tree = merge([lower, layer])
    assert time.process_time() - began < 1.5
    assert len(tree.nodes) == files + (marker == ".wh.a")
