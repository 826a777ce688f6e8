"""Why an image does not build any more (contract, "Attribution": Broken).

T is tonight's build, tried twice; C the replay: the baseline's repo side, tonight.

1. The network, the engine or the machine was at fault: *unknown*, not the world's drift.
2. C builds: the repository did it (``repo``).
3. C fails in the same way, or the repo side is the same as the baseline's: the world changed
   (``external``), named after the source that the log says is gone or has other bytes.
4. C fails in another way: the world broke the old repo side, and what broke tonight's cannot
   be told.
5. No C can be had: ``unexplained``; but a source that is gone from an instruction which the
   baseline had too is the world's doing (``inferred``).
6. No baseline: ``unexplained``; but a source that is gone is the world's doing (``inferred``).

Where the log names no source, the bases that moved are told as causes beside it, and the URLs and
git refs that did, named no later than the instruction that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drift.attribute.at_fault import AtFault, at_fault, failure_of, instruction_text, unanswered
from drift.attribute.bases import claim_of_move
from drift.attribute.claims import Claim, cause_of
from drift.attribute.edits import edit_between
from drift.attribute.model import Attribution, Grade, Kind, Origin, Status
from drift.attribute.served import moves_between
from drift.attribute.sides import pairs_of_moved
from drift.attribute.toolchain import moved_engine
from drift.builds import Build, FailureKind, Reason

_WORTH_ANOTHER = (
    FailureKind.STEP,
    FailureKind.SOURCE,
    FailureKind.NETWORK,
    FailureKind.ENGINE,
)


@dataclass(frozen=True, slots=True)
class Breakage:
    """The verdict on an image that did not build: ``broken`` with causes, or ``unknown``."""

    status: Status
    claims: tuple[Claim, ...] = ()

    @property
    def attribution(self) -> Attribution:
        """The claims as causes, which explain no file."""
        causes = (
            cause_of(f"c{number}", claim) for number, claim in enumerate(self.claims, start=1)
        )
        return Attribution(causes=tuple(causes))


def retry_is_due(failed: Build) -> bool:
    """Whether a failed build may succeed a moment later: it had begun, and nothing is full."""
    return failure_of(failed).kind in _WORTH_ANOTHER and failed.seconds > 0


def flaky(first: Build) -> str:
    """As evidence: tonight's first build failed, and the second, of the same inputs, did not."""
    where = f" at {instruction_text(first)}" if failure_of(first).instruction else ""
    return f"the first build of the night failed{where}: {failure_of(first).message}"


def causes_of_break(
    baseline: Build | None,
    tried: Sequence[Build],
    replays: Sequence[Build],
    no_replay: str | None,
) -> Breakage:
    """The verdict on an image whose builds tonight, ``tried``, all failed; the last one counts.

    ``replays`` are those that were built, whatever came of them; ``no_replay`` says why there
    is none although the fingerprints differ. A baseline that did not build is none.

    Raises:
        ValueError: nothing was tried, or the last build did not fail.
    """
    if not tried:
        raise ValueError("nothing was built")
    last = tried[-1]
    if not failure_of(last).kind.broken or unanswered(last):
        return Breakage(Status.UNKNOWN)
    known = baseline if baseline is not None and baseline.ok else None
    claims = _claims(known, last, replays, no_replay)
    seen = _times(tried)
    told = tuple(replace(claim, evidence=(*claim.evidence, *seen)) for claim in claims)
    unnamed = all(claim.kind is Kind.FILE for claim in claims)
    moved = (*_moved_bases(known, last), *_moved_remotes(known, last)) if known and unnamed else ()
    return Breakage(Status.BROKEN, (*told, *moved))


def _moved_bases(baseline: Build, last: Build) -> tuple[Claim, ...]:
    """Where nothing names what broke a build: the bases that moved, of which it may be one."""
    if baseline.inputs is None or last.inputs is None:
        return ()
    pairs = pairs_of_moved(baseline.inputs.bases, last.inputs.bases)
    why = "the build that fails stands on it"
    claims = (claim_of_move(*pair, why) for pair in pairs)
    return tuple(claim for claim in claims if claim.origin is Origin.EXTERNAL)


def _moved_remotes(baseline: Build, last: Build) -> Iterator[Claim]:
    """The same of what was fetched for the instruction that fails, or may have been."""
    failing = failure_of(last).instruction
    for move in moves_between(baseline, last):
        if failing is None or move.now.remote.line <= failing.line:
            yield move.told(baseline.night, "the build that fails fetches it")


def replay_break(baseline: Build, replay: Build) -> Claim | None:
    """The external break of the old repo side; None where the replay says nothing of the kind."""
    if replay.failure is None or not replay.failure.kind.broken or unanswered(replay):
        return None
    named = at_fault(replay, baseline)
    grade = Grade.INFERRED if named.kind is Kind.FILE else Grade.PROVEN
    why = "last night's revision does not build any more tonight"
    return _claim(Origin.EXTERNAL, named, grade, replay, why)


