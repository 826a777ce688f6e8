"""What a night hands to the report beside the differences."""

from __future__ import annotations

from drift.masking import Mask
from drift.nightly.prepare import Prepared
from drift.report.diffs import Texts
from drift.report.results import Exhibits


def exhibits_of(prepared: Prepared | None, mask: Mask, texts: Texts | None) -> Exhibits:
    """The Dockerfile that was built, its repository's remote, and where texts are kept."""
    if prepared is None:
        return Exhibits(texts=texts, mask=mask)
    return Exhibits(
        dockerfile=prepared.context.dockerfile,
        dockerfile_content=prepared.context.dockerfile_content,
        remote=prepared.checkout.remote,
        texts=texts,
        mask=mask,
    )
