"""Which cause each difference has.

The rules are asked in this order, and the first that answers decides:

1. what a moved base brought is the base's;
2. what a moved package owns, or its database says of it, is the package's;
3. what follows from an edited context, Dockerfile or configuration is the repository's;
   a directory that came or went with its content has that content's cause;
4. everything else is ``unexplained``, and said so.
"""

from __future__ import annotations

import posixpath

from drift.attribute.bases import MovedBases
from drift.attribute.claims import Claim, Claims, Key
from drift.attribute.model import Attribution, Grade, Kind, Origin
from drift.attribute.packages import MovedPackages
from drift.attribute.repository import RepositoryChanges
from drift.attribute.sides import Sides
from drift.compare.model import Change, Comparison, ConfigChange, FileChange
from drift.snapshot.model import EntryType, printable_path


def attribute(sides: Sides, comparison: Comparison) -> Attribution:
    """Give every changed path, package and configuration field exactly one cause."""
    claims = Claims()
    bases = MovedBases(sides)
    repository = RepositoryChanges(sides, bases)
    packages = MovedPackages(sides, comparison, bases, repository)
    if not comparison.identical:
        for claim in bases.claims:
            claims.add(claim)
    for purl, claim in packages.claims.items():
        claims.packages[purl] = claims.add(claim)
    unexplained: list[FileChange] = []
    for change in comparison.files:
        answer = bases.of_path(change) or packages.of_path(change) or repository.of_path(change)
        if answer:
            claims.paths[change.path] = claims.add(answer)
        else:
            unexplained.append(change)
    for field in comparison.config:
        known = repository.of_config(field) or _unexplained_field(sides, field)
        claims.config[field.field] = claims.add(known)
    _add_unexplained(claims, sides, packages, _without_containers(claims, unexplained))
    return claims.attribution(comparison)


def _without_containers(claims: Claims, changes: list[FileChange]) -> list[FileChange]:
    """The changes that are left when directories have gone to the cause of what they hold.

    A directory that came or went with its content has that content's cause; where the
    content has several, that of its first path.
    """
    owner: dict[str, Key] = {}
    for path in sorted(claims.paths):
        owner.setdefault(posixpath.dirname(path), claims.paths[path])
    left = []
    for change in sorted(changes, key=lambda change: change.path, reverse=True):
        there = change.after or change.before
        directory = there is not None and there.type is EntryType.DIRECTORY
        key = owner.get(change.path)
        if directory and key and change.change is not Change.MODIFIED:
            claims.paths[change.path] = key
            owner.setdefault(posixpath.dirname(change.path), key)
        else:
            left.append(change)
    return left[::-1]


def _unexplained_origin(sides: Sides) -> Origin | None:
    return Origin.UNEXPLAINED if sides.after_inputs else None


def _unexplained_field(sides: Sides, change: ConfigChange) -> Claim:
    return Claim(
        origin=_unexplained_origin(sides),
        kind=Kind.BUILD_CONFIG,
        subject=change.field,
        grade=Grade.INFERRED,
        before=None if change.before is None else str(change.before),
        after=None if change.after is None else str(change.after),
        evidence=_toolchain(sides),
    )


def _add_unexplained(
    claims: Claims, sides: Sides, packages: MovedPackages, changes: list[FileChange]
) -> None:
    """One cause for each layer that holds paths which no source explains."""
    by_layer: dict[tuple[int, bool], list[FileChange]] = {}
    for change in changes:
        by_layer.setdefault((change.layer, change.after_layer is None), []).append(change)
    for (layer, removed), group in sorted(by_layer.items()):
        claim = Claim(
            origin=_unexplained_origin(sides),
            kind=Kind.FILE,
            subject=_common_path(group),
            grade=Grade.INFERRED,
            instruction=None if removed else sides.made_by(layer),
            layer=None if removed else layer,
            evidence=(*_fingerprints(sides), *_toolchain(sides), *packages.owners_of(group)),
        )
        key = claims.add(claim)
        claims.paths.update((change.path, key) for change in group)


def _common_path(changes: list[FileChange]) -> str:
    """The one path, or the directory below which all of them lie."""
    if len(changes) == 1:
        return printable_path(changes[0].path)
    common = posixpath.commonpath([posixpath.dirname(change.path) for change in changes])
    return printable_path(posixpath.join(common, "**"))


def _fingerprints(sides: Sides) -> tuple[str, ...]:
    if sides.after_inputs is None:
        return ()
    if sides.same_repo_side:
        return ("repo fingerprint unchanged", "no moved base or package holds it")
    return ("the repo fingerprint changed", "no moved base, package or edited instruction holds it")


def _toolchain(sides: Sides) -> tuple[str, ...]:
    """Engine-side inputs that differ, as evidence."""
    if sides.before_inputs is None or sides.after_inputs is None:
        return ()
    before, after = sides.before_inputs.engine, sides.after_inputs.engine
    names = ("name", "version", "builder", "platform", "kernel", "cpus", "storage_driver")
    frontends = (other or one for one, other in sides.moved_frontends)
    return (
        *(
            f"the engine's {name} changed: {getattr(before, name)} → {getattr(after, name)}"
            for name in names
            if getattr(before, name) != getattr(after, name)
        ),
        *(f"the frontend {base.reference} moved" for base in frontends if base),
    )
