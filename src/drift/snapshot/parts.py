"""The parts of files that may be noisy: what two builds share of a file that differs.

A text's parts are its lines, those of JSON on one line its members (as far as commas and brackets
tell them); another file's are content-defined chunks (FastCDC: W. Xia et
al., *The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage
Systems*, 2020), so that bytes put in or taken out change only the chunks around them. What a
compressed file or an archive holds are parts of it too: each member, or the lines of one that
is a text; a chunk of a small one holds several, of which noise in one would hide the others. So
are the texts in a SQLite database, whose pages hold many rows.
A part is known by the first 64 bits of its sha256.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from pyfastcdc import FastCDC

from drift.snapshot import forms
from drift.snapshot.forms import Window
from drift.snapshot.forms.sqlite import MAGIC as SQLITE
from drift.snapshot.model import NormalForm
from drift.snapshot.texts import is_text

# Part of what the store keeps: chunks cut otherwise are never equal to those of before.
_AVERAGE, _SMALLEST, _LARGEST = 4096, 2048, 16384  # bytes; 5 KB on average


# JSON that is written without line ends, as bundlers and package tools do, and its members.
_FEW_LINES = 3
_COMPACT = re.compile(rb"\s*[{\[].*[}\]]\s*", re.DOTALL)
_BRACKETS = re.compile(rb"[,{}\[\]]+")
_SHORTEST = 8  # bytes of a member that is a part: two builds share shorter ones by chance
# What a row of a database holds of text, one column after the other.
_TEXTS = re.compile(rb"[\x20-\x7e\x80-\xff]{%d,}" % _SHORTEST)


def lines(content: bytes) -> tuple[int, ...]:
    """The digests of a text's lines, sorted, each once; of compact JSON its members' as well."""
    found = set(content.splitlines())
    if len(found) <= _FEW_LINES and _COMPACT.fullmatch(content):
        members = map(bytes.strip, _BRACKETS.split(content))
        found.update(member for member in members if len(member) >= _SHORTEST)
    return _digests(found)


def chunks(content: bytes | memoryview, members: Iterable[bytes] = ()) -> tuple[int, ...]:
    """The digests of a file's content-defined chunks and of its members, sorted, each once."""
    cutter = FastCDC(_AVERAGE, min_size=_SMALLEST, max_size=_LARGEST)  # safe in one thread only
    cut = (chunk.data for chunk in cutter.cut_buf(content))
    rows = _TEXTS.findall(content) if content[: len(SQLITE)] == SQLITE else ()
    return _digests(chain(cut, rows, *map(_of_member, filter(None, members))))


def _of_member(content: bytes) -> Iterable[bytes]:
    return content.splitlines() if is_text(content[: forms.START]) else (content,)


def _digests(pieces: Iterable[bytes | memoryview]) -> tuple[int, ...]:
    digests = {hashlib.sha256(piece).digest()[:8] for piece in pieces}
    return struct.unpack(f">{len(digests)}Q", b"".join(sorted(digests)))


class Parts(Mapping[str, tuple[int, ...]]):
    """Parts by path: those that were computed, and the lines of texts that are kept whole.

    The lines are computed when they are asked for. ``texts``, ``normal`` and ``window`` are
    the layer's texts, the normal forms of its files, and what dates were masked with.
    """

    def __init__(
        self,
        computed: dict[str, tuple[int, ...]],
        texts: Mapping[str, bytes],
        normal: Mapping[str, NormalForm],
        window: Window | None,
    ) -> None:
        self.computed = computed
        self.window = window
        self._texts = texts
        self._normal = normal

    def __getitem__(self, path: str) -> tuple[int, ...]:
        if path in self.computed:
            return self.computed[path]
        return lines(self._content(path))

    def _content(self, path: str) -> bytes:
        """A kept text, in normal form where it has one."""
        content, normal = self._texts[path], self._normal.get(path)
        if normal is None:
            return content
        masked = forms.by_name(normal.name).normal(path, content, self.window)
        return content if masked is None else masked

    def __contains__(self, path: object) -> bool:
        return path in self.computed or path in self._texts

    def __iter__(self) -> Iterator[str]:
        yield from self.computed
        yield from (path for path in self._texts if path not in self.computed)

    def __len__(self) -> int:
        return sum(1 for _ in self)
