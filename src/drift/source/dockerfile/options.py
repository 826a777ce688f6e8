"""Command lines read as ``getopt_long`` reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

OPERAND = ""


@dataclass(frozen=True, slots=True)
class Syntax:
    """Which short options (one string of letters) and long ones take an argument."""

    short: str
    long: frozenset[str]


def read(words: Sequence[str | None], syntax: Syntax) -> Iterator[tuple[str, str | None]]:
    """(option, argument) in order: ``-o``, ``--output``; operands as (:data:`OPERAND`, word).

    An argument that is not literal is None, and so is that of an option without one.
    """
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from ((OPERAND, operand) for operand in rest)
        elif word is None or word == "-" or not word.startswith("-"):
            yield OPERAND, word
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            taken = value if equals else next(rest, None) if name in syntax.long else None
            yield name, taken
        else:
            yield from _cluster(word[1:], rest, syntax)


def _cluster(
    letters: str, rest: Iterator[str | None], syntax: Syntax
) -> Iterator[tuple[str, str | None]]:
    for at, letter in enumerate(letters):
        if letter in syntax.short:
            yield f"-{letter}", letters[at + 1 :] or next(rest, None)
            return
        yield f"-{letter}", None
