"""Which build is needed next, and why: the fewest that decide (contract, "Attribution").

A pure function of what has been built and what is still open; only the nightly job builds.
Phases have a barrier between them: all tonight's builds of the fleet, then all replays, then
what failed once more, then all controls; :attr:`Wanted.phase` orders them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from drift.attribute.model import Need
from drift.builds import Role

REPLAY_PHASE, AGAIN_PHASE, CONTROL_PHASE = range(3)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the experiment of one image is.

    ``failed`` counts tonight's builds that failed; ``again`` says that trying once more may
    help. ``replays`` and ``controls`` count those that succeeded, the ``_failed`` ones say
    that one failed: it is not tried again. ``replayable`` is false where a replay would be
    tonight's build once more, there is no baseline, or its repo side cannot be had.
    ``policy`` is the image's ``control``. ``needs`` are what the attribution would like to
    know.
    """

    built: bool
    failed: int = 0
    again: bool = True
    replayable: bool = False
    replays: int = 0
    replay_failed: bool = False
    controls: int = 0
    control_failed: bool = False
    policy: str = "auto"
    needs: Collection[Need] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A build that is needed: its role, the phase that it belongs to, and why."""

    role: Role
    phase: int
    reason: str


def next_build(at: Progress) -> Wanted | None:
    """The build that is needed next; None where all is decided that can be."""
    if not at.built:
        return _after_failure(at)
    return _replay(at) or _control(at)


def _after_failure(at: Progress) -> Wanted | None:
    if at.replayable and not at.replays and not at.replay_failed:
        reason = "tonight's build failed: does last night's revision still build?"
        return Wanted(Role.REPLAY, REPLAY_PHASE, reason)
    if at.failed == 1 and at.again:
        return Wanted(Role.NIGHTLY, AGAIN_PHASE, "the first build failed: does it fail again?")
    return None


def _replay(at: Progress) -> Wanted | None:
    if not at.replayable or at.replay_failed:
        return None
    if Need.REPLAY in at.needs and not at.replays:
        reason = "the repository changed: what does last night's revision give tonight?"
        return Wanted(Role.REPLAY, REPLAY_PHASE, reason)
    # A control first: what is noise tonight is noise, whatever it was before.
    if Need.SECOND_REPLAY in at.needs and at.replays == 1 and not _may_control(at):
        reason = "last night, its revision tonight and tonight all differ: was it noise before?"
        return Wanted(Role.REPLAY, REPLAY_PHASE, reason)
    return None


def _may_control(at: Progress) -> bool:
    """Whether a first control can still be built."""
    return not at.controls and not at.control_failed and at.policy != "never"


def _control(at: Progress) -> Wanted | None:
    if at.policy == "never" or at.control_failed:
        return None
    before_replay = Need.SECOND_REPLAY in at.needs and at.replays == 1
    if not at.controls and (Need.CONTROL in at.needs or before_replay):
        reason = "differences that no source explains: do two builds of tonight agree?"
        return Wanted(Role.CONTROL, CONTROL_PHASE, reason)
    if at.controls == 1 and Need.SECOND_CONTROL in at.needs:
        reason = "a change from outside that no source names: does a second control agree?"
        return Wanted(Role.CONTROL, CONTROL_PHASE, reason)
    if not at.controls and at.policy == "always":
        return Wanted(Role.CONTROL, CONTROL_PHASE, 'control = "always"')
    return None
