"""What a RUN of a stage made, traced to what moved before it.

A RUN makes its files from everything that its stage held: where a base, a package, a remote or
a copy moved below it, or in it, or the RUN itself was edited, the file follows from that. With
one such source the claim is ``derived``; with several, for an edit, and for a RUN that may have
fetched something else, it is ``inferred``. It names the source that the command names, else the one
that moved last before the RUN; its evidence names the others.

It is a reading: asked where the experiment says whose doing a file is, of sources that the same
one moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from drift.attribute.claims import Claim, Key
from drift.attribute.installs import installs_only
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.mounts import may_fetch
from drift.attribute.purls import bare_name, ecosystem
from drift.attribute.stagepair import Source, StagePair
from drift.compare.model import FileChange
from drift.snapshot.model import Instruction

_PACKAGES = (Kind.PACKAGE, Kind.PACKAGE_REPUBLISHED)
_WORD = re.compile(r"[\w./+-]+")
_TEXTS = 512  # whose words are kept: each is asked for every file that it made
_LONGEST = 60  # characters of an instruction in a sentence
_NAMED = 5  # sources in a sentence


def made_from(pair: StagePair, stage: str, change: FileChange, by: Origin) -> Claim | None:
    """The claim for a file that a RUN of the stage made; None where nothing named moved."""
    layer, run = pair.sides.maker(change) or (0, None)
    if run is None or not run.is_run:
        return None
    found = reaching(pair.sources(by), pair.mounted(run.text, by), layer)
    edit = pair.edited(change) if by is Origin.REPO else None
    found += [(edit, layer)] if edit else []
    if not found:
        return None
    (nearest, _), *others = in_order(found, run)
    elsewhere = by is Origin.EXTERNAL and _may_fetch_more(run, nearest)
    sure = not others and nearest is not edit and not elsewhere
    return replace(
        nearest,
        grade=Grade.DERIVED if sure else Grade.INFERRED,
        evidence=(
            *nearest.evidence,
            f"in stage {stage}, {_moved(nearest)}, and {_said(run)} made the file",
            *besides([claim for claim, _ in others]),
            *(["what else it may have fetched is not known"] if elsewhere else []),
        ),
    )


def _may_fetch_more(run: Instruction, claim: Claim) -> bool:
    """Whether a RUN may have fetched something else than what moved."""
    if claim.kind in (Kind.REMOTE_CONTENT, Kind.GIT_REMOTE):
        return False
    return may_fetch(run.text) and not installs_only(run, ecosystem(claim.subject))


def reaching(
    sources: Iterable[Source], mounted: Iterable[Claim], layer: int
) -> list[tuple[Claim, int]]:
    """What a RUN of a layer had before it, of that which moved, and where each moved last."""
    below = [
        (claim, max(at for at in layers if at <= layer))
        for claim, layers in sources
        if min(layers) <= layer
    ]
    return below + [(claim, layer) for claim in mounted]


def in_order(found: Iterable[tuple[Claim, int]], run: Instruction) -> list[tuple[Claim, int]]:
    """Each source once: those that the RUN's command names, then the nearest."""
    ordered = sorted(found, key=lambda one: (not _names(run, one[0]), -one[1], one[0].subject))
    first: dict[Key, tuple[Claim, int]] = {}
    for one in ordered:
        first.setdefault(one[0].key, one)
    return list(first.values())


def _names(run: Instruction, claim: Claim) -> bool:
    """Whether a command has a package's name among its words: most are called as their program."""
    return claim.kind in _PACKAGES and bare_name(claim.subject) in _words(run.text)


@lru_cache(maxsize=_TEXTS)
def _words(text: str) -> frozenset[str]:
    """The words of a command, and the names of the programs that it calls by their path."""
    words = _WORD.findall(text)
    return frozenset((*words, *(w.rpartition("/")[2] for w in words if "bin/" in w)))


def _moved(claim: Claim) -> str:
    if claim.kind is Kind.DOCKERFILE:
        return "an instruction was edited"
    if claim.kind in (Kind.CONTEXT, Kind.BUILD_CONFIG):
        return f"what {claim.subject[:_LONGEST]} brings changed"
    return f"{claim.subject} moved {claim.before or 'absent'} → {claim.after or 'absent'}"


def _said(run: Instruction) -> str:
    text = run.text if len(run.text) <= _LONGEST else f"{run.text[:_LONGEST]}…"
    return f"{text} (line {run.line})"


def besides(claims: Sequence[Claim]) -> list[str]:
    """A sentence for the other sources."""
    if not claims:
        return []
    named = ", ".join(_moved(claim) for claim in claims[:_NAMED])
    more = f", and {len(claims) - _NAMED} more" if len(claims) > _NAMED else ""
    return [f"before that, or with it: {named}{more}"]
