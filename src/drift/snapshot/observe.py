"""What is learned of files beside their digests, while a layer streams by.

Normal forms, parts, exported symbols and small texts: for layers above the base, of files up
to :data:`LARGEST` bytes. Which files have parts, and which texts are kept:

- parts of texts up to 1 MiB and of other files up to 2 MiB; of the members of an archive where
  they are no more; texts up to 64 KiB;
- of one layer only so much as :class:`Room` has, in the order of the layer, and less in
  directories that package managers fill: what packages own needs neither.

A search for dates is as dear, and has its room too; other forms are known by their magic or
path, and always tried. A file that has no parts is not in the mapping: nothing is known of
what it shares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from drift.oci import Digest
from drift.snapshot import symbols, texts
from drift.snapshot.forms import START, Form, Window, choose, from_start, settled
from drift.snapshot.model import Layer, NormalForm
from drift.snapshot.parts import Parts, chunks, lines

LARGEST = 16 << 20  # bytes of a file that is looked into
NORMAL_LIMIT = 64 << 20  # bytes of a normal form; forms bound themselves, this holds them to it
LARGEST_TEXT = 1 << 20  # bytes of a text whose lines are parts
LARGEST_BINARY = 2 << 20  # bytes of another file whose chunks are parts
SYMBOLS_LIMIT = 200_000  # of one layer; the names take 20 MB

_SEARCHES = ("dates", "elf-dates")  # forms whose normal form is searched for, byte by byte
_FILLED = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/var/lib/")


@dataclass(slots=True)
class Room:
    """How much of one layer's files may still be cut into parts, kept, searched for dates.

    In bytes, each counted as often as it costs: see :func:`_cut_cost`, :func:`_dates_cost`.
    """

    parts: int
    texts: int
    dates: int


def nothing_hidden(_content: bytes) -> bool:
    """No text holds a value that must not be kept."""
    return False


@dataclass(frozen=True, slots=True)
class Observer:
    """What to learn. Without a ``window`` no dates are masked.

    ``hides`` says of a text that it holds a value that must not be kept.
    """

    window: Window | None = None
    hides: Callable[[bytes], bool] = nothing_hidden


class Look(NamedTuple):
    """What to learn of one file."""

    form: Form | None
    text: bool
    kept: bool
    cut: bool
    library: bool


class Observation:
    """What was learned of one layer's files, by path."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._room = {
            True: Room(parts=4 << 20, texts=8 << 20, dates=16 << 20),
            False: Room(parts=16 << 20, texts=32 << 20, dates=32 << 20),
        }
        self._symbols_left = SYMBOLS_LIMIT
        self._known: set[str] = set()
        self.forms: dict[str, NormalForm] = {}
        self.symbols: dict[str, tuple[str, ...]] = {}
        self.texts: dict[str, bytes] = {}
        self.parts = Parts({}, self.texts, self.forms, observer.window)

    def on(self, layer: Layer) -> Layer:
        """The layer with what was learned of it."""
        return replace(
            layer, forms=self.forms, parts=self.parts, symbols=self.symbols, texts=self.texts
        )

    def hides(self, content: bytes) -> bool:
        """Whether a text holds a value that must not be kept."""
        return self._observer.hides(content)

    def look(self, path: str, mode: int, size: int, start: bytes) -> Look | None:
        """What to learn of a file that starts so; None where that is nothing."""
        start = start[:START]
        self._forget(path)
        text = texts.is_text(start)
        room = self._room[_filled(path)]
        form = choose(path, mode, size, start)
        if form is not None and form.name in _SEARCHES:
            form = self._search(form, room, _dates_cost(size, text=text))
        kept = text and size <= room.texts and texts.may_be_kept(path, mode, size)
        cut = size <= (LARGEST_TEXT if text else LARGEST_BINARY) and (
            _cut_cost(size, text=text) <= room.parts
        )
        library = start.startswith(symbols.MAGIC) and self._symbols_left > 0
        if form is None and not (kept or cut or library):
            return None
        return Look(form, text, kept, cut, library)

    def _search(self, form: Form, room: Room, cost: int) -> Form | None:
        """A form that searches for dates, as long as there is room for it."""
        if self._observer.window is None or cost > room.dates:
            return None
        room.dates -= cost
        return form

    def look_at_large(self, path: str, start: bytes) -> None:
        """Learn of a file that is too large to be looked into what its first bytes say."""
        self._forget(path)
        form = from_start(path, start)
        if form is not None:
            self._known.add(path)
            self.forms[path] = form

    def _forget(self, path: str) -> None:
        """A path that comes again in its layer: what it was before is of no interest."""
        if path not in self._known:
            return
        self.forms.pop(path, None)
        self.parts.computed.pop(path, None)
        self.symbols.pop(path, None)
        self.texts.pop(path, None)

    def take(self, path: str, look: Look, content: bytes | memoryview, digest: Digest) -> None:
        """Learn of a file, whose content has that digest, what :meth:`look` has said."""
        self._known.add(path)
        room = self._room[_filled(path)]
        if look.form or look.text:
            content = bytes(content)  # views are of a chunk, which need not outlive it
            self._take(room, path, look, content, digest)
        elif look.cut:
            room.parts -= len(content)
            self.parts.computed[path] = chunks(content)
        if look.library:
            self._export(path, content)

    def _take(self, room: Room, path: str, look: Look, content: bytes, digest: Digest) -> None:
        normal, members = self._normal(path, look.form, content, digest)
        if look.kept and not (texts.holds_key(content) or self._observer.hides(content)):
            room.texts -= len(content)
            self.texts[path] = content
        elif look.cut:
            room.parts -= _cut_cost(len(content), text=look.text)
            members = self._within(room, members)
            self.parts.computed[path] = lines(normal) if look.text else chunks(normal, members)

    @staticmethod
    def _within(room: Room, members: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The members, where there is room for parts of them too."""
        size = sum(map(len, members))
        cost = _cut_cost(size, text=True)
        if size > LARGEST_BINARY or cost > room.parts:
            return ()
        room.parts -= cost
        return members

    def _normal(
        self, path: str, form: Form | None, content: bytes, digest: Digest
    ) -> tuple[bytes, tuple[bytes, ...]]:
        """The content in normal form, as it is where that is none or no other; its members."""
        if form is None:
            return content, ()
        try:
            found = settled(form, path, content, self._observer.window)
        except Exception:  # the file is hostile, and as it is when no form can be made of it
            return content, ()
        if found is None or len(found.normal) > NORMAL_LIMIT:
            return content, ()
        same = Digest.of(found.normal)
        if same != digest:
            self.forms[path] = NormalForm(found.form.name, same)
        return found.normal, found.members

    def _export(self, path: str, content: bytes | memoryview) -> None:
        found = symbols.exported(path.rpartition("/")[2], content)
        if found is not None and len(found) <= self._symbols_left:
            self._symbols_left -= len(found)
            self.symbols[path] = found


def unobserved(layer: Layer) -> Layer:
    """The layer without what was learned of its files."""
    return replace(layer, forms={}, parts={}, symbols={}, texts={})


def _filled(path: str) -> bool:
    """Whether a path lies where package managers put their files."""
    if path.startswith(_FILLED) and not path.startswith("/usr/local/"):
        return True
    return "-packages/" in path or "/node_modules/" in path


def _cut_cost(size: int, *, text: bool) -> int:
    """A text has more lines than another file has chunks."""
    return size * 4 if text else size


def _dates_cost(size: int, *, text: bool) -> int:
    """Files that are no text hold dates seldom."""
    return size if text else size * 8