def _claims(
    baseline: Build | None, last: Build, replays: Sequence[Build], no_replay: str | None
) -> tuple[Claim, ...]:
    named = at_fault(last, baseline)
    if baseline is None:
        origin = Origin.EXTERNAL if named.gone else Origin.UNEXPLAINED
        why = "there is no earlier night that built it"
        return (_claim(origin, named, Grade.INFERRED, last, why),)
    if last.inputs is None and failure_of(last).reason is Reason.GIT_GONE:
        why = "the image's own source is not there, so that nothing was built"
        return (_claim(Origin.EXTERNAL, named, Grade.INFERRED, last, why),)
    if _same_repo_side(baseline, last):
        return (_unchanged(baseline, last, named),)
    if any(replay.ok for replay in replays):
        return (_by_repository(baseline, last, named),)
    old = next(filter(None, (replay_break(baseline, replay) for replay in replays)), None)
    if old is None:
        return (_without_replay(baseline, last, named, no_replay),)
    if (old.kind, old.subject) == (named.kind, named.subject):
        why = "last night's revision does not build tonight either"
        return (_claim(Origin.EXTERNAL, named, Grade.PROVEN, last, why),)
    why = "last night's revision fails tonight as well, but in another way"
    return old, _claim(Origin.UNEXPLAINED, named, Grade.INFERRED, last, why)


def _unchanged(baseline: Build, last: Build, named: AtFault) -> Claim:
    """The world's break of an unchanged repo side; unsure where the toolchain changed as well."""
    tools = _tools(baseline, last) if named.kind is Kind.FILE else ()
    grade = Grade.INFERRED if tools else Grade.PROVEN
    return _claim(Origin.EXTERNAL, named, grade, last, "repo fingerprint unchanged", *tools)


def _tools(baseline: Build, last: Build) -> tuple[str, ...]:
    """As evidence: what of the engine and its host is another than in the baseline."""
    if baseline.inputs is None or last.inputs is None:
        return ()
    return tuple(map(str, moved_engine(baseline.inputs.engine, last.inputs.engine)))


def _by_repository(baseline: Build, last: Build, named: AtFault) -> Claim:
    edit = edit_between(baseline, last)
    return Claim(
        origin=Origin.REPO,
        kind=edit.kind,
        subject=edit.subject or instruction_text(last),
        grade=Grade.PROVEN,
        before=edit.before,
        after=edit.after,
        instruction=failure_of(last).instruction,
        evidence=("last night's revision still builds tonight", *edit.evidence, *named.evidence),
    )


def _without_replay(baseline: Build, last: Build, named: AtFault, no_replay: str | None) -> Claim:
    reason = no_replay or "the repository changed, and no replay could tell the two apart"
    if named.gone and _asked_before(baseline, last, named):
        why = "the baseline asked for it too, in the same words"
        return _claim(Origin.EXTERNAL, named, Grade.INFERRED, last, reason, why)
    return _claim(Origin.UNEXPLAINED, named, Grade.INFERRED, last, reason)


def _asked_before(baseline: Build, last: Build, named: AtFault) -> bool:
    """Whether the baseline's Dockerfile had the very instruction, or the very base."""
    instruction = failure_of(last).instruction
    bases = baseline.inputs.bases if baseline.inputs else ()
    if instruction is None or not instruction.text:
        return any(base.reference == named.subject for base in bases)
    snapshots = (baseline.snapshot, *(stage.snapshot for stage in baseline.stages))
    return any(
        layer.instruction is not None and layer.instruction.text == instruction.text
        for snapshot in snapshots
        if snapshot is not None
        for layer in snapshot.layers
    )


def _same_repo_side(baseline: Build, last: Build) -> bool:
    one, other = baseline.inputs, last.inputs
    return bool(one and other and one.repo.fingerprint == other.repo.fingerprint)


def _claim(origin: Origin, named: AtFault, grade: Grade, failed: Build, *why: str) -> Claim:
    return Claim(
        origin=origin,
        kind=named.kind,
        subject=named.subject,
        grade=grade,
        before=named.before,
        instruction=failure_of(failed).instruction,
        evidence=(*why, *named.evidence),
    )


def _times(tried: Sequence[Build]) -> tuple[str, ...]:
    """As evidence: how often it was tried, and what else was said."""
    last = failure_of(tried[-1]).message
    others = (build.failure.message for build in tried[:-1] if build.failure)
    different = [message for message in others if message != last]
    if len(tried) == 1:
        return ()
    if different:
        return (f"the build before failed otherwise: {different[-1]}",)
    return (f"it failed {len(tried)} times tonight",)
