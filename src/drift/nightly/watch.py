"""What a run tells whoever watches it; the command line draws it."""

from __future__ import annotations

from typing import Protocol

from drift.builds import Role


class Watcher(Protocol):
    """Called from several threads, one line of progress at a time."""

    def says(self, message: str) -> None:
        """Something about the whole run: waiting for another one, pulling bases."""
        ...

    def begins(self, image: str, role: Role, reason: str) -> None:
        """A build begins."""
        ...

    def steps(self, image: str, step: int, steps: int, name: str) -> None:
        """A build is at a step, the ``step``-th of ``steps``."""
        ...

    def ends(self, image: str, role: Role, seconds: float, outcome: str) -> None:
        """A build has ended; ``outcome`` says how in a few words."""
        ...


class NobodyWatches:
    """A :class:`Watcher` that says nothing."""

    def says(self, message: str) -> None: ...

    def begins(self, image: str, role: Role, reason: str) -> None: ...

    def steps(self, image: str, step: int, steps: int, name: str) -> None: ...

    def ends(self, image: str, role: Role, seconds: float, outcome: str) -> None: ...
