"""What of the repo side is another than in the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drift.attribute.model import Kind
from drift.builds import Build
from drift.source.model import RepoSide


@dataclass(frozen=True, slots=True)
class Edit:
    """The likeliest edit, the two states by which people find it again, and all that changed.

    ``subject`` is None where the edit is best named after an instruction.
    """

    kind: Kind
    subject: str | None = None
    before: str | None = None
    after: str | None = None
    evidence: tuple[str, ...] = ()


def edit_between(baseline: Build, candidate: Build) -> Edit:
    """What the repository changed from the baseline to tonight's build.

    An edited Dockerfile comes before an edited context, which most often holds it.
    """
    if baseline.inputs is None or candidate.inputs is None:
        return Edit(Kind.DOCKERFILE)
    before, after = baseline.inputs.repo, candidate.inputs.repo
    changed = tuple(edits_between(before, after))
    kinds = [kind for kind, _ in changed]
    states = states_of(before, after)
    evidence = tuple(why for _, why in changed)
    if Kind.BUILD_CONFIG in kinds and Kind.DOCKERFILE not in kinds:
        return Edit(Kind.BUILD_CONFIG, before.configured_anew(after)[0], *states, evidence)
    kind = Kind.CONTEXT if kinds and Kind.DOCKERFILE not in kinds else Kind.DOCKERFILE
    return Edit(kind, None, *states, evidence)


def edits_between(before: RepoSide, after: RepoSide) -> Iterator[tuple[Kind, str]]:
    """All that the repository changed, the likeliest to break a build first."""
    if before.dockerfile != after.dockerfile:
        yield Kind.DOCKERFILE, "the Dockerfile changed"
    for key in before.configured_anew(after):
        yield Kind.BUILD_CONFIG, f"the image's {key} in drift.toml changed"
    if before.context != after.context:
        yield Kind.CONTEXT, "the context digest changed"
    if before.git_commit != after.git_commit:
        yield Kind.CONTEXT, "the git commit of the .git that is sent changed"


def states_of(before: RepoSide, after: RepoSide) -> tuple[str | None, str | None]:
    """How people find the two states again, both named in the same way.

    By their commits, where neither tree was edited and they tell the two apart; else by the
    context digests; else by the commits of the ``.git`` that was sent. (None, None): by none.
    """
    edited = before.dirty or after.dirty or None in (before.revision, after.revision)
    pairs = (
        (None, None) if edited else (before.revision, after.revision),
        (before.context, after.context),
        (before.git_commit, after.git_commit),
    )
    return next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
