"""Packages by purl: added, removed, or in other versions."""

from __future__ import annotations

from collections import defaultdict

from drift.compare.model import PackageChange
from drift.snapshot.model import Packages


def compare_packages(before: Packages, after: Packages) -> tuple[PackageChange, ...]:
    """Each purl whose installed versions differ, sorted.

    Copies count: the same version installed at one more place is a difference. Where a
    side's database could not be read, a package that only the other side has is no
    difference: it may be there.
    """
    unknown = {*before.unknown, *after.unknown}
    one, other = _versions(before), _versions(after)
    return tuple(
        PackageChange(purl, _joined(one.get(purl)), _joined(other.get(purl)))
        for purl in sorted(one.keys() | other.keys())
        if one.get(purl) != other.get(purl)
        and (_ecosystem(purl) not in unknown or (purl in one and purl in other))
    )


def unknown_packages(before: Packages, after: Packages) -> dict[str, str]:
    """By purl type, why packages could not be compared; the sides are named."""
    return {
        ecosystem: _reasons(before.unknown.get(ecosystem), after.unknown.get(ecosystem))
        for ecosystem in sorted(before.unknown.keys() | after.unknown.keys())
    }


def _reasons(before: str | None, after: str | None) -> str:
    if before == after:
        return f"both: {before}"
    sides = (("baseline", before), ("candidate", after))
    return "; ".join(f"{side}: {reason}" for side, reason in sides if reason is not None)


def _ecosystem(purl: str) -> str:
    return purl.removeprefix("pkg:").partition("/")[0]


def _versions(packages: Packages) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        found[package.purl].append(package.version)
    return {purl: sorted(versions) for purl, versions in found.items()}


def _joined(versions: list[str] | None) -> str | None:
    return ", ".join(versions) if versions else None
