"""Where a copied file lies in its stage."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.attribute.copied import Copy, StageFiles, copy_of
from drift.snapshot.model import Entry, EntryType, LayersInMemory
from support.images import Member, directory, file, layer_of, snapshot_of, symlink


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY --from=build /out/a /b", Copy("build", ("/out/a",), "/b")),
        ("copy --chown=1:1 --from=0 a b c/", Copy("0", ("a", "b"), "c/")),
        ('COPY --from="build" --link ["/a b", "/c"]', Copy("build", ("/a b",), "/c")),
        ("COPY --from=build '/a b' $HOME/x", Copy("build", ("/a b",), "$HOME/x")),
        ("COPY --from=build [x] /y", Copy("build", ("[x]",), "/y")),
        ("COPY --from=build", None),
        ("COPY a b", None),
        ("COPY a --from=b", None),
        ("ADD --from=build a b", None),
        ("RUN cp --from=build a b", None),
    ],
)
def test_what_an_instruction_copies(text: str, expected: Copy | None) -> None:
    assert copy_of(text) == expected


@given(st.text(), st.sampled_from(["COPY --from=", "COPY --from=a ", "COPY ", ""]))
def test_no_text_is_too_odd(text: str, head: str) -> None:
    found = copy_of(head + text)
    assert found is None or found.source


STAGE = [
    [directory("usr/lib"), symlink("lib", "usr/lib"), file("usr/lib/libx.so.1", "x")],
    [
        file("out/bin/tool", "tool"),
        file("out/lib/libx.so.1", "x"),
        file("out/a.txt", "a"),
        file("out/b.txt", "b"),
        file("out/one/__init__.py", ""),
        file("out/two/__init__.py", ""),
        symlink("current", "out/bin"),
        symlink("out/link", "bin/tool"),
        directory("out/empty"),
    ],
]


def _files(stage: Sequence[Sequence[Member]] = STAGE) -> StageFiles:
    layers = LayersInMemory()
    return StageFiles(snapshot_of(stage, layers), layers)


def _source(paths: tuple[str, ...], member: Member) -> str | None:
    (entry,) = layer_of([member]).entries
    return _files().source_of(Copy("build", paths, "/"), entry)


@pytest.mark.parametrize(
    ("paths", "member", "expected"),
    [
        (("/out/bin/tool",), file("usr/bin/renamed", "tool"), "/out/bin/tool"),
        (("out/",), file("opt/bin/tool", "tool"), "/out/bin/tool"),
        (("/",), file("bin/tool", "tool"), "/out/bin/tool"),
        (("/out/./bin/../bin/tool",), file("t", "tool"), "/out/bin/tool"),
        (("/out/[ab].txt",), file("x/b.txt", "b"), "/out/b.txt"),
        (("/out/?.txt", "/out/bin"), file("x/a.txt", "a"), "/out/a.txt"),
        (("/out/a*",), file("x/b.txt", "b"), None),
        (("/o*/lib",), file("x/libx.so.1", "x"), "/out/lib/libx.so.1"),
        (("/lib/libx*",), file("x/libx.so.1", "x"), "/usr/lib/libx.so.1"),  # through a link
        (("/current",), file("x/tool", "tool"), "/out/bin/tool"),
        (("/current/tool",), file("tool", "tool"), "/out/bin/tool"),
        (("/out/link",), file("x", "tool"), "/out/bin/tool"),  # a copied link is its file
        (("/out",), symlink("x/link", "bin/tool"), "/out/link"),
        (("/out",), symlink("x/link", "elsewhere"), None),
        (("/out",), file("site/two/__init__.py", ""), "/out/two/__init__.py"),
        (("/out",), file("site/one/__init__.py", ""), "/out/one/__init__.py"),
        (("/out",), file("x/tool", "another"), None),
        (("/out",), directory("x/empty"), "/out/empty"),
        (("/out",), directory("x/none"), None),
        (("$WHERE",), file("x/tool", "tool"), "/out/bin/tool"),  # it may be anything
        ((), file("x/tool", "tool"), "/out/bin/tool"),
        (("/out/[",), file("x/tool", "tool"), "/out/bin/tool"),
    ],
)
def test_where_a_file_comes_from(
    paths: tuple[str, ...], member: Member, expected: str | None
) -> None:
    assert _source(paths, member) == expected


def test_a_layer_of_a_copy_is_the_stage_s_where_every_content_is() -> None:
    files, copy = _files(), Copy("build", ("/out",), "/")
    good = [directory("x"), file("x/bin/tool", "tool"), file("x/a.txt", "a")]
    assert files.gave(copy, layer_of(good))
    assert files.gave(copy, layer_of([directory("x")]))
    assert not files.gave(copy, layer_of([*good, file("x/c.txt", "c")]))


def test_links_in_circles_end() -> None:
    stage = [[symlink("a", "b"), symlink("b", "a"), file("c", "c")]]
    entry = Entry("/x", EntryType.FILE, digest=layer_of([file("c", "c")]).entries[0].digest)
    for paths in (("/a",), ("/a/x",), ("/a/*",)):
        assert _files(stage).source_of(Copy("s", paths, "/"), entry) in (None, "/c")


def test_a_pattern_that_matches_absurdly_much_is_everything() -> None:
    stage = [[file(f"d/{number}", str(number)) for number in range(10_050)]]
    (entry,) = layer_of([file("x/7", "7")]).entries
    assert _files(stage).source_of(Copy("s", ("/d/*",), "/"), entry) == "/d/7"
