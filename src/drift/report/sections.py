"""The parts of an image's document that tell a comparison and its causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drift.attribute.model import Attribution, Cause
from drift.compare.model import Change, Comparison, FileChange, PackageChange
from drift.errors import ReportError
from drift.snapshot.model import Entry, Instruction, printable_path

_UNATTRIBUTED = Attribution(explained_files=0.0, explained_bytes=0.0)


def comparison_sections(
    comparison: Comparison | None, attribution: Attribution | None
) -> dict[str, Any]:
    """``causes`` to ``config``, in the contract's order; empty where nothing was compared.

    Raises:
        ReportError: there is an attribution, and a changed path is in none of its causes.
    """
    differences = comparison or Comparison()
    reasons = attribution or _UNATTRIBUTED
    if attribution is not None:
        _check_complete(differences, reasons)
    if not differences.files:
        reasons = replace(reasons, explained_files=1.0, explained_bytes=1.0)
    return {
        "causes": _causes(differences, reasons),
        "explained": {"files": reasons.explained_files, "bytes": reasons.explained_bytes},
        "layers": [
            {
                "index": layer.index,
                "before": layer.before,
                "after": layer.after,
                "size": layer.size,
                "instruction": instruction_object(layer.instruction),
            }
            for layer in differences.layers
        ],
        "packages": _packages(differences, reasons),
        "files": _files(differences, reasons),
        "config": [
            {
                "field": change.field,
                "before": change.before,
                "after": change.after,
                "cause": reasons.config.get(change.field),
            }
            for change in differences.config
        ],
    }


def instruction_object(instruction: Instruction | None) -> dict[str, Any] | None:
    """An instruction as the document has it."""
    if instruction is None:
        return None
    return {
        "stage": instruction.stage,
        "line": instruction.line,
        "text": instruction.text,
    }


def _check_complete(comparison: Comparison, attribution: Attribution) -> None:
    known = {cause.id for cause in attribution.causes}
    for change in comparison.files:
        if attribution.paths.get(change.path) not in known:
            raise ReportError(
                f"the changed path {printable_path(change.path)} belongs to no cause",
                hint="this is a mistake in drift: please report it with the image's Dockerfile",
            )


def _causes(comparison: Comparison, attribution: Attribution) -> list[dict[str, Any]]:
    """Counts are taken from the paths themselves, so that they add up by construction."""
    changed: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for change in comparison.files:
        cause = attribution.paths.get(change.path)
        if cause is not None:
            changed[cause] += 1
            size[cause] += change.bytes
    return [_cause(cause, changed[cause.id], size[cause.id]) for cause in attribution.causes]


def _cause(cause: Cause, changed: int, size: int) -> dict[str, Any]:
    return {
        "id": cause.id,
        "origin": cause.origin and cause.origin.value,
        "kind": cause.kind.value,
        "subject": cause.subject,
        "before": cause.before,
        "after": cause.after,
        "grade": cause.grade.value,
        "risk": list(cause.risk),
        "instruction": instruction_object(cause.instruction),
        "layer": cause.layer,
        "files": {"changed": changed, "bytes": size},
        "evidence": list(cause.evidence),
        "accepted": cause.accepted
        and {"until": cause.accepted.until.isoformat(), "reason": cause.accepted.reason},
    }


def _packages(comparison: Comparison, attribution: Attribution) -> dict[str, Any]:
    def listed(changes: Sequence[PackageChange]) -> list[dict[str, Any]]:
        return [
            {
                "purl": change.purl,
                "before": change.before,
                "after": change.after,
                "cause": attribution.packages.get(change.purl),
            }
            for change in changes
        ]

    changes = comparison.packages
    return {
        "added": listed([change for change in changes if change.before is None]),
        "removed": listed([change for change in changes if change.after is None]),
        "changed": listed([c for c in changes if c.before is not None and c.after is not None]),
        "unknown": dict(sorted(comparison.packages_unknown.items())),
    }


def _files(comparison: Comparison, attribution: Attribution) -> dict[str, Any]:
    counts = Counter(change.change for change in comparison.files)
    changes = sorted((*comparison.files, *comparison.metadata_only), key=lambda c: c.path)
    return {
        "added": counts[Change.ADDED],
        "removed": counts[Change.REMOVED],
        "modified": counts[Change.MODIFIED],
        "metadata_only": len(comparison.metadata_only),
        "ignored": comparison.ignored,
        "shadowed": comparison.shadowed,
        "entries": [_change(change, attribution) for change in changes],
    }


def _change(change: FileChange, attribution: Attribution) -> dict[str, Any]:
    return {
        "path": printable_path(change.path),
        "change": change.change.value,
        "fields": list(change.fields),
        "before": _entry(change.before),
        "after": _entry(change.after),
        "layer": change.layer,
        "cause": attribution.paths.get(change.path),
    }


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    """``mode`` is octal, four digits; ``mtime`` nanoseconds since the epoch, in decimal."""
    if entry is None:
        return None
    return {
        "type": entry.type.value,
        "size": entry.size,
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "digest": entry.digest,
        "link": printable_path(entry.link) if entry.link is not None else None,
        "device": list(entry.device) if entry.device is not None else None,
        "xattrs": dict(entry.xattrs),
        # A string: JavaScript and jq round integers of this size.
        "mtime": str(entry.mtime),
    }
