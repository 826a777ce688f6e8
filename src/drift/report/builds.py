"""The parts of an image's document that tell its builds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from drift.builds import Build
from drift.report.places import log_path
from drift.report.results import DiffSide
from drift.report.sections import instruction_object
from drift.snapshot.model import Snapshot
from drift.source.dockerfile.arguments import single_spaced


def side_object(build: Build | None) -> dict[str, Any] | None:
    """The build that one side of a comparison is; it may have failed."""
    if build is None:
        return None
    repo = build.inputs.repo if build.inputs else None
    return {
        "build": build.id,
        "night": build.night.isoformat(),
        "revision": repo.revision if repo else None,
        "dirty": repo.dirty if repo else None,
        "fingerprint": repo.fingerprint if repo else None,
        "image_id": build.snapshot.image_id if build.snapshot else None,
        "bases": [
            {"reference": base.reference, "digest": base.digest, "final": base.final}
            for base in (build.inputs.bases if build.inputs else ())
        ],
        "layers": _layers(build.snapshot),
    }


def _layers(snapshot: Snapshot | None) -> list[dict[str, Any]]:
    return [
        {
            "diff_id": layer.diff_id,
            "size": layer.size,
            "base": layer.base,
            "instruction": instruction_object(layer.instruction),
        }
        for layer in (snapshot.layers if snapshot else ())
    ]


def diff_side_object(side: DiffSide) -> dict[str, Any]:
    """The same for ``drift diff``, whose sides are seldom builds; ``reference`` is added.

    Each layer has what the image's history says that it was created by, where that is as long
    as the image has layers.
    """
    keys = ("build", "night", "revision", "dirty", "fingerprint")
    known = side_object(side.build) or {**dict.fromkeys(keys), "bases": []}
    made = [line.created_by for line in side.snapshot.config.history if not line.empty_layer]
    layers = _layers(side.snapshot)
    if len(made) == len(layers):
        pairs = zip(layers, made, strict=True)
        layers = [{**layer, "created_by": single_spaced(by)} for layer, by in pairs]
    image_id = side.snapshot.image_id
    return {**known, "layers": layers, "image_id": image_id, "reference": side.reference}


def build_objects(builds: Sequence[Build]) -> list[dict[str, Any]]:
    """The builds of one image in this run, each with its log's place."""
    attempts: Counter[str] = Counter()
    documents = []
    for build in builds:
        attempts[build.role] += 1
        documents.append(
            {
                "build": build.id,
                "role": build.role.value,
                "reason": build.reason,
                "seconds": round(build.seconds, 1),
                "ok": build.ok,
                "log": log_path(build.run, build.image, build.role, attempts[build.role]),
                "failure": _failure(build),
            }
        )
    return documents


def _failure(build: Build) -> dict[str, Any] | None:
    failure = build.failure
    if failure is None:
        return None
    return {
        "kind": failure.kind.value,
        "reason": failure.reason and failure.reason.value,
        "subject": failure.subject,
        "line": failure.line,
        "message": failure.message,
        "instruction": instruction_object(failure.instruction),
        "tail": list(failure.tail),
    }
