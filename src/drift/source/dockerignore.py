"""Which paths of a context are left out: ``.dockerignore``, read and matched as docker does.

Reading follows moby's ``patternmatcher/ignorefile``; matching follows its
``MatchesUsingParentResults``: a path is ignored when the last pattern that matches it *or a
directory above it* is not an exception (``!``).

The two builders' clients differ in what they do below an ignored directory. The docker CLI
(classic) enters it only where the text of an exception begins with the directory's path, so
``!**/keep`` brings nothing back from it; BuildKit's client enters it whenever an exception
could match, and sends the directories above what it finds.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum

from drift.errors import SourceError
from drift.source.gopattern import Pattern

# Go's unicode.IsSpace; str.strip() takes the ASCII separators (1C-1F) as well.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_SPACE += "\u2028\u2029\u202f\u205f\u3000"

Matched = tuple[bool, ...]
"""For each pattern, whether it matched a directory or one above it; empty above the root."""


class Client(StrEnum):
    """Whose rules decide what is sent."""

    CLASSIC = "classic"
    BUILDKIT = "buildkit"


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns of one file, in order; an empty one ignores nothing."""

    patterns: tuple[Pattern, ...] = ()
    client: Client = Client.BUILDKIT

    @classmethod
    def parse(
        cls, content: bytes, *, name: str = ".dockerignore", client: Client = Client.BUILDKIT
    ) -> IgnoreRules:
        """Read an ignore file.

        Raises:
            SourceError: a pattern is malformed; names the file and the line.
        """
        text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
        patterns = []
        for number, line in enumerate(text.split("\n"), start=1):
            try:
                pattern = _parse_line(line)
            except ValueError as error:
                raise SourceError(
                    f"{name}, line {number}: {line.strip()!r} is not a pattern: {error}",
                    hint="docker refuses this file too; mend or remove the line",
                ) from error
            if pattern is not None:
                patterns.append(pattern)
        return cls(tuple(patterns), client)

    def match(self, path: str, above: Matched = ()) -> tuple[bool, Matched]:
        """Whether a path is ignored, and what to hand on as ``above`` for paths below it.

        ``path`` is relative, with slashes; ``above`` is what its directory's match gave.
        """
        ignored, matched = False, [False] * len(self.patterns)
        for index, pattern in enumerate(self.patterns):
            inherited = bool(above) and above[index]
            # What a pattern cannot change is not evaluated, nor recorded: as in moby.
            if not inherited and (pattern.exception != ignored or not pattern.matches(path)):
                continue
            matched[index] = True
            ignored = not pattern.exception
        return ignored, tuple(matched)

    def ignores(self, path: str) -> bool:
        """Whether a path or a directory above it is ignored; one path, without a walk."""
        ignored, start = False, 0
        above: Matched = ()
        while start >= 0:
            start = path.find("/", start + 1)
            ignored, above = self.match(path if start < 0 else path[:start], above)
        return ignored

    def may_except_below(self, directory: str) -> bool:
        """Whether something below an ignored directory may be brought back."""
        exceptions = [pattern for pattern in self.patterns if pattern.exception]
        if self.client is Client.BUILDKIT and not all(p.literal for p in exceptions):
            return True
        return any(f"{pattern.text}/".startswith(f"{directory}/") for pattern in exceptions)

    def keeping(self, path: str) -> IgnoreRules:
        """These rules with an exception for a path that must be sent, where one is needed."""
        if not self.ignores(path):
            return self
        literal = "".join(f"\\{c}" if c in "\\*?[]^" else c for c in path)
        return IgnoreRules((*self.patterns, Pattern(literal, exception=True)), self.client)


def _parse_line(line: str) -> Pattern | None:
    if line.startswith("#"):
        return None
    text = line.strip(_SPACE)
    exception = text.startswith("!")
    if exception:
        text = text[1:].strip(_SPACE)
    if not text and not exception:
        return None
    text = _clean(text) if text else ""
    if len(text) > 1:
        text = text.removeprefix("/")
    # moby's matcher trims, cleans and looks for the "!" once more: "/!a" is an exception.
    text = _clean(f"{'!' * exception}{text}".strip(_SPACE))
    if text == "!":
        raise ValueError("an exception needs a path")
    return Pattern(text.removeprefix("!"), text.startswith("!"))


def _clean(path: str) -> str:
    """Go's ``filepath.Clean``; unlike Python's, it keeps no double slash in front."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned
