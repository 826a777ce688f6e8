"""What is inside of an archive or a compressed file, in its own normal form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drift.snapshot.forms.model import Form, Settled, Window

ROOM = 64 << 20  # bytes that one file may unpack to, all that is nested in it included
DEPTH = 3  # an archive in an archive in a compressed file; deeper is left as it is
START = 512

Choose = Callable[[str, bytes], Form | None]


@dataclass(slots=True)
class Inside:
    """How the content of members is put in normal form.

    ``inexact`` is set once a form took part whose equality proves nothing; ``room`` is what
    may still be unpacked, in bytes, and falls. ``members`` are the contents that were found,
    in normal form where they have one; of an archive among them, what it holds.
    """

    choose: Choose
    window: Window | None
    dates: bool = True
    room: int = ROOM
    depth: int = DEPTH
    inexact: bool = field(default=False, init=False)
    members: list[bytes] = field(default_factory=list, init=False)

    def normal(self, name: str, content: bytes) -> bytes | None:
        """A member's content in its form; None where it has none, and stays as it is."""
        known = len(self.members)
        normal = self._normal(name, content)
        if len(self.members) == known:
            self.members.append(content if normal is None else normal)
        return normal

    def _normal(self, name: str, content: bytes) -> bytes | None:
        form = self.choose(name, content[:START]) if content else None
        if form is None:
            return None
        if isinstance(form, Container):
            return self._nested(form, content)
        if not form.exact and not self.dates:
            return None
        normal = form.normal(name, content, self.window)
        self.inexact = self.inexact or (normal is not None and not form.exact)
        return normal

    def wants(self, name: str, start: bytes) -> bool:
        """Whether a member that starts so may have a form."""
        form = self.choose(name, start) if start else None
        return form is not None and (form.exact or self.dates)

    def take(self, size: int) -> bool:
        """Whether there is room to unpack so many bytes; they are taken from it."""
        self.room -= max(size, 0)
        return self.room >= 0

    def _nested(self, form: Container, content: bytes) -> bytes | None:
        if self.depth == 0:
            return None
        self.depth -= 1
        try:
            return form.unpack(content, self)
        finally:
            self.depth += 1


@dataclass(frozen=True, slots=True)
class Container:
    """The form of a file that holds others: its own times are masked, and so are theirs.

    ``unpack`` gives the normal form with the members' in it, None for what is damaged or too
    large. ``dated`` masks dates in members that are text, which proves nothing; without, it
    is exact.
    """

    stem: str
    unpack: Callable[[bytes, Inside], bytes | None]
    choose: Choose
    dated: bool = True
    kind: str = "timestamp"

    @property
    def name(self) -> str:
        return f"{self.stem}+dates" if self.dated else self.stem

    @property
    def exact(self) -> bool:
        return not self.dated

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content in normal form; None where it is damaged, or unpacks to too much."""
        del path
        return self.unpack(content, Inside(self.choose, window, dates=self.dated))

    def settled(self, content: bytes, window: Window | None) -> Settled | None:
        """The normal form, and the form that it is: the exact one where no date was masked."""
        inside = Inside(self.choose, window, dates=self.dated)
        normal = self.unpack(content, inside)
        if normal is None:
            return None
        form = self if inside.inexact else self.undated()
        return Settled(form, normal, tuple(inside.members))

    def undated(self) -> Container:
        """The same form without masking dates: exact."""
        return Container(self.stem, self.unpack, self.choose, dated=False, kind=self.kind)
