"""What came of asking one source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drift.oci import Digest
from drift.source.model import Probe, Remote


@dataclass(frozen=True, slots=True)
class Answer:
    """The same as a :class:`Probe`, not yet tied to the instructions that name the source."""

    at: datetime
    identity: str | None = None
    size: int | None = None
    members: Mapping[str, Digest] = field(default_factory=dict)
    problem: str | None = None
    gone: bool = False
    listed: Mapping[str, str] = field(default_factory=dict)

    def about(self, remote: Remote) -> Probe:
        """The answer for one instruction's remote."""
        return Probe(
            remote,
            self.at,
            self.identity,
            self.size,
            self.members,
            self.problem,
            self.gone,
            self.listed,
        )
