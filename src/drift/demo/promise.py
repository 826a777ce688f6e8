"""What the demo's nights promise, checked against the reports that they left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drift.attribute.model import Kind, Origin, Status

_QUIET = {Status.IDENTICAL, Status.EQUIVALENT}
_DRIFTED = {Status.DRIFTED}
_MOVED = {"demo-web": _DRIFTED, "demo-tool": _DRIFTED, "demo-site": _QUIET}


@dataclass(frozen=True, slots=True)
class Night:
    """One run: the process's exit code and the drift.json that it left."""

    exit_code: int
    document: Mapping[str, Any]

    @property
    def statuses(self) -> dict[str, str]:
        """Each image's status, by name."""
        return {image["name"]: image["status"] for image in self.document["images"]}

    def causes(self, origin: Origin, kind: Kind) -> list[Mapping[str, Any]]:
        """The causes of one origin and kind, of all images."""
        return [
            cause
            for image in self.document["images"]
            for cause in image["causes"]
            if (cause["origin"], cause["kind"]) == (origin, kind)
        ]


def broken_promises(first: Night, quiet: Night, moved: Night) -> Iterator[str]:
    """A sentence for each thing that did not come out as promised."""
    yield from _statuses("the first night", first, {Status.FIRST})
    yield from _statuses("the quiet night", quiet, _QUIET)
    for name, night in (("the first night", first), ("the quiet night", quiet)):
        if night.exit_code != 0:
            yield f"{name} exited {night.exit_code}, not 0"
    if moved.exit_code != 1:
        yield f"the night on which the world moved exited {moved.exit_code}, not 1"
    for image, wanted in _MOVED.items():
        if moved.statuses.get(image) not in wanted:
            yield f"{image} came out {moved.statuses.get(image)}, not {' or '.join(sorted(wanted))}"
    yield from _causes(moved)


def _statuses(name: str, night: Night, wanted: set[Status]) -> Iterator[str]:
    for image, status in night.statuses.items():
        if status not in wanted:
            yield f"{image} came out {status} on {name}, not {' or '.join(sorted(wanted))}"


def _causes(moved: Night) -> Iterator[str]:
    for kind in (Kind.PACKAGE, Kind.BASE_IMAGE, Kind.REMOTE_CONTENT):
        found = moved.causes(Origin.EXTERNAL, kind)
        if len(found) != 1:
            yield f"{len(found)} causes of kind {kind}, not 1"
        elif not (found[0]["before"] and found[0]["after"]):
            yield f"the {kind} cause does not say what was before and after"
    if not moved.causes(Origin.NONDETERMINISM, Kind.RANDOM):
        yield "the random bytes of demo-site are not said to be noise"
    for image in moved.document["images"]:
        if any(cause["origin"] == Origin.UNEXPLAINED for cause in image["causes"]):
            yield f"something in {image['name']} is unexplained"
