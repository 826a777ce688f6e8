"""A nameless stage is given a name, and nothing else of the file changes."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.source.dockerfile import parse
from drift.source.dockerfile.naming import copies, with_name
from drift.source.dockerfile.stages import Build
from drift.source.tar import Member, with_file, write_tar

LINES = st.sampled_from(
    [
        "RUN echo a \\\n  b",
        "# a comment",
        "",
        "COPY <<EOF /x\nFROM b\nEOF",
        "ENV A=b \\\n# within\n C=d",
        "FROM a AS named",
        "FROM --platform=linux/amd64 b",
        "from \\\n  c",
        "  FROM d  ",
    ]
)


@given(st.lists(LINES), st.sampled_from(["\n", "\r\n"]))
def test_only_the_name_is_another(lines: list[str], end: str) -> None:
    content = "\n".join(["FROM first", *lines, "RUN last"]).replace("\n", end).encode()
    before = parse(content)
    for stage in before.stages:
        if stage.name is None:
            named = with_name(content, before, stage, "given")
            assert named is not None
            after = parse(named).stages
            assert after[stage.index].name == "given"
            assert [replace(s, name=None, text="") for s in after] == [
                replace(s, name=None, text="") for s in before.stages
            ]


def test_a_directive_stays_one() -> None:
    content = b"# syntax=example.org/front:1\n# escape=`\nFROM `\n  a\n\nRUN x"
    before = parse(content)
    named = with_name(content, before, before.stages[0], "given")
    assert named is not None
    assert parse(named).syntax == "example.org/front:1"
    assert parse(named).stages[0].name == "given"


@pytest.mark.parametrize(
    ("instruction", "taken"),
    [
        ("COPY . /src", True),
        ("COPY ./ /src", True),
        ("COPY src/.. /src", True),
        ("COPY / /src", True),
        ("COPY * /src", True),
        ("COPY .d* /src", True),
        ("COPY $WHAT /src", True),
        ("ADD . /src", True),
        ('COPY ["a", ".", "/src/"]', True),
        ("RUN --mount=type=bind,target=/src make", True),
        ("COPY package*.json src/ go.mod ./", False),
        ("COPY src/* /src", False),
        ("COPY --from=x . /src", False),
        ("COPY <<EOF /x\nEOF", False),
        ("ADD https://example.org/a /src", False),
        ("RUN --mount=type=cache,target=/src make .", False),
    ],
)
def test_what_may_copy_the_file(instruction: str, taken: bool) -> None:
    content = f"FROM a AS x\nFROM a AS y\n{instruction}\nFROM a\nCOPY . /\n".encode()
    assert copies(parse(content), Build(target="1"), ".dockerfile.drift") is taken


def test_what_a_stage_stands_on_counts() -> None:
    below = parse(b"FROM a AS below\nCOPY . /src\nFROM below\nRUN make\nFROM a\n")
    assert copies(below, Build(target="1"), "x")


def test_a_tar_with_one_more_file() -> None:
    kept = Member("a", tarfile.REGTYPE, 0o600, 3, content=b"abc")
    tar = io.BytesIO(b"".join(write_tar([kept])))
    with tarfile.open(fileobj=with_file(tar, "new", b"12345"), mode="r|") as archive:
        found = [(m.name, file.read()) for m in archive if (file := archive.extractfile(m))]
    assert found == [("new", b"12345"), ("a", b"abc")]
    assert tar.closed
