"""What must not be read by others is replaced by ``***``: in logs, the store, reports, errors.

A value is looked for as it stands and in the forms that it takes on its way into a log:
percent-encoded, as base64 (also inside a longer base64 text, as in an ``Authorization``
header), JSON-escaped, and each line of a value of several lines.

Values shorter than :data:`SHORTEST` characters are not masked: they protect nothing, and
hiding every ``1`` or ``on`` would make a log unreadable and the value easy to guess.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
MASKED = "***"
_SHORTEST_FRAGMENT = 8  # of base64: shorter pieces occur by chance


class Mask:
    """Replaces each of some values, in all of its forms, by ``***``.

    Where values overlap in a text, all that any of them covers is hidden. A text is masked
    as a whole: one that is cut into pieces within a value must be put together first.
    """

    __slots__ = ("_bytes", "_first", "_text")

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values for form in _forms(value) if len(form) >= SHORTEST}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        choices = "|".join(map(re.escape, longest_first))
        # The lookahead finds a match at every position, so overlapping ones are seen too.
        self._first = re.compile(choices) if choices else None
        self._text = re.compile(f"(?=({choices}))")
        self._bytes = re.compile(
            b"(?=(" + b"|".join(re.escape(_encode(form)) for form in longest_first) + b"))"
        )

    def text(self, text: str) -> str:
        """The text without the values."""
        if self._first is None or self._first.search(text) is None:
            return text
        kept = _outside((match.span(1) for match in self._text.finditer(text)), len(text))
        return MASKED.join(text[start:end] for start, end in kept)

    def hides(self, content: bytes) -> bool:
        """Whether any of the values is in the bytes, in any form."""
        return self._first is not None and self._bytes.search(content) is not None

    def bytes(self, content: bytes) -> bytes:
        """The bytes without the values' UTF-8 bytes."""
        if self._first is None:
            return content
        kept = _outside((match.span(1) for match in self._bytes.finditer(content)), len(content))
        return MASKED.encode().join(content[start:end] for start, end in kept)


def _outside(spans: Iterable[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """What the union of spans, ordered by their starts, leaves; one piece more than it has."""
    start, covered = 0, None
    for begin, end in spans:
        if covered is None or begin >= covered:
            yield (start if covered is None else covered), begin
            covered = end
        else:
            covered = max(covered, end)
    yield (start if covered is None else covered), length


def _forms(value: str) -> Iterator[str]:
    if len(value) < SHORTEST:
        return
    for part in {value, value.strip(), *value.splitlines()}:
        if len(part) >= SHORTEST:
            yield part
            yield from _escaped(part)
            yield from _base64(_encode(part))


def _escaped(value: str) -> Iterator[str]:
    for encoded in (
        quote(_encode(value), safe=""),
        quote(_encode(value)),
        quote_plus(value.encode(errors="surrogateescape")),
    ):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]


def _base64(value: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(value).decode()
        yield encode(value).decode().rstrip("=")
        for offset in range(3):
            fragment = _fragment(encode(bytes(offset) + value).decode(), offset, len(value))
            if len(fragment) >= _SHORTEST_FRAGMENT:
                yield fragment


def _fragment(encoded: str, offset: int, length: int) -> str:
    """The characters (of six bits each) that hold nothing but the value's own bits."""
    return encoded[-(-offset * 8 // 6) : (offset + length) * 8 // 6]


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
