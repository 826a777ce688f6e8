"""How ``drift gc`` tells its plan, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from drift.cli import output
from drift.engine.model import DiskSpace
from drift.report.words import counted, short, size
from drift.upkeep.plan import Plan, Removal
from drift.upkeep.sweep import Done

if TYPE_CHECKING:
    from drift.cli.gc import Own


def as_json(
    own: Own, plan: Plan | None, done: Sequence[Done] | None, after: DiskSpace | None
) -> dict[str, Any]:
    """The document of ``--format json``. ``rules`` is whether ``[upkeep]`` has any; ``result`` is
    null in a plan, ``removed`` or ``kept`` after it; sizes are bytes, null where they are not
    known."""
    disk = plan.disk if plan else None
    results = list(done) if done is not None else [None] * (len(plan.removals) if plan else 0)
    return {
        "schema_version": 1,
        "applied": done is not None,
        "rules": plan is not None,
        "own": {"images": own.images, "nights": own.nights, "not_removed": list(own.failed)},
        "disk": _disk(disk),
        "disk_after": _disk(after),
        "target": plan.target if plan else None,
        "blocked": plan.blocked if plan else None,
        "frees": plan.frees if plan else 0,
        "removals": [
            _removal(removal, result)
            for removal, result in zip(plan.removals if plan else (), results, strict=True)
        ],
        "kept": [
            {"kind": one.kind.value, "id": one.id, "names": list(one.names), "why": one.why}
            for one in (plan.kept if plan else ())
        ],
    }


def _disk(space: DiskSpace | None) -> dict[str, int] | None:
    return {"free": space.free, "total": space.total} if space else None


def _removal(removal: Removal, done: Done | None) -> dict[str, Any]:
    one, frees = removal.candidate, removal.frees
    return {
        "kind": one.kind.value,
        "id": one.id,
        "names": list(one.names),
        "why": one.why,
        "since": one.since.isoformat(),
        "frees": frees.now if frees.known else None,
        "frees_with_build_cache": frees.with_cache,
        "build_cache_records": list(frees.records),
        "leaves_volumes": list(one.leaves),
        "expected": removal.expected,
        "result": None if done is None else "kept" if done.why_not else "removed",
        "error": done.why_not if done else None,
        "freed": done.freed if done else None,
    }


def as_text(
    own: Own, plan: Plan | None, done: Sequence[Done] | None, after: DiskSpace | None
) -> str:
    """The same for people."""
    said = [
        f"Removed {counted(own.images, 'image')} of drift's own from the engine, "
        f"and {counted(own.nights, 'night')} from the store."
    ]
    if plan is None:
        return "\n".join([*said, *_NO_RULES]) + "\n"
    said += ["", *_room(plan.target, after or plan.disk)]
    said += _planned(plan) if done is None else _made(done)
    if plan.kept:
        said += ["", "Kept although a rule meets it:"]
        rows = [(one.kind.value, _name(one.names, one.id), one.why) for one in plan.kept]
        said += output.table([("WHAT", "NAME", "WHY"), *rows]).splitlines()
    return "\n".join(said) + "\n"


_NO_RULES = (
    "Nothing else is looked at: [upkeep] in drift.toml sets none of dangling, images_unused,",
    "keep_tags, containers_stopped and build_cache.",
)


def _room(target: int | None, disk: DiskSpace | None) -> Iterator[str]:
    """How far it is to what ``until_free`` asks for."""
    if target is not None and disk is not None:
        free = f"{size(disk.free)} of {size(disk.total)}"
        yield f"until_free wants {size(target)} free on the engine's disk; {free} is free now."


def _planned(plan: Plan) -> Iterator[str]:
    if not plan.removals:
        yield "Nothing else is to be removed by [upkeep]."
        return
    if plan.blocked:
        yield f"Nothing else would be removed: {output.inert(plan.blocked)}."
    rows = [
        (
            one.candidate.kind.value,
            _name(one.candidate.names, one.candidate.id),
            one.candidate.why + ("" if one.expected else "; only if room is still short"),
            _frees(one),
        )
        for one in plan.removals
    ]
    yield from output.table([("WHAT", "NAME", "WHY", "FREES"), *rows]).splitlines()
    yield from _volumes(plan.removals)
    if not plan.blocked:
        yield f"{size(plan.frees)} would be freed. `drift gc --apply` carries this out."


def _made(done: Sequence[Done]) -> Iterator[str]:
    if not done:
        yield "Nothing else was to be removed by [upkeep]."
        return
    rows = []
    for one in done:
        candidate = one.removal.candidate
        outcome = f"not removed: {one.why_not}" if one.why_not else "removed"
        freed = "" if one.freed is None else size(max(one.freed, 0))
        rows.append((candidate.kind.value, _name(candidate.names, candidate.id), outcome, freed))
    yield from output.table([("WHAT", "NAME", "RESULT", "FREED"), *rows]).splitlines()
    yield from _volumes([one.removal for one in done if one.why_not is None])


def _volumes(removals: Sequence[Removal]) -> Iterator[str]:
    for one in removals:
        for volume in one.candidate.leaves:
            name = _name(one.candidate.names, one.candidate.id)
            yield output.inert(f"Volume {volume} stays; nothing names it without {name}.")


def _frees(one: Removal) -> str:
    told = size(one.frees.now) if one.frees.known else f"{size(one.frees.now)} or more"
    if one.frees.with_cache:
        told += f" (+{size(one.frees.with_cache)} with the build cache)"
    return told


def _name(names: Sequence[str], fallback: str) -> str:
    return ", ".join(map(_shortened, names)) or short(fallback)


def _shortened(name: str) -> str:
    """``debian@sha256:6f3ab0c1d2e4``: a name by digest, by the digest's first digits."""
    repository, at, digest = name.rpartition("@")
    return f"{repository}{at}{short(digest)}"
