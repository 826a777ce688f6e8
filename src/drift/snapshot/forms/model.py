"""What a normal form is, and the window of time that a build was made in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """When a build began and ended: aware moments, whose renderings it may have written."""

    started_at: datetime
    ended_at: datetime


class Form(Protocol):
    """A file format, and what of it two builds of the same inputs may differ in.

    ``name`` identifies the form in the store and in evidence; ``kind`` is the contract's word
    for such a difference (``timestamp``, ``log``, ``cache``, ``bytecode``, ``random``);
    ``exact`` says that equal normal forms prove it.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def exact(self) -> bool: ...

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """The content in normal form; None where it is not of this form after all.

        ``content`` is hostile: the work and the result are bounded whatever it holds.
        Without a window no dates are masked.
        """
        ...


class Settled(NamedTuple):
    """A content in normal form, and the form that it turned out to be in.

    ``members`` are the contents that a compressed file or an archive holds, in their own
    normal forms; those of an archive in it are among them.
    """

    form: Form
    normal: bytes
    members: tuple[bytes, ...] = ()
