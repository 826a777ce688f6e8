"""Whether a build used the bases that were pulled for it.

What the trace says is checked where it says anything; the layers at the bottom of the image
always are. A build on other bases says nothing about ours, and is void.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from drift.builds import Failure, FailureKind
from drift.engine.model import BuildResult
from drift.nightly.prepare import CannotBuild
from drift.oci import Digest, Reference
from drift.snapshot.model import Snapshot
from drift.source.model import Base


def verify_bases(bases: Sequence[Base], result: BuildResult) -> None:
    """Check what the build says it used against what was pulled.

    Raises:
        CannotBuild: it used another base; then the build says nothing about ours.
    """
    used: dict[Reference | str, list[Digest]] = defaultdict(list)
    for reference, digest in result.bases_used.items():
        used[_name(reference)].append(digest)
    for base in bases:
        digests = used[_name(base.reference)]  # several, where one tag has two digests
        if digests and not {base.digest, base.image_id} & {*digests}:
            raise _void(base, digests[0])


def verify_prefix(base: Base | None, snapshot: Snapshot) -> None:
    """Check that the image stands on the layers of the base that was pulled.

    Raises:
        CannotBuild: it does not.
    """
    if base is not None:
        found = tuple(layer.diff_id for layer in snapshot.layers[: len(base.diff_ids)])
        if found != base.diff_ids:
            raise _void(base, None)


def _void(base: Base, used: Digest | None) -> CannotBuild:
    what = f"it used {used}" if used else "its layers are not at the bottom of the image"
    message = f"the build did not use the {base.reference} that was pulled: {what}"
    return CannotBuild(Failure(FailureKind.ENGINE, message))


def _name(reference: str) -> Reference | str:
    """A reference in normal form, its digest left out: the builder adds it."""
    try:
        return replace(Reference.parse(reference), digest=None)
    except ValueError:
        return reference
