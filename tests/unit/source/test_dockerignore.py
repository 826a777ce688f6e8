"""Ignore files are read and matched as moby's patternmatcher does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SourceError
from drift.source.dockerignore import Client, IgnoreRules


def ignores(lines: str, path: str) -> bool:
    return IgnoreRules.parse(lines.encode()).ignores(path)


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./x/../a//b/.", "a/b", True),
        ("\ufeffa", "a", True),
        ("# a\na # b", "a", False),
        (" #a", "#a", True),
        ("  a \r\n", "a", True),
        ("\x1ca", "a", False),
        ("*", "a/b", True),
        ("*/b", "a/b", True),
        ("*/b", "b", False),
        ("?", "é", True),
        ("**", "a/b", True),
        ("**/b", "b", True),
        ("**/b", "x/y/b/z", True),
        ("**b", "x/ab", True),
        ("a/**", "a", False),
        ("a/**", "a/b", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("[a-c]", "b", True),
        ("[^a-c]", "b", False),
        ("[a\\-c]", "-", True),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("\\d", "7", True),
        ("a.c", "abc", False),
        ("a.c*", "abc", False),
        ("a|b*", "ax", True),
        ("^a*", "^ab", False),
        ("*\n!a", "a/b", False),
        ("*\n!a\na/b", "a/b", True),
        ("*\n! /a", "a", False),
        ("!a\n*", "a", True),
        ("*\n!!a", "!a", False),
        ("..", "a", False),
        (".", "a", False),
        ("/", "a", False),
    ],
)
def test_a_path_is_ignored_as_docker_does(lines: str, path: str, expected: bool) -> None:
    assert ignores(lines, path) is expected


@pytest.mark.parametrize("line", ["[", "[]a]", "a\\", "[a-]", "!", "!/", "[z-a]", "\\q*"])
def test_a_malformed_pattern_names_file_and_line(line: str) -> None:
    with pytest.raises(SourceError, match=r"x\.dockerignore, line 2"):
        IgnoreRules.parse(f"a\n{line}".encode(), name="x.dockerignore")


@given(st.text(alphabet="ab*?[]^-\\/!.{}|1,d:é \n", max_size=20))
def test_any_text_is_rules_or_a_source_error(text: str) -> None:
    try:
        rules = IgnoreRules.parse(text.encode())
    except SourceError:
        return
    assert rules.ignores("a/b") in (True, False)


def test_only_buildkit_looks_for_wildcard_exceptions_below_an_ignored_directory() -> None:
    for client, expected in ((Client.CLASSIC, False), (Client.BUILDKIT, True)):
        rules = IgnoreRules.parse(b"a\n!**/keep", client=client)
        assert rules.may_except_below("a") is expected
        plain = IgnoreRules.parse(b"a\n!a/b/keep", client=client)
        assert plain.may_except_below("a/b")
        assert not plain.may_except_below("a/c")


def test_many_stars_take_no_time() -> None:
    assert not ignores("**/" + "a*" * 20 + "b", "/".join(["a" * 200] * 20))
    assert ignores("*a.b*?c*d", "xa.b.cc.d.d")
