"""What a night hands to the report beside the differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from drift.attribute.model import Origin
from drift.masking import Mask
from drift.nightly.prepare import Prepared
from drift.report.diffs import Texts
from drift.report.results import Exhibits, ImageResult
from drift.source.commits import commits_between


def with_exhibits(
    result: ImageResult, prepared: Prepared | None, mask: Mask, texts: Texts | None
) -> ImageResult:
    """The result with the Dockerfile that was built, its repository's remote, and where texts
    are kept; the first cause that is the repository's has the commits in its evidence."""
    if prepared is None:
        return replace(result, exhibits=Exhibits(texts=texts, mask=mask))
    exhibits = Exhibits(
        dockerfile=prepared.context.dockerfile,
        dockerfile_content=prepared.context.dockerfile_content,
        remote=prepared.checkout.remote,
        texts=texts,
        mask=mask,
    )
    return replace(_with_commits(result, prepared, mask), exhibits=exhibits)


def _with_commits(result: ImageResult, prepared: Prepared, mask: Mask) -> ImageResult:
    found = result.attribution
    theirs = [c for c in (found.causes if found else ()) if c.origin is Origin.REPO]
    said = [mask.text(line) for line in _commits(result, prepared)] if theirs else []
    if found is None or not said:
        return result
    told = replace(theirs[0], evidence=(*theirs[0].evidence, *said))
    causes = tuple(told if cause is theirs[0] else cause for cause in found.causes)
    return replace(result, attribution=replace(found, causes=causes))


def _commits(result: ImageResult, prepared: Prepared) -> Iterator[str]:
    """``commit 1a2b3c4d5e6f by Jane Doe: Bump the base``, and how many more there are."""
    before, after = (
        build.inputs.repo.revision if build and build.inputs else None
        for build in (result.baseline, result.candidate)
    )
    if before is None or after is None or before == after:
        return
    found = commits_between(prepared.checkout, prepared.image.dockerfile, before, after)
    for commit in found.listed:
        yield f"commit {commit.id} by {commit.author}: {commit.subject}"
    if found.number > len(found.listed):
        yield f"and {found.number - len(found.listed):,} more commits"
