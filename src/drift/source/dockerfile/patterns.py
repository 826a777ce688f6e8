"""The patterns of ``${name#pattern}`` and its kin: ``*``, ``?`` and literal characters.

Matched by walking sets of positions, not by a regular expression: time is bounded whatever
the pattern is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_MAX_STEPS = 2_000_000
_ANY, _ONE = "*", "?"


class _Steps:
    """What is left of the work that one substitution may take."""

    def __init__(self) -> None:
        self.left = _MAX_STEPS

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise ValueError("a pattern takes too long to match")


def trim(value: str, pattern: str, *, suffix: bool, longest: bool) -> str:
    """The value without the shortest or longest prefix (suffix) that the pattern matches.

    Raises:
        ValueError: the pattern has a bad escape, or takes too long.
    """
    if suffix and len(pattern) > 1 and (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        pattern += "\\"  # BuildKit reads a suffix pattern backwards: a last \ escapes nothing
    tokens = list(_tokens(pattern))
    text = value[::-1] if suffix else value
    ends = _ends(tokens[::-1] if suffix else tokens, text, 0, _Steps())
    if not ends:
        return value
    cut = max(ends) if longest else min(ends)
    return value[: len(value) - cut] if suffix else value[cut:]


def replace(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """The value with the first longest match, or every one, replaced.

    Raises:
        ValueError: the pattern has a bad escape, or takes too long.
    """
    tokens, steps, out, at = list(_tokens(pattern)), _Steps(), [], 0
    while at <= len(value):
        ends = _ends(tokens, value, at, steps)
        if ends:
            steps.take(len(replacement))
            out.append(replacement)
        end = max(ends, default=at)
        if end == at:
            out.append(value[at : at + 1])
            end += 1
        at = end
        if at == len(value) and ends:
            break
        if ends and not everywhere:
            break
    return "".join(out) + value[at:]


def _tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """(character, is a wildcard), with ``\\*``, ``\\?`` and ``\\\\`` as literals."""
    characters = iter(pattern)
    for character in characters:
        if character != "\\":
            yield character, character in (_ANY, _ONE)
            continue
        literal = next(characters, "")
        if literal not in ("*", "?", "\\", "}", "/"):
            raise ValueError(f"invalid escape \\{literal} in a pattern")
        yield literal, False


def _ends(tokens: Sequence[tuple[str, bool]], text: str, start: int, steps: _Steps) -> set[int]:
    """All positions where a match that begins at ``start`` can end."""
    positions = {start}
    for character, wild in tokens:
        steps.take(len(positions) + 1)
        if wild and character == _ANY:
            steps.take(len(text) - start + 1)
            positions = set(range(min(positions), len(text) + 1))
        else:
            positions = {
                at + 1 for at in positions if at < len(text) and (wild or text[at] == character)
            }
        if not positions:
            break
    return positions
