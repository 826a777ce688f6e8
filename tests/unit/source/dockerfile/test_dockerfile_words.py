"""Substitution as Docker's lexer does it."""

from __future__ import annotations

import contextlib
import time

import pytest

from drift.source.dockerfile.words import Lexer

VARIABLES = {"A": "foobarfoo", "EMPTY": "", "P": "a/b/c.tar.gz", "S": "1 2"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$A", "foobarfoo"),
        ("${A}x", "foobarfoox"),
        ("$A.x", "foobarfoo.x"),
        ("$NONE", ""),
        ("$", "$"),
        ("$.", "$."),
        ("\\$A", "$A"),
        ("'$A'", "$A"),
        ('"$A"', "foobarfoo"),
        ('"\\$A \\x"', "$A \\x"),
        ("${NONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NONE-x}", "x"),
        ("${A:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE:-${A:+y}z}", "yz"),
        ("${NONE:-'a}b'}", "a}b"),
        ("${A:?no}", "foobarfoo"),
        ("${P#*/}", "b/c.tar.gz"),
        ("${P##*/}", "c.tar.gz"),
        ("${P%.*}", "a/b/c.tar"),
        ("${P%%.*}", "a/b/c"),
        ("${A/foo/x}", "xbarfoo"),
        ("${A//foo/x}", "xbarx"),
        ("${A//o?/-}", "f-barf-"),
        ("${A#b}", "foobarfoo"),
        ("${P//\\//-}", "a-b-c.tar.gz"),
    ],
)
def test_expands(word: str, expected: str) -> None:
    assert Lexer().expand(word, VARIABLES) == expected


@pytest.mark.parametrize(
    "word",
    ["${", "${}", "${:x}", "${A", "${A:-x", "${A!x}", "'x", '"x', "${NONE:?gone}", "${A#\\x}"],
)
def test_refuses(word: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Lexer().expand(word, VARIABLES)


def test_the_message_of_a_required_variable_is_told() -> None:
    with pytest.raises(ValueError, match="NONE: give it"):
        Lexer().expand("${NONE:?give it}", {})


def test_the_escape_character_can_be_a_backtick() -> None:
    assert Lexer("`").expand("C:\\$A `$A", {"A": "x"}) == "C:\\x $A"


def test_splits_where_spaces_are_not_quoted() -> None:
    assert Lexer().split("a 'b c' \"$S\" $S d\\ e", VARIABLES) == [
        "a",
        "b c",
        "1 2",
        "1",
        "2",
        "d e",
    ]


@pytest.mark.parametrize(
    "word",
    [
        "${" * 30000,
        "${A:-" * 30000,
        "$LONG" * 10000,
        "${LONG//*a*a*a*a*a*b/x}",
        "${LONG##*a*a*a*a*a*a*b}",
        "${LONG//a/" + "y" * 60000 + "}",
    ],
)
def test_hostile_words_end_soon(word: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ValueError):
        assert len(Lexer().expand(word, {"LONG": "a" * 20000})) <= 1 << 20
    assert time.process_time() - started < 5
